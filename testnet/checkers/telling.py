"""Facts as lines for people, and the last of them before something went wrong."""

from collections.abc import Sequence

from testnet.observation import (
    BlockJoined,
    BlockLeft,
    EvidenceSeen,
    Fact,
    FaultBegan,
    FaultEnded,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    SetConfirmed,
    TransactionDropped,
    Trouble,
)

CAUSES_MAX = 12
"""More lines than this are not read; the report has all of them."""

TOLD: frozenset[type[Fact]] = frozenset(
    (
        NodeStarted,
        NodeStopped,
        BlockJoined,
        BlockLeft,
        EvidenceSeen,
        SetConfirmed,
        Refused,
        Trouble,
        FaultBegan,
        FaultEnded,
        TransactionDropped,
    )
)
"""The facts that can lead to something; single transactions and glimpses are too many to tell."""


def tell(seen: Seen) -> str:
    """One fact as a line: when, who, what."""
    return f"t={seen.at_s:.3f}s {_what(seen.fact)}"


def _what(fact: Fact) -> str:
    match fact:
        case NodeStarted(node, honest):
            return f"{node} started" + ("" if honest else ", hostile")
        case NodeStopped(node, how, why):
            return f"{node} ended: {how}" + (f" ({why})" if why else "")
        case BlockJoined(node, block, parent, height, slot):
            return f"{node} took {block[:8]} on {parent[:8]}, height {height}, slot {slot}"
        case BlockLeft(node, block, height):
            return f"{node} gave up {block[:8]}, height {height}"
        case EvidenceSeen(node, author, offence):
            return f"{node} has evidence against {author[:8]}: two {offence}"
        case SetConfirmed(node, number, seats):
            return f"{node} holds a block final by set {number} of {len(seats)} seats"
        case Refused(node, peer, code, reason):
            return f"{node} refused something of {peer}: {code}: {reason}"
        case Trouble(node, what, detail):
            return f"{node}: {what}: {detail}"
        case FaultBegan(fault, kind, on):
            return f"fault {fault} began: {kind} on {', '.join(on)}"
        case FaultEnded(fault, hits):
            return f"fault {fault} ended after {hits} hits"
        case TransactionDropped(node, transaction, code):
            return f"{node} dropped transaction {transaction[:8]}: {code}"
        case _:
            return type(fact).__name__


class Memoir:
    """The facts of a run that can lead to something; the recorder keeps them anyway."""

    def __init__(self) -> None:
        self._facts: list[Seen] = []

    def keep(self, seen: Seen) -> None:
        """Remember a fact."""
        self._facts.append(seen)

    def causes(self, nodes: Sequence[str], height: int | None = None) -> tuple[str, ...]:
        """The last lines about these nodes (all, if there are none) and about faults, in order.

        With a height: the last before the nodes last had a block of that height.
        """
        told: list[str] = []
        begun = height is None
        for seen in reversed(self._facts):
            if len(told) == CAUSES_MAX:
                break
            if _concerns(seen.fact, nodes):
                begun = begun or _height_of(seen.fact) == height
                if begun:
                    told.append(tell(seen))
        return tuple(told[::-1])


def _height_of(fact: Fact) -> int | None:
    return fact.height if isinstance(fact, BlockJoined | BlockLeft) else None


def _concerns(fact: Fact, nodes: Sequence[str]) -> bool:
    if isinstance(fact, FaultBegan | FaultEnded):
        return True
    return not nodes or getattr(fact, "node", "") in nodes
