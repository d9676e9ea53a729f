"""Which function runs where, and what strictness adds."""

import pickle
from dataclasses import replace

import pytest

from testnet.campaign.tiers import INERT_CHECK, MODULES, runner_of, strictly
from testnet.outcome import Verdict
from testnet.scenario.model import Tier
from tests.testnet.fake_runs import SCENARIO, every_third_fails


@pytest.mark.parametrize("tier", list(Tier))
def test_every_tier_has_a_runner_that_can_be_sent_elsewhere(tier: Tier) -> None:
    runner = runner_of(tier, strict=True)
    assert pickle.loads(pickle.dumps(runner)) == runner
    assert tier in MODULES


def test_a_fault_that_hit_nothing_fails_a_strict_run() -> None:
    inert = replace(every_third_fails(SCENARIO, 1), inert=("cut",))
    strict = strictly(inert)
    assert strict.verdict is Verdict.LIVENESS
    assert strict.failed == (INERT_CHECK,)
    assert "'cut' hit nothing" in strict.violations[0].statement


def test_strictness_changes_no_other_run() -> None:
    assert strictly(every_third_fails(SCENARIO, 1)) == every_third_fails(SCENARIO, 1)
    unsafe = replace(every_third_fails(SCENARIO, 3), verdict=Verdict.SAFETY, inert=("cut",))
    assert strictly(unsafe).verdict is Verdict.SAFETY
    assert strictly(unsafe).failed == ("converged", INERT_CHECK)
