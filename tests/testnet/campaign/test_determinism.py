"""A run held against itself."""

import pytest

from testnet.campaign.determinism import CHECK, Twice, twice
from testnet.errors import LaunchFailure, Unfit
from testnet.outcome import ExitCode, Verdict
from tests.testnet.fake_runs import SCENARIO, deadly, every_third_fails, hash_dependent


def test_the_same_run_twice_is_the_run() -> None:
    assert twice(SCENARIO, 3, every_third_fails) == every_third_fails(SCENARIO, 3)


def test_the_order_of_a_set_is_found() -> None:
    outcome = twice(SCENARIO, 7, hash_dependent)
    assert outcome.verdict is Verdict.NONDETERMINISM
    assert outcome.exit_code is ExitCode.NONDETERMINISM
    (violation,) = outcome.violations
    assert violation.check == CHECK
    assert violation.statement.startswith("event 2 is «2.000000s ")
    assert violation.at_s == 2.0
    assert len(violation.causes) == 1
    assert "the same in both" in violation.causes[0]


def test_a_run_that_dies_is_told_with_its_last_words() -> None:
    with pytest.raises(LaunchFailure, match=r"seed 3 died: AssertionError: blocks cannot weigh"):
        twice(SCENARIO, 3, deadly)


def test_a_refused_run_is_refused() -> None:
    with pytest.raises(Unfit, match="this tier has no disks"):
        twice(SCENARIO, 4, deadly)


def test_the_runner_says_the_same() -> None:
    assert Twice(hash_dependent)(SCENARIO, 7).verdict is Verdict.NONDETERMINISM
