"""What can be measured from facts: how fast things spread, what it costs, how often chains turn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    Fact,
    Glimpse,
    NodeStarted,
    Seen,
    TransactionOffered,
    TransactionSeen,
)


@dataclass(slots=True)
class Spread:
    """When things first appeared, and how long after that they reached each other node.

    A node that started after something appeared fetches it: that is no propagation.
    """

    first_s: dict[str, float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    _reached: set[tuple[str, str]] = field(default_factory=set)

    def reach(self, what: str, node: str, at_s: float, started_s: float) -> None:
        """Something is at a node that serves since `started_s`."""
        if (what, node) in self._reached:
            return
        self._reached.add((what, node))
        first_s = self.first_s.get(what)
        if first_s is None:
            self.first_s[what] = at_s
        elif started_s <= first_s:
            self.delays_s.append(at_s - first_s)


@dataclass(slots=True)
class Cost:
    """What a node has sent in all its lives; counters that fall back begin anew."""

    total: int = 0
    last: int = 0

    def read(self, counter: int) -> None:
        """The next reading."""
        self.total += counter - self.last if counter >= self.last else counter
        self.last = counter


class Lags:
    """By how many slots each new head of a node was ahead of the node's last final block."""

    def __init__(self) -> None:
        self.slots: list[int] = []
        self._slot_of: dict[str, int] = {}
        self._final: dict[str, int] = {}

    def see(self, fact: BlockJoined | Confirmed | NodeStarted) -> None:
        """The next fact. A node counts from its first final block in each of its lives."""
        match fact:
            case NodeStarted(node):
                self._final.pop(node, None)
            case Confirmed(node, block, final=True) if block in self._slot_of:
                self._final[node] = self._slot_of[block]
            case BlockJoined(node, block, slot=slot):
                self._slot_of[block] = slot
                final = self._final.get(node)
                if final is not None and slot > final:
                    self.slots.append(slot - final)
            case _:
                pass


class Measures:
    """Takes facts in; every number can be asked for at any time. Hostile nodes do not count."""

    def __init__(self, hostile: Sequence[str]) -> None:
        self.blocks = Spread()
        self.transactions = Spread()
        self.inclusions_s: list[float] = []
        self.included: dict[str, None] = {}
        self.lags = Lags()
        self.reorgs = 0
        self.depth_max = 0
        self._hostile = dict.fromkeys(hostile, True)
        self._permanent = frozenset(hostile)
        self._started_s: dict[str, float] = {}
        self._offered_s: dict[str, float] = {}
        self._leaving: dict[str, int] = {}
        self._bytes: dict[str, Cost] = {}
        self._messages: dict[str, Cost] = {}
        self._bodies: dict[str, Cost] = {}
        self._came = 0

    def see(self, seen: Seen) -> None:
        """The next fact."""
        match seen.fact:
            case TransactionSeen(node, transaction):
                if not self._hostile.get(node):
                    self._came += 1
                    started_s = self._started_s.get(node, 0.0)
                    self.transactions.reach(transaction, node, seen.at_s, started_s)
            case BlockJoined() as fact:
                self._joined(fact, seen.at_s)
            case BlockLeft(node):
                self._left(node)
            case Confirmed(node) as fact if not self._hostile.get(node):
                self.lags.see(fact)
            case TransactionOffered(node, transaction, code=code):
                self._offered_s.setdefault(transaction, seen.at_s)
                self._came -= not code and not self._hostile.get(node)
            case Glimpse() as fact:
                self._bytes.setdefault(fact.node, Cost()).read(fact.bytes_out)
                self._messages.setdefault(fact.node, Cost()).read(fact.messages_out)
                if not self._hostile.get(fact.node):
                    self._bodies.setdefault(fact.node, Cost()).read(fact.bodies_in)
            case NodeStarted(node, honest) as fact:
                self.lags.see(fact)
                self._started_s[node] = seen.at_s
                self._hostile[node] = not honest or node in self._permanent
                self._leaving.pop(node, None)
            case _:
                pass

    @property
    def bytes_per_transaction(self) -> float | None:
        """None while nothing is included."""
        return self._each(self._bytes)

    @property
    def messages_per_transaction(self) -> float | None:
        """None while nothing is included."""
        return self._each(self._messages)

    @property
    def copies(self) -> float | None:
        """Bodies from peers for each that came from one; None if none did, or none is counted."""
        bodies = sum(cost.total for cost in self._bodies.values())
        return bodies / self._came if bodies and self._came > 0 else None

    def _each(self, costs: dict[str, Cost]) -> float | None:
        total = sum(cost.total for cost in costs.values())
        return total / len(self.included) if self.included else None

    def _joined(self, fact: BlockJoined, at_s: float) -> None:
        if self._hostile.get(fact.node):
            return
        self._leaving.pop(fact.node, None)
        if not fact.height:
            return
        self.lags.see(fact)
        self.blocks.reach(fact.block, fact.node, at_s, self._started_s.get(fact.node, 0.0))
        for transaction in fact.transactions:
            if transaction not in self.included:
                self.included[transaction] = None
                if transaction in self._offered_s:
                    self.inclusions_s.append(at_s - self._offered_s[transaction])

    def _left(self, node: str) -> None:
        if self._hostile.get(node):
            return
        depth = self._leaving.get(node, 0) + 1
        self._leaving[node] = depth
        self.reorgs += depth == 1
        self.depth_max = max(self.depth_max, depth)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


MEASURED: tuple[type[Fact], ...] = (
    BlockJoined,
    BlockLeft,
    Glimpse,
    NodeStarted,
    TransactionOffered,
)
"""The facts that limits need; how transactions spread is worked out after the run alone."""
