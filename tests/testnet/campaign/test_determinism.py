"""A run held against itself."""

import pytest

from testnet.campaign.determinism import CHECK, Twice, divergence, twice
from testnet.errors import LaunchFailure, Unfit
from testnet.observation import Judged, Seen, encode_seen
from testnet.outcome import ExitCode, Verdict
from tests.testnet.fake_runs import SCENARIO, deadly, every_third_fails, hash_dependent


def seen(*names: str) -> list[Seen]:
    return [Seen(float(place), Judged(name, "pass", "")) for place, name in enumerate(names)]


def test_the_same_run_twice_is_the_run() -> None:
    assert twice(SCENARIO, 3, every_third_fails) == every_third_fails(SCENARIO, 3)


def test_the_order_of_a_set_is_found() -> None:
    outcome = twice(SCENARIO, 7, hash_dependent)
    assert outcome.verdict is Verdict.NONDETERMINISM
    assert outcome.exit_code is ExitCode.NONDETERMINISM
    (violation,) = outcome.violations
    assert violation.check == CHECK
    assert violation.statement.startswith('event 2 is {"t":2.0,"is":"Judged","check":"n')
    assert violation.at_s == 2.0
    assert violation.causes == (
        '{"t":1.0,"is":"Judged","check":"first","verdict":"pass","detail":"the same in both"}',
    )


def test_a_run_that_dies_is_told_with_its_last_words() -> None:
    with pytest.raises(LaunchFailure, match=r"seed 3 died: AssertionError: blocks cannot weigh"):
        twice(SCENARIO, 3, deadly)


def test_a_refused_run_is_refused() -> None:
    with pytest.raises(Unfit, match="this tier has no disks"):
        twice(SCENARIO, 4, deadly)


def test_the_runner_says_the_same() -> None:
    assert Twice(hash_dependent)(SCENARIO, 7).verdict is Verdict.NONDETERMINISM


def test_the_first_difference_and_what_both_saw_before_it() -> None:
    parting = divergence(seen(*"abcdefg"), seen(*"abcdeXg"))
    assert parting is not None
    assert parting.place == 5
    assert parting.at_s == 5.0
    assert parting.before == tuple(encode_seen(each) for each in seen(*"abcde")[2:])
    assert '"f"' in parting.left
    assert '"X"' in parting.right


def test_a_run_that_ends_early_differs_at_its_end() -> None:
    parting = divergence(seen("a", "b"), seen("a"))
    assert parting is not None
    assert (parting.place, parting.right) == (1, "")
    assert "the end in the other" in parting.statement


def test_equal_runs_do_not_part() -> None:
    assert divergence(seen("a", "b"), seen("a", "b")) is None
