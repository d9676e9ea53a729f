"""Failures that campaigns have found, shrunk, and that must not come back."""

from pathlib import Path

import pytest

from testnet.outcome import Verdict
from testnet.scenario.source import parse_scenario
from testnet.simulation.run import simulate

FILES = sorted((Path(__file__).parents[2] / "data" / "regressions").glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_it_stays_mended(file: Path) -> None:
    scenario = parse_scenario(file.read_text())
    outcome = simulate(scenario, scenario.seed)
    assert outcome.verdict is Verdict.PASS, [v.statement for v in outcome.violations]
