"""End to end, as a user would: a testnet from nothing, loaded, broken, healed, stopped, resumed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from testnet.control import ControlConnection
from testnet.directory import NetDirectory
from testnet.views import Snapshot

ROOT = Path(__file__).parents[2]
PATIENCE_S = 40.0


class Cornerstone:
    """The command line in a home of its own."""

    def __init__(self, home: Path) -> None:
        self._environment = {**os.environ, "CORNERSTONE_HOME": str(home)}
        self.net = NetDirectory(home / "testnets" / "demo")

    def __call__(self, *arguments: str) -> Any:
        """What the command prints as JSON; the test fails when the command does."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", "import cli; cli.main()", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_S,
            check=False,
        )

    def until(self, met: Callable[[Snapshot], bool]) -> Snapshot:
        with ControlConnection(self.net) as control:
            snapshot = control.until(met, PATIENCE_S)
        assert met(snapshot), snapshot
        return snapshot


@pytest.fixture
def cornerstone(tmp_path: Path) -> Iterator[Cornerstone]:
    command = Cornerstone(tmp_path)
    yield command
    command.run("testnet", "down", "demo")


def heads(snapshot: Snapshot) -> set[str]:
    return {node.report.head for node in snapshot.nodes if node.running}


def lowest(snapshot: Snapshot) -> int:
    return min(node.report.height for node in snapshot.nodes)


def test_a_testnet_lives(cornerstone: Cornerstone) -> None:
    record = cornerstone(
        *("testnet", "up", "--nodes", "4", "--name", "demo", "--block-time", "500ms", "--detach")
    )
    assert [node["name"] for node in record["nodes"]] == ["n1", "n2", "n3", "n4"]
    assert {account["name"] for account in record["accounts"]} >= {"alice", "bob"}
    check_contract(record, cornerstone)

    paid = cornerstone(
        *("tx", "transfer", "--testnet", "demo", "--from", "alice", "--to", "bob"),
        *("--amount", "5", "--wait"),
    )
    block = httpx.get(f"{record['nodes'][3]['api']}/v1/blocks/{paid['block']}").json()
    assert block["height"] == paid["height"]

    os.kill(record["nodes"][2]["pid"], signal.SIGKILL)
    cornerstone.until(lambda s: s.node("n3").restarts == 1 and s.node("n3").running)
    cornerstone.until(lambda s: s.node("n3").report.height >= paid["height"])

    split_and_heal(cornerstone)

    loaded = cornerstone("testnet", "load", "demo", "--rate", "60", "--for", "3")
    assert loaded["submitted"] == loaded["included"] == 180, loaded
    assert loaded["inclusion_ms"]["p50"] > 0

    added = cornerstone("testnet", "add", "demo")
    assert added["name"] == "n5"
    cornerstone.until(lambda s: len(heads(s)) == 1 and lowest(s) > paid["height"])
    stop_and_resume(cornerstone)


def check_contract(record: Any, cornerstone: Cornerstone) -> None:
    """What scripts rely on, after `up`."""
    genesis = Path(record["genesis"]).read_bytes()
    status = cornerstone("testnet", "status", "demo")
    assert status["converged"]
    assert status["common_height"] >= 1
    for node, told in zip(status["nodes"], record["nodes"], strict=True):
        assert node["running"]
        assert node["peers"] >= 1
        answer = httpx.get(f"{told['api']}/v1/status").json()
        assert answer["id"] == told["id"]
        assert answer["genesis_hash"] == record["genesis_hash"]
        assert httpx.get(f"{told['api']}/v1/genesis").content == genesis
    seen = httpx.get(f"{record['dashboard']}/api/state").json()
    assert [node["name"] for node in seen["nodes"]] == ["n1", "n2", "n3", "n4"]
    assert seen["blocks"]
    assert "Cornerstone" in httpx.get(record["dashboard"]).text
    refused = cornerstone.run("testnet", "up", "--name", "demo")
    assert refused.returncode == 1
    assert "testnet down demo" in refused.stderr


def split_and_heal(cornerstone: Cornerstone) -> None:
    """Both halves grow apart, then there is one chain again."""
    cornerstone("testnet", "split", "demo", "n1,n2/n3,n4")
    before = max(node.report.height for node in cornerstone.until(lambda s: True).nodes)
    on_its_way = 2  # a block that has just passed, and what reports are late by
    cornerstone.until(lambda s: lowest(s) > before + on_its_way and len(heads(s)) > 1)
    apart = cornerstone("testnet", "status", "demo")
    assert apart["common_height"] <= before + on_its_way
    cornerstone("testnet", "heal", "demo")
    grown = max(node["height"] for node in apart["nodes"])
    cornerstone.until(lambda s: len(heads(s)) == 1 and lowest(s) > grown)
    assert cornerstone("testnet", "status", "demo")["converged"]


def stop_and_resume(cornerstone: Cornerstone) -> None:
    """Stopped is stopped, and the same chain goes on afterwards."""
    height = cornerstone("testnet", "status", "demo")["common_height"]
    assert cornerstone("testnet", "down", "demo")["stopped"]
    assert [net["running"] for net in cornerstone("testnet", "ps")["testnets"]] == [False]
    record = cornerstone("testnet", "resume", "demo", "--detach")
    assert len(record["nodes"]) == 5
    cornerstone.until(lambda s: len(heads(s)) == 1 and lowest(s) > height)
    assert "node-started" in cornerstone.run("testnet", "logs", "demo", "n1").stdout
    assert cornerstone("testnet", "down", "demo", "--delete")["deleted"]
    assert not cornerstone.net.path.exists()
