"""What honest nodes believe, as far as facts tell: heads, who runs, which faults are in force.

Rules:
- A node that ended believes nothing; one that starts believes what its next facts say. *Why:* a
  restored backup is an honest node's true view again, though it is old.
- Hostile nodes are not looked at. *Why:* no promise is about what they believe.
- A node counts as running until it is seen to end. *Why:* a window may begin to look late.
"""

import math
from dataclasses import dataclass

from testnet.checkers.checker import Ground
from testnet.checkers.tree import BlockTree, Card
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Fact,
    FaultBegan,
    FaultEnded,
    NodeStarted,
    NodeStopped,
    Seen,
)

GRACE_S = 30.0
"""So long after a fault its traces are still expected: nodes redial, exchange, and reorganise."""

SIGHT: frozenset[type[Fact]] = frozenset(
    (
        NodeStarted,
        NodeStopped,
        BlockJoined,
        BlockLeft,
        FaultBegan,
        FaultEnded,
    )
)
"""The facts that change what is known here."""


@dataclass(slots=True)
class Belief:
    """One node: whether it runs and can be judged, and the head of its chain once known."""

    running: bool
    honest: bool
    head: Card | None = None


class Sight:
    """The honest nodes' heads. `fresh` is the block that the last fact told something new about."""

    def __init__(self, ground: Ground) -> None:
        self.tree = BlockTree()
        self.beliefs = {name: Belief(True, name not in ground.hostile) for name in ground.nodes}
        self.hostile = ground.hostile
        self.height = 0
        self.fresh: Card | None = None
        self._block_s = ground.scenario.net.block_ms / 1_000
        self._in_force: dict[str, None] = {}
        self._disturbed_s = -math.inf
        self._calm_s = -math.inf

    def see(self, seen: Seen) -> None:
        """The next fact; those that are not in SIGHT change nothing."""
        self.fresh = None
        match seen.fact:
            case BlockJoined() as fact:
                self._joined(fact)
            case BlockLeft(node, block):
                belief = self.beliefs.get(node)
                if belief is not None and belief.head is not None and belief.head.block == block:
                    belief.head = belief.head.below
            case NodeStarted(node, honest):
                self.beliefs[node] = Belief(True, honest and node not in self.hostile)
            case NodeStopped(node):
                honest = self.judged(node) or node not in self.beliefs
                self.beliefs[node] = Belief(False, honest and node not in self.hostile)
            case FaultBegan(fault):
                if not self._in_force and seen.at_s - self._calm_s > GRACE_S:
                    self._disturbed_s = seen.at_s
                self._in_force[fault] = None
            case FaultEnded(fault) if fault in self._in_force:
                del self._in_force[fault]
                self._calm_s = seen.at_s
            case _:
                pass

    def judged(self, node: str) -> bool:
        """Whether what the node believes can be held against it."""
        belief = self.beliefs.get(node)
        return belief is not None and belief.honest

    def disturbed_blocks(self, at_s: float) -> int:
        """How many blocks could be made since the faults began that can still be felt."""
        if not self._in_force and at_s - self._calm_s > GRACE_S:
            return 0
        return math.ceil((at_s - self._disturbed_s) / self._block_s)

    def heads(self) -> dict[str, Card]:
        """The heads of the honest nodes that run and were heard of."""
        return {
            name: belief.head
            for name, belief in self.beliefs.items()
            if belief.head is not None and belief.running and belief.honest
        }

    def _joined(self, fact: BlockJoined) -> None:
        belief = self.beliefs.get(fact.node)
        if belief is None or not belief.honest:
            return
        card, fresh = self.tree.take(fact)
        belief.head = card
        self.height = max(self.height, card.height)
        self.fresh = card if fresh else None
