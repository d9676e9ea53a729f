"""Whether every transaction that was taken reached every node that lived, and how soon."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import Delivered
from testnet.checkers.checker import Ending, Ground
from testnet.observation import (
    BlockJoined,
    Fact,
    NodeStarted,
    NodeStopped,
    Seen,
    TransactionOffered,
    TransactionSeen,
)
from testnet.outcome import Verdict, Violation

NAMED_MAX = 3
"""Of many missing deliveries the first few are named."""

Number = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Missing:
    """A delivery that was due and did not happen."""

    transaction: str
    taken_by: str
    node: str
    offered_s: float


class Deliveries:
    """Follows transactions from their offer until `wait_s` later. Hostile nodes do not count.

    What a node took may be gone with it when it ends, and who was not there need not have heard
    it: both ends must have run all the time. A client whose node ended signs its number anew, and
    a network needs one of the two.
    """

    def __init__(self, nodes: Sequence[str], hostile: Sequence[str], wait_s: float) -> None:
        self.due = 0
        self.missing: list[Missing] = []
        self._wait_s = wait_s
        self._hostile = frozenset(hostile)
        self._since_s = {node: 0.0 for node in nodes if node not in self._hostile}
        self._offers: deque[tuple[float, TransactionOffered]] = deque()
        self._users: dict[Number, tuple[str, ...]] = {}
        self._reached: dict[str, dict[str, None]] = {}

    def see(self, seen: Seen) -> None:
        """The next fact, in order of time."""
        while self._offers and seen.at_s > self._offers[0][0] + self._wait_s:
            self._settle(*self._offers.popleft())
        match seen.fact:
            case TransactionOffered(node, transaction, code="") as offer if node in self._since_s:
                self._offers.append((seen.at_s, offer))
                number = _number(offer)
                self._users[number] = (*self._users.get(number, ()), transaction)
            case TransactionSeen(node, transaction):
                self._reached.setdefault(transaction, {})[node] = None
            case BlockJoined(node=node, transactions=transactions):
                for transaction in transactions:
                    self._reached.setdefault(transaction, {})[node] = None
            case NodeStarted(node, honest) if honest and node not in self._hostile:
                self._since_s[node] = seen.at_s
            case NodeStarted(node) | NodeStopped(node):
                self._since_s.pop(node, None)
            case _:
                pass

    @property
    def share(self) -> float | None:
        """Of the deliveries that were due, those that happened; None when there were none."""
        return 1 - len(self.missing) / self.due if self.due else None

    def _settle(self, at_s: float, offer: TransactionOffered) -> None:
        there = [node for node, since_s in self._since_s.items() if since_s <= at_s]
        if offer.node not in there:
            return
        users = self._users[_number(offer)]
        for node in there:
            self.due += node != offer.node
            if node != offer.node and not any(node in self._reached.get(t, {}) for t in users):
                self.missing.append(Missing(offer.transaction, offer.node, node, at_s))


class DeliveredJudge:
    """See Delivered."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (
        TransactionOffered,
        TransactionSeen,
        BlockJoined,
        NodeStarted,
        NodeStopped,
    )

    def __init__(self, kind: Delivered, ground: Ground) -> None:
        self._kind = kind
        self._deliveries = Deliveries(ground.nodes, ground.hostile, kind.wait_ms / 1_000)

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        self._deliveries.see(seen)
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge. Offers whose time has not run out are not due."""
        share, missing = self._deliveries.share, self._deliveries.missing
        if share is None or share >= self._kind.share:
            return ()
        named = ", ".join(
            f"{m.transaction[:8]} (taken by {m.taken_by} at {m.offered_s:.1f} s) at {m.node}"
            for m in missing[:NAMED_MAX]
        )
        statement = (
            f"{len(missing)} of {self._deliveries.due} deliveries did not happen within "
            f"{self._kind.wait_ms / 1_000:g} s, {1 - self._kind.share:.2%} may fail: {named}"
        )
        nodes = tuple(dict.fromkeys(m.node for m in missing[:NAMED_MAX]))
        return [Violation(Delivered.NAME, Verdict.BOUND, ending.at_s, nodes, 0, statement)]


def _number(offer: TransactionOffered) -> Number:
    return offer.sender, offer.lane, offer.sequence
