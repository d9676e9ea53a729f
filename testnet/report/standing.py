"""Where the nodes stood at a moment: on one chain, or on which branches of a split one."""

from collections.abc import Sequence
from dataclasses import dataclass

from testnet.observation import BlockJoined, Glimpse, NodeStopped, Seen
from testnet.report.words import counted, nodes_text, short

BRANCHES_MAX = 4
"""Branches named in the sentence."""


@dataclass(frozen=True, slots=True)
class Camp:
    """Nodes whose heads are on one chain, by its highest head."""

    head: str
    low: int
    high: int
    nodes: tuple[str, ...]


def standing(seen: Sequence[Seen], at_s: float) -> str:
    """One sentence; empty where nothing is known of any node."""
    links, heads = _read(seen, at_s)
    camps = camps_of(links, heads)
    if not camps:
        return ""
    if len(camps) == 1:
        camp = camps[0]
        return f"At that moment all running nodes were on one chain, {_heights(camp)}."
    parts = [
        f"{nodes_text(camp.nodes)} on {short(camp.head)} ({_heights(camp)})"
        for camp in camps[:BRANCHES_MAX]
    ]
    more = len(camps) - len(parts)
    rest = f", and {counted(more, 'more branch', 'more branches')}" if more else ""
    parted = parting(links, [camp.head for camp in camps])
    since = "" if parted is None else f" after height {parted}"
    return f"At that moment the chain was split{since}: {'; '.join(parts)}{rest}."


def _heights(camp: Camp) -> str:
    return f"height {camp.high}" if camp.low == camp.high else f"heights {camp.low} to {camp.high}"


Links = dict[str, tuple[str, int]]
"""The parent and the height of each block."""


def _read(seen: Sequence[Seen], at_s: float) -> tuple[Links, dict[str, str]]:
    """The blocks, and the heads of the nodes that run then."""
    links, heads = Links(), dict[str, str]()
    for each in seen:
        if each.at_s > at_s:
            break
        match each.fact:
            case BlockJoined() as block:
                links[block.block] = block.parent, block.height
                heads[block.node] = block.block
            case Glimpse() as glimpse if glimpse.head in links:
                heads[glimpse.node] = glimpse.head
            case NodeStopped(node=node):
                heads.pop(node, None)
            case _:
                pass
    return links, heads


def camps_of(links: Links, heads: dict[str, str]) -> list[Camp]:
    """The camps, the largest first; a node on a common part belongs to the first it fits."""
    groups = dict[str, list[str]]()
    for node, head in heads.items():
        groups.setdefault(head, []).append(node)
    camps = dict[str, list[str]]()
    chains = dict[str, frozenset[str]]()
    for head in sorted(groups, key=lambda each: (-links[each][1], each)):
        top = next((other for other in camps if head in chains[other]), None)
        if top is None:
            chains[head] = frozenset(ancestry(links, head))
        camps.setdefault(top or head, []).extend(groups[head])
    found = [
        Camp(top, min(links[heads[node]][1] for node in nodes), links[top][1], tuple(nodes))
        for top, nodes in camps.items()
    ]
    return sorted(found, key=lambda camp: (-len(camp.nodes), -camp.high, camp.head))


def ancestry(links: Links, head: str) -> list[str]:
    """A block and its known ancestors, highest first; heights must fall, or it is a circle."""
    found = list[str]()
    while head in links and (not found or links[head][1] < links[found[-1]][1]):
        found.append(head)
        head = links[head][0]
    return found


def parting(links: Links, heads: Sequence[str]) -> int | None:
    """The height of the highest block that all these heads stand on; None when not known."""
    shared = frozenset(ancestry(links, heads[0]))
    for head in heads[1:]:
        shared &= frozenset(ancestry(links, head))
    return max((links[block][1] for block in shared), default=None)
