"""The way from a failing seed to a fix, as the documentation tells it."""

import re
from pathlib import Path

import pytest

from testnet.campaign.tiers import runner_of
from testnet.outcome import Verdict
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.source import parse_scenario
from testnet.shrink import shrink

PAGE = Path(__file__).parents[3] / "docs" / "laboratory" / "failing-seed.md"


def shown() -> tuple[Scenario, Scenario]:
    """What the page begins with, and what it shrinks to."""
    storm, small = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return parse_scenario(storm), parse_scenario(small)


def test_what_is_left_of_the_storm_fails() -> None:
    _, small = shown()
    outcome = runner_of(Tier.NODE)(small, small.seed)
    assert (outcome.verdict, outcome.failed) == (Verdict.LIVENESS, ("converged",))


@pytest.mark.slow
def test_the_storm_shrinks_to_what_the_page_shows() -> None:
    storm, small = shown()
    shrunk = shrink(storm, 3, runner_of(Tier.NODE)).scenario
    assert (shrunk.faults, shrunk.loads, shrunk.net) == (small.faults, (), small.net)
    assert shrunk.expectations == small.expectations
