"""Liveness: states that a network comes to when it is left in peace. Each says what is missing."""

from collections.abc import Sequence
from typing import Protocol

from testnet.checkers.catalogue import Converged, CoreConverged, Peers, Progress
from testnet.checkers.sight import Sight
from testnet.checkers.tree import Card, fork, parted, stands_on
from testnet.observation import (
    BlockJoined,
    Confirmed,
    Fact,
    Glimpse,
    Seen,
    SetConfirmed,
    TransactionOffered,
)

NAMED_MAX = 3
"""Of many missing transactions the first few are named."""

Answer = tuple[bool, str]
"""Whether it holds, and the facts that say so."""


class State(Protocol):
    """One check of a window, over the selected nodes."""

    def see(self, seen: Seen) -> None:
        """A fact, after the sight has taken it in."""
        ...

    def holds(self, nodes: Sequence[str]) -> Answer:
        """Whether it holds now."""
        ...


class Convergence:
    """See Converged and CoreConverged."""

    def __init__(self, kind: Converged | CoreConverged, sight: Sight) -> None:
        self._kind = kind
        self._share = kind.share if isinstance(kind, CoreConverged) else 1.0
        self._sight = sight

    def see(self, seen: Seen) -> None:
        """See State."""

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State."""
        heads = {name: head for name, head in self._sight.heads().items() if name in nodes}
        groups = [self._followers(head, heads) for head in dict.fromkeys(heads.values())]
        core = max(groups, key=len, default=())
        needed = self._share * len(nodes)
        if len(core) >= needed:
            top = max((heads[name] for name in core), key=lambda card: card.height)
            return True, f"{len(core)} of {len(nodes)} nodes are on {top.label}"
        return False, f"{len(core)} of {len(nodes)} nodes agree: {self._apart(nodes, heads, core)}"

    def _followers(self, top: Card, heads: dict[str, Card]) -> tuple[str, ...]:
        """The nodes that are near the end of the chain of `top`, itself a highest head."""
        kind = self._kind
        return tuple(
            name
            for name, head in heads.items()
            if top.height - kind.lag_blocks <= head.height <= top.height
            and not parted(top, head, kind.depth_blocks)
        )

    def _apart(self, nodes: Sequence[str], heads: dict[str, Card], core: Sequence[str]) -> str:
        """The first node that is not with the others, and why."""
        away = next(name for name in nodes if name not in core)
        belief = self._sight.beliefs.get(away)
        if belief is None or not belief.running:
            return f"{away} is down"
        if away not in heads:
            return f"{away} was not heard of" if belief.honest else f"{away} is hostile"
        other = heads[core[0]]
        last = fork(heads[away], other)
        shared = "nothing that was seen" if last is None else last.label
        return (
            f"{away} is on {heads[away].label}, {core[0]} on {other.label}, and they share {shared}"
        )


class Rise:
    """See Progress."""

    def __init__(self, kind: Progress, sight: Sight) -> None:
        self._blocks = kind.blocks
        self._sight = sight
        self._from: dict[str, int] | None = None

    def see(self, seen: Seen) -> None:
        """See State."""

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State. The first time is when the window opens."""
        heads = self._sight.heads()
        heights = {name: heads[name].height if name in heads else 0 for name in nodes}
        if self._from is None:
            self._from = {}
        for name in nodes:  # one that was hostile when the window opened may be honest now
            self._from.setdefault(name, heights[name])
        risen = {name: heights[name] - self._from[name] for name in nodes}
        slowest = min(nodes, key=lambda name: risen[name])
        detail = (
            f"{slowest} rose from height {self._from[slowest]} to {heights[slowest]}, "
            f"{self._blocks} blocks are asked for"
        )
        return risen[slowest] >= self._blocks, detail


class Company:
    """See Peers."""

    def __init__(self, kind: Peers, sight: Sight) -> None:
        self._least = kind.least
        self._sight = sight
        self._peers: dict[str, int] = {}

    def see(self, seen: Seen) -> None:
        """See State."""
        if isinstance(seen.fact, Glimpse):
            self._peers[seen.fact.node] = seen.fact.peers

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State."""
        beliefs = self._sight.beliefs
        found = {
            name: self._peers.get(name, 0) if name in beliefs and beliefs[name].running else 0
            for name in nodes
        }
        loneliest = min(nodes, key=lambda name: found[name])
        detail = f"{loneliest} has {found[loneliest]} peers, {self._least} are asked for"
        return found[loneliest] >= self._least, detail


class Inclusion:
    """See AllIncluded."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._taken: dict[str, TransactionOffered] = {}
        self._blocks: dict[str, tuple[Card, ...]] = {}
        self._users: dict[tuple[str, int, int], tuple[str, ...]] = {}
        self._awaited: dict[str, TransactionOffered] | None = None

    def see(self, seen: Seen) -> None:
        """See State."""
        match seen.fact:
            case TransactionOffered(node, transaction, code="") as offer:
                if self._sight.judged(node) and transaction not in self._taken:
                    self._taken[transaction] = offer
                    number = _number(offer)
                    self._users[number] = (*self._users.get(number, ()), transaction)
            case BlockJoined():
                card = self._sight.fresh
                for transaction in card.transactions if card is not None else ():
                    assert card is not None
                    self._blocks[transaction] = (*self._blocks.get(transaction, ()), card)
            case _:
                pass

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State. The first time is when the window opens."""
        if self._awaited is None:
            self._awaited = dict(self._taken)
        shared, why = self._shared(nodes)
        if shared is None:
            return False, why
        missing = [
            offer
            for offer in self._awaited.values()
            if offer.expiry >= shared.slot and not self._there(offer, shared)
        ]
        if not missing:
            return True, f"{len(self._awaited)} transactions are below {shared.label}"
        named = ", ".join(f"{o.transaction[:8]} (taken by {o.node})" for o in missing[:NAMED_MAX])
        return False, (
            f"{len(missing)} of {len(self._awaited)} transactions are not below {shared.label}, "
            f"the last block that all have: {named}"
        )

    def _shared(self, nodes: Sequence[str]) -> tuple[Card | None, str]:
        """The last block of all selected chains; or why there is none."""
        heads = self._sight.heads()
        shared: Card | None = None
        for name in nodes:
            head = heads.get(name)
            if head is None:
                return None, f"{name} is down, hostile or was not heard of"
            both = head if shared is None else fork(shared, head)
            if both is None:
                return None, f"{name} on {head.label} shares nothing that was seen with the others"
            shared = both
        return shared, ""

    def _there(self, offer: TransactionOffered, shared: Card) -> bool:
        return any(
            card.height <= shared.height and stands_on(shared, card)
            for transaction in self._users[_number(offer)]
            for card in self._blocks.get(transaction, ())
        )


def _number(offer: TransactionOffered) -> tuple[str, int, int]:
    return offer.sender, offer.lane, offer.sequence


HEARD: frozenset[type[Fact]] = frozenset(
    (Glimpse, TransactionOffered, BlockJoined, Confirmed, SetConfirmed)
)
"""The facts that some state listens for."""
