"""Schedules of an adversary: with all rules nothing conflicts; each rule left out is found out."""

from random import Random

import pytest

from chain.primitives.hashing import Hash
from tests.chain.consensus.finality.model import Cast, Network, Rules
from tests.chain.consensus.finality.weakened import WEAKENED, TwoBases, schedule


@pytest.mark.parametrize("part", range(4))
def test_with_all_rules_no_two_final_blocks_conflict(part: int) -> None:
    final = 0
    for seed in range(part * 250, part * 250 + 250):
        network = schedule(Rules(), seed)
        assert not network.run(), f"schedule(Rules(), {seed})"
        final += len(network.finals) > 1
    assert final > 125, "schedules in which nothing becomes final show nothing"


@pytest.mark.parametrize("rules", WEAKENED, ids=lambda rules: rules.name)
def test_a_rule_left_out_is_found_out(rules: Rules) -> None:
    """Within the very schedules that find nothing with all rules."""
    assert any(schedule(rules, seed).run() for seed in range(1000))


OLD, NEW = (0, 1, 2, 3), (4, 5, 6, 7)


class Story:
    """A schedule told step by step, in which nobody lies."""

    def __init__(self, rules: Rules) -> None:
        cast = Cast((OLD, NEW), frozenset(), 9, 0.0, 0.0, 0.0, 0.0)
        self.network = Network(cast, rules, Random(0))
        self.root = self.network.root

    def block(
        self, slot: int, parent: Hash, carries: tuple[int, ...], voters: tuple[int, ...] = ()
    ) -> Hash:
        """A block with the certificates for these epochs, and who is asked to vote for it."""
        network = self.network
        known = [c for c in network.certificates.values() if c.vote.target.epoch in carries]
        made = network.block(slot, parent, sorted(known, key=lambda c: c.vote.target.epoch))
        for member in voters:
            node = network.nodes[member]
            node.sight.learn(made)
            network.ask(member, node, made, slot)
        network.certify()
        return made


def two_handovers(rules: Rules) -> bool:
    """The old set hands over on two branches, in epochs 2 and 5; the new one votes on one branch,
    and then on the other without having heard of its own certificates."""
    story = Story(rules)
    network = story.network
    decides = story.block(1, story.root, ())
    place = network.tree.places[decides]
    decided = place.standing.decided(decides, 1, Hash(bytes(31) + b"\1"))
    network.tree.places[decides] = place._replace(standing=decided)
    for member in OLD:
        network.nodes[member].sight.learn(decides)
        network.ask(member, network.nodes[member], decides, 1)
    network.certify()
    fork = story.block(2, decides, (1,), OLD)
    one = story.block(4, story.block(3, fork, (2,)), (), NEW)
    story.block(6, story.block(5, one, (4,), NEW), (5,))
    two = story.block(4, fork, (), OLD)
    two = story.block(5, two, (4,), OLD)
    two = story.block(7, story.block(6, two, (5,)), (), NEW)
    story.block(9, story.block(8, two, (7,), NEW), (8,))
    return network.conflict()


def test_a_set_begins_at_one_base_on_every_branch() -> None:
    assert two_handovers(TwoBases())
    assert not two_handovers(Rules())
