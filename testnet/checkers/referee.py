"""The second validator against the nodes: blocks taken, blocks refused, heads preferred.

A head is given up for a better one, or because it does not stand on the newest checkpoint that was
justified for the node: docs/spec/consensus.md, section 5. Whoever moves its head stands on that,
and so does, soon after, whoever has not moved it.
"""

from collections.abc import Sequence
from typing import ClassVar

from chain.genesis import Genesis
from chain.parameters import Consensus
from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import Reference
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.reference import WRONG_STATE
from testnet.checkers.sight import Sight
from testnet.checkers.tree import Card, ancestor, stands_on
from testnet.checkers.work import first_target, next_target, weight
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    Fact,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
)
from testnet.outcome import Verdict, Violation

SETTLED_S = 0.25
"""A reorganisation is over by then: all its steps are told together, or within milliseconds."""

ASTRAY_S = 2.0
"""So long after a checkpoint was justified for a node its head may be told to stand elsewhere."""

Rank = tuple[int, int, int]


class Scales:
    """Ranks heads by docs/spec/blocks.md, section 6: weight, then lower slot, then lower id."""

    def __init__(self, genesis: Genesis) -> None:
        self._rules = genesis.parameters
        self._work = genesis.consensus is Consensus.WORK
        self._weighed: dict[str, tuple[int, int]] = {}  # block: (target, weight of the chain)

    def rank(self, card: Card) -> Rank | None:
        """The better of two heads has the greater rank; None when its chain was not all seen."""
        order = -card.slot, -int(card.block, 16)
        if not self._work:
            return card.height, *order
        return (self._weighed[card.block][1], *order) if self._weigh(card) else None

    def _weigh(self, card: Card) -> bool:
        chain: list[Card] = []
        while card.block not in self._weighed and card.height:
            chain.append(card)
            if card.below is None:
                return False
            card = card.below
        self._weighed.setdefault(card.block, (0, 0))
        for each in reversed(chain):
            assert each.below is not None
            target = self._target(each.below)
            below = self._weighed[each.below.block][1]
            self._weighed[each.block] = target, below + weight(target)
        return True

    def _target(self, above: Card) -> int:
        if not above.height:
            return first_target(self._rules)
        window = self._rules.work_retarget_blocks
        target = self._weighed[above.block][0]
        if above.height % window:
            return target
        blocks = min(window, above.height)
        first = ancestor(above, above.height - blocks)
        assert first is not None, "the chain was seen down to its first block"
        return next_target(target, above.slot - first.slot, blocks, self._rules)


class ReferenceJudge:
    """See Reference."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (
        BlockJoined,
        BlockLeft,
        Confirmed,
        Glimpse,
        NodeStarted,
        NodeStopped,
    )

    def __init__(self, ground: Ground, sight: Sight) -> None:
        self._sight = sight
        self._scales = Scales(ground.genesis)
        self._heads: dict[str, Card] = {}
        self._given_up: dict[str, tuple[Card, float]] = {}
        self._newest: dict[str, tuple[int, int, str, float]] = {}  # set, epoch, block, since when
        self._votes = False  # whether anybody was seen to confirm anything

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case NodeStarted(node) | NodeStopped(node):
                self._given_up.pop(node, None)
                self._heads.pop(node, None)
                self._newest.pop(node, None)
                return ()
            case Confirmed(node) as confirmed:
                found = self._preferred(node, seen.at_s)  # what is over is judged by what was known
                self._confirmed(confirmed, seen.at_s)
                return found
            case Glimpse(node):
                return self._preferred(node, seen.at_s) or self._settled(node, seen.at_s)
            case BlockJoined(node) | BlockLeft(node):
                found = self._preferred(node, seen.at_s)
                self._follow(node, seen)
                return found
            case _:
                return ()

    def _follow(self, node: str, seen: Seen) -> None:
        match seen.fact:
            case BlockJoined(block=block) if self._sight.judged(node):
                card = self._sight.tree.get(block)
                if card is not None:
                    self._heads[node] = card
            case BlockLeft(block=block) if node in self._heads:
                head = self._heads[node]
                self._given_up.setdefault(node, (head, seen.at_s))
                if head.below is None:
                    del self._heads[node]
                else:
                    self._heads[node] = head.below
            case _:
                pass

    def _preferred(self, node: str, at_s: float, *, over: bool = False) -> Sequence[Violation]:
        """A reorganisation that is over must have been for the better."""
        old, since_s = self._given_up.get(node, (None, 0.0))
        if old is None or (at_s - since_s <= SETTLED_S and not over):
            return ()
        del self._given_up[node]
        new = self._heads.get(node)
        if new is None:
            return ()
        if self._votes:
            newest = self._sight.tree.get(self._newest[node][2]) if node in self._newest else None
            if newest is None or not stands_on(old, newest) or not stands_on(new, newest):
                return self._astray(node, new, newest, at_s)
        before, after = self._scales.rank(old), self._scales.rank(new)
        if before is None or after is None or after >= before:
            return ()
        statement = (
            f"{node} gave up {old.label} (slot {old.slot}) for {new.label} (slot {new.slot}), "
            "though the heavier chain, then the lower slot, then the lower id is to be preferred"
        )
        return [_violation(at_s, (node,), new.height, statement)]

    def _confirmed(self, fact: Confirmed, at_s: float) -> None:
        self._votes = True
        known = self._newest.get(fact.node, (-1, -1, "", 0.0))
        if not fact.final and (fact.set, fact.epoch) > known[:2]:
            self._newest[fact.node] = fact.set, fact.epoch, fact.block, at_s

    def _settled(self, node: str, at_s: float) -> Sequence[Violation]:
        """The head that a node has had for a while, whether or not it was given another."""
        _, _, block, since_s = self._newest.get(node, (0, 0, "", at_s))
        head, newest = self._heads.get(node), self._sight.tree.get(block)
        if head is None or newest is None or at_s - since_s <= ASTRAY_S:
            return ()
        if head.height >= newest.height and ancestor(head, newest.height) is None:
            return ()  # its chain was not all seen
        return self._astray(node, head, newest, at_s)

    def _astray(
        self, node: str, new: Card, newest: Card | None, at_s: float
    ) -> Sequence[Violation]:
        """What is wrong with a head, whatever it weighs; nothing while J* is not known.

        A node that starts says nothing of what it held before; it is known with the next one.
        """
        if newest is None or stands_on(new, newest):
            return ()
        statement = (
            f"{node} has head {new.label}, which does not stand on {newest.label}, though that is "
            "the newest justified"
        )
        return [_violation(at_s, (node,), new.height, statement)]

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found: list[Violation] = []
        for node in list(self._given_up):
            found += self._preferred(node, ending.at_s, over=True)
        for judgement, nodes in audit.bad:
            if judgement.code != WRONG_STATE:
                statement = (
                    f"{', '.join(nodes)} took block {judgement.block.hex()[:8]} at height "
                    f"{judgement.height}, which the second validator refuses: "
                    f"{judgement.code}: {judgement.reason}"
                )
                found.append(_violation(ending.at_s, nodes, judgement.height, statement))
        found += [
            _violation(ending.at_s, (node,), 0, f"{node} has a block that is none: {why}")
            for node, why in audit.unreadable
        ]
        for turned in audit.refused:
            judged = audit.judgements.get(turned.raw)
            if judged is not None and judged.good:
                statement = (
                    f"{turned.node} refused block {judged.block.hex()[:8]} at height "
                    f"{judged.height} as invalid, in which the second validator finds nothing wrong"
                )
                found.append(_violation(ending.at_s, (turned.node,), judged.height, statement))
        return found


def _violation(at_s: float, nodes: tuple[str, ...], height: int, statement: str) -> Violation:
    return Violation(Reference.NAME, Verdict.SAFETY, at_s, nodes, height, statement)
