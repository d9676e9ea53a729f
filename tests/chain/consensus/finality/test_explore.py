"""Every schedule of a few slots: with all rules nothing conflicts; rules left out are found out."""

import pytest

from tests.chain.consensus.finality.explore import Family, explore
from tests.chain.consensus.finality.model import Rules
from tests.chain.consensus.finality.weakened import TwoVotesAnEpoch, Uncapped

SMALL = (Family(3, 1), Family(3, 2), Family(3, 1, ends=True), Family(3, 2, ends=True))


@pytest.mark.parametrize("family", SMALL)
def test_no_schedule_makes_two_blocks_final_against_each_other(family: Family) -> None:
    explored = explore(family, Rules())
    assert explored.conflict is None
    assert explored.situations > 1000


def test_a_second_vote_in_an_epoch_is_found_out() -> None:
    assert explore(Family(3, 3), TwoVotesAnEpoch()).conflict is not None


def test_votes_beyond_the_end_of_a_set_are_found_out() -> None:
    assert explore(Family(3, 3, ends=True), Uncapped()).conflict is not None
