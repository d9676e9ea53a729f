"""Scenarios on real processes: what is seen, what is judged, and that no process is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from testnet.errors import LaunchFailure, Unfit
from testnet.observation import (
    BlockJoined,
    Fact,
    FaultEnded,
    NodeStarted,
    NodeStopped,
    TransactionOffered,
)
from testnet.outcome import Outcome, Verdict
from testnet.processes.run import run_on_processes
from testnet.scenario.model import Tier
from testnet.scenario.source import parse_scenario

ROOT = Path(__file__).parents[3]
PATIENCE_S = 20.0

RUN = """
import sys
from pathlib import Path
from testnet.processes.run import run_on_processes
from testnet.scenario.source import parse_scenario
run_on_processes(parse_scenario(Path(sys.argv[1]).read_text()), 1, home=Path(sys.argv[2]))
"""

BROKEN = """
scenario = 1
name = "broken"
duration = "11s"
[net]
nodes = 4
block-time = "200ms"
[[load]]
rate = "20/s"
for = "6s"
[[fault]]
id = "cut"
at = "500ms"
for = "2s"
do = "partition"
on = "n1"
[[fault]]
id = "slow"
at = "500ms"
for = "2s"
do = "link.delay"
by = "100ms"
on = "n2"
[[fault]]
id = "full"
at = "500ms"
for = "1s"
do = "disk.full"
on = "n3"
[[fault]]
id = "wiped"
at = "3s"
for = "500ms"
do = "process.kill"
data = "wiped"
on = "n4"
[[fault]]
id = "back"
at = "3500ms"
for = "500ms"
do = "process.kill"
data = "rolled-back"
age = "1s"
on = "n1"
[[fault]]
id = "crash"
at = "3s"
for = "2s"
do = "process.crash"
point = "block-received"
on = "n2"
[[fault]]
id = "mistake"
at = "3s"
for = "1s"
do = "operator.wrong-genesis"
on = "n3"
[[expect]]
check = "converged"
within = "5s"
"""


def facts(outcome: Outcome, *kinds: type[Fact]) -> list[Fact]:
    return [seen.fact for seen in outcome.seen if isinstance(seen.fact, kinds)]


def children_of(home: Path) -> list[psutil.Process]:
    """Processes of testnets in that folder; a supervisor has it in its command line."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in part for part in process.info["cmdline"] or ())
    ]


def test_a_broken_network_recovers_and_nothing_is_left(tmp_path: Path) -> None:
    outcome = run_on_processes(parse_scenario(BROKEN), 1, home=tmp_path)
    assert outcome.violations == ()
    assert outcome.verdict is Verdict.PASS
    assert outcome.tier is Tier.PROCESS
    assert outcome.inert == ()
    ended = {
        fact.fault: fact for fact in facts(outcome, FaultEnded) if isinstance(fact, FaultEnded)
    }
    assert sorted(ended) == ["back", "crash", "cut", "full", "mistake", "slow", "wiped"]
    assert all(fact.clean and fact.hits for fact in ended.values())
    hows = {
        (fact.node, fact.how)
        for fact in facts(outcome, NodeStopped)
        if isinstance(fact, NodeStopped)
    }
    assert {("n4", "killed"), ("n2", "crashed"), ("n3", "crashed"), ("n3", "refused")} <= hows
    assert len(facts(outcome, NodeStarted)) >= 8
    offered = facts(outcome, TransactionOffered)
    joined = facts(outcome, BlockJoined)
    included = {
        txid for fact in joined if isinstance(fact, BlockJoined) for txid in fact.transactions
    }
    assert len(offered) >= 100
    assert len(included) >= len(offered) // 2
    assert children_of(tmp_path) == []


def start(tmp_path: Path) -> "subprocess.Popen[bytes]":
    """A run in a process of its own, which has got as far as nodes with logs."""
    scenario, home = tmp_path / "broken.toml", tmp_path / "home"
    scenario.write_text(BROKEN)
    command = [sys.executable, "-c", RUN, str(scenario), str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE_S
    while not list((home / "testnets").glob("*/nodes/n4/log.ndjson")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert children_of(home)
    return process


@pytest.mark.parametrize("wait_s", [0.0, 1.5])
def test_ctrl_c_leaves_no_process(tmp_path: Path, wait_s: float) -> None:
    process = start(tmp_path)
    time.sleep(wait_s)  # during the launch, or the first faults
    os.kill(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=PATIENCE_S)
    assert b"KeyboardInterrupt" in complaint
    assert children_of(tmp_path / "home") == []


def test_a_killed_run_takes_its_testnet_along(tmp_path: Path) -> None:
    process = start(tmp_path)
    time.sleep(1.5)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while children_of(tmp_path / "home"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_scenario_too_large_for_processes_is_refused() -> None:
    large = 'scenario = 1\nname = "large"\nduration = "5s"\n[net]\nnodes = 5000\n'
    with pytest.raises((Unfit, LaunchFailure), match="--nodes is 5000; it can be 1 to 200"):
        run_on_processes(parse_scenario(large), 1)
