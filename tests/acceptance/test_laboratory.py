"""The laboratory's own promises: its library holds on both tiers, and a seed is a run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testnet.outcome import ExitCode, Verdict
from testnet.processes.run import run_on_processes
from testnet.scenario.library import library, open_scenario
from testnet.scenario.model import Tier
from testnet.scenario.plan import plan
from testnet.simulation.run import simulate
from tests.live import ROOT

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

STORM = """
scenario = 1
name = "storm"
duration = "20s"
[net]
nodes = 6
latency = "brics"
[[load]]
rate = "10/s"
for = "12s"
[[fault]]
at = "4s"
for = "6s"
do = "partition.halves"
on = "all"
[[fault]]
at = "5s"
for = "6s"
do = "gossip.duplicate"
on = "rand:2"
"""
LEAKY = "p2p/protocol/offers.py"
LEAK = (
    "self._rng.uniform(FLUSH_MIN_S, FLUSH_MAX_S)",
    "random.random() * (FLUSH_MAX_S - FLUSH_MIN_S) + FLUSH_MIN_S",
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


def sim(
    where: Path, storm: Path, *arguments: str, hash_seed: str = "0"
) -> "subprocess.CompletedProcess[str]":
    """`cornerstone testnet sim` of the code in a folder; what it keeps is kept beside the file."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "testnet", "sim", str(storm), *arguments],
        cwd=where,
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "CORNERSTONE_HOME": str(storm.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_seed_is_one_digest_whatever_python_hashes_with(tmp_path: Path) -> None:
    storm = tmp_path / "storm.toml"
    storm.write_text(STORM)
    digests = []
    for hash_seed in HASH_SEEDS:
        ran = sim(ROOT, storm, "--seed", "7", "--json", hash_seed=hash_seed)
        assert ran.returncode == ExitCode.PASS, ran.stderr
        digests.append(json.loads(ran.stdout)["runs"][0]["digest"])
    print(f"\n{len(digests)} hash seeds: {', '.join(dict.fromkeys(digests))}")
    assert len(dict.fromkeys(digests)) == 1


def test_a_leak_of_chance_is_located(tmp_path: Path) -> None:
    """One draw that does not come from the seed, in a copy of the code."""
    for part in ("chain", "p2p", "testnet"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "cli.py", tmp_path)
    leaky = tmp_path / LEAKY
    text = leaky.read_text()
    assert text.count(LEAK[0]) == 1, f"{LEAKY} draws in another way now: find another place"
    leaky.write_text(text.replace(*LEAK))
    storm = tmp_path / "storm.toml"
    storm.write_text(STORM)
    ran = sim(tmp_path, storm, "--check-determinism")
    print(f"\n{ran.stdout}")
    assert ran.returncode == ExitCode.NONDETERMINISM, ran.stderr
    assert re.search(r"event [\d,]+ is «\d+\.\d+s .*» .* «", ran.stdout.replace("\n", " "))
