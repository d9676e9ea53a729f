"""Checkers of finality: silent over what is allowed, loud over each way to break it."""

from collections.abc import Sequence

import pytest

from testnet.observation import (
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    NodeStarted,
    NodeStopped,
    Seen,
    VoteSeen,
)
from testnet.outcome import Verdict
from tests.chain.founding import AUTHORITIES
from tests.testnet.checkers.small import (
    Small,
    branch,
    doctored,
    expected,
    joined,
    judged,
    names,
)

N1 = AUTHORITIES[0].did.hex()


def chain(*nodes: str) -> list[Seen]:
    """Ten blocks that these nodes share, a second apart, from second 1 on."""
    return [each for node in nodes for each in branch(node, "a", range(1, 11), at_s=1)]


def later(*facts: Fact, at_s: float = 20.0) -> list[Seen]:
    return [Seen(at_s + place, fact) for place, fact in enumerate(facts)]


def final(node: str, block: str, height: int) -> Confirmed:
    return Confirmed(node, block, height, height, 0, True)


def vote(source: int, target: int, block: str = "a", set_id: int = 0) -> VoteSeen:
    return VoteSeen("n2", N1, set_id, source, target, "s", block)


def test_final_blocks_of_one_chain_agree_in_any_order_and_after_a_restart() -> None:
    finals = (final("n1", "a4", 4), final("n2", "a8", 8), final("n1", "a6", 6))
    again = (NodeStopped("n2", "killed"), NodeStarted("n2"), final("n2", "a5", 5))
    assert judged([*chain("n1", "n2"), *later(*finals, *again)]) == []


def test_two_final_blocks_of_one_height() -> None:
    facts = later(final("n1", "x", 4), final("n2", "y", 4))
    found = judged(facts)
    assert names(found) == ("final-agree",)
    assert found[0].nodes == ("n2", "n1")
    assert found[0].verdict is Verdict.SAFETY


def test_final_blocks_of_two_branches_at_different_heights() -> None:
    both = [*chain("n1"), *branch("n2", "b", range(5, 8), "a4", 5)]
    for order in (("n1", "a9", 9), ("n2", "b6", 6)), (("n2", "b6", 6), ("n1", "a9", 9)):
        found = judged([*both, *later(*(final(*each) for each in order))])
        assert names(found) == ("final-agree",)
        assert "neither stands on the other" in found[0].statement


def test_what_was_final_before_a_restart_still_counts() -> None:
    both = [*chain("n1"), *branch("n2", "b", range(5, 8), "a4", 5)]
    lost = (final("n1", "a9", 9), NodeStopped("n1", "killed"), NodeStarted("n1"))
    assert names(judged([*both, *later(*lost, final("n2", "b6", 6))])) == ("final-agree",)


def test_a_final_block_that_is_given_up() -> None:
    told = later(final("n1", "a9", 9), BlockLeft("n1", "a10", 10))
    assert judged([*chain("n1"), *told]) == []
    found = judged([*chain("n1"), *told, *later(BlockLeft("n1", "a9", 9), at_s=30)])
    assert names(found)[0] == "final-agree"
    assert "gave up a9 at height 9" in found[0].statement


def test_a_hostile_node_may_hold_anything_final() -> None:
    facts = later(final("n1", "x", 4), final("n2", "y", 4))
    assert judged(facts, hostile=("n2",)) == []


def test_votes_of_an_honest_author() -> None:
    told_again = vote(1, 2)  # by a node that is late with the handover
    honest = (vote(0, 1), vote(1, 2), vote(1, 4), vote(4, 5), vote(0, 3, set_id=1), told_again)
    assert judged(later(*honest)) == []


@pytest.mark.parametrize(
    "pair",
    [
        (vote(1, 2, "a"), vote(1, 2, "b")),
        (vote(0, 2), vote(1, 2)),
        (vote(2, 3), vote(1, 4)),
        (vote(1, 4), vote(2, 3)),
    ],
    ids=["two blocks", "two sources", "around an earlier one", "within an earlier one"],
)
def test_two_votes_that_exclude_each_other(pair: Sequence[VoteSeen]) -> None:
    found = judged(later(*pair))
    assert names(found) == ("one-vote",)
    assert found[0].nodes == ("n1",)
    assert judged(later(*pair), hostile=("n1",)) == []


def test_evidence_against_an_honest_author() -> None:
    assert names(judged(later(EvidenceSeen("n2", N1, "votes")))) == ("one-vote",)
    assert judged(later(EvidenceSeen("n2", N1, "votes")), hostile=("n1",)) == []
    assert judged(later(EvidenceSeen("n2", N1, "blocks"))) == []


def test_lag_within_and_beyond_its_bounds() -> None:
    ending = doctored(Small().ending(), 0)
    steps: list[Seen] = []
    for height in range(1, 11):
        steps += later(joined("n1", f"a{height}", f"a{height - 1}", height), at_s=height)
        if height > 2:
            steps += later(final("n1", f"a{height - 2}", height - 2), at_s=height + 0.5)
    lag = [
        each
        for limit in ("2", "3")
        for each in judged(steps, expected("final-lag", p50=limit), ending=ending)
        if each.check == "final-lag"
    ]
    assert len(lag) == 1
    assert lag[0].verdict is Verdict.BOUND
    assert "at most 3 slots behind, 2 are allowed (7 measured)" in lag[0].statement
