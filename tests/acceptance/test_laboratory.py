"""The laboratory's own promises: its library holds on both tiers, and a seed is a run."""

from pathlib import Path

import pytest

from testnet.outcome import Verdict
from testnet.processes.run import run_on_processes
from testnet.scenario.library import library, open_scenario
from testnet.scenario.model import Tier
from testnet.scenario.plan import plan
from testnet.simulation.run import simulate

pytestmark = pytest.mark.slow

SEED = 1
SIMULATED = [name for name in library() if not plan(open_scenario(name), SEED, Tier.NODE).lacks]
ON_PROCESSES = (
    "calm",
    "halves",
    "isolate-producer",
    "kill-restart",
    "pause",
    "crash-loop",
    "never-serve",
    "invalid-blocks",
    "slow-reader",
    "disk-full",
)
"""Of every family that can be felt on processes at least one."""

HASH_SEEDS = ("0", "1", "2", "42", "4294967295")
LEAK = (
    "p2p/protocol/offers.py",
    "import random\n",
    "self._rng.uniform(",
    "random.uniform(",
)


@pytest.mark.parametrize("name", SIMULATED)
def test_a_scenario_of_the_library_holds_in_virtual_time(name: str) -> None:
    outcome = simulate(open_scenario(name), SEED)
    assert outcome.verdict is Verdict.PASS, [v.statement for v in outcome.violations]
    assert outcome.inert == ()


@pytest.mark.parametrize("name", ON_PROCESSES)
def test_the_same_file_has_the_same_verdict_on_processes(name: str, tmp_path: Path) -> None:
    outcome = run_on_processes(open_scenario(name), SEED, home=tmp_path)
    assert outcome.verdict is Verdict.PASS, [v.statement for v in outcome.violations]
    assert outcome.inert == ()
