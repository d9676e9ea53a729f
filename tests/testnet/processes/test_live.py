"""A running testnet broken by hand: inject, faults, heal, and the session played again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testnet.scenario.source import parse_scenario
from tests.testnet.test_network import Cornerstone


@pytest.fixture
def cornerstone(tmp_path: Path) -> Iterator[Cornerstone]:
    command = Cornerstone(tmp_path)
    yield command
    command.run("testnet", "down", "demo")


def test_a_session_by_hand(cornerstone: Cornerstone, tmp_path: Path) -> None:
    up = ("testnet", "up", "--nodes", "3", "--name", "demo", "--block-time", "300ms", "--detach")
    cornerstone(*up)
    inject = ("testnet", "inject", "demo")
    cornerstone(*inject, "n2", "link.delay", "by=50ms", "jitter=10ms")
    cornerstone(*inject, "n1", "partition", "--id", "cut", "--for", "1s")
    cornerstone(*inject, "n3", "process.kill", "data=wiped")
    shown = cornerstone("testnet", "faults", "demo")["faults"]
    assert [(fault["id"], fault["on"]) for fault in shown][:1] == [("f1", ["n2"])]
    assert shown[0]["with"] == {"by": "50ms", "jitter": "10ms"}
    assert "f2" in [fault["id"] for fault in shown]
    assert "link.delay" in cornerstone.run("testnet", "faults", "demo").stdout
    assert "link.delay (f1)" in cornerstone.run("testnet", "status", "demo").stdout
    ended = cornerstone("testnet", "heal", "demo", "f2")["ended"]
    assert ended == {"f2": {"hits": 1, "clean": True}}
    ended = cornerstone("testnet", "heal", "demo")["ended"]
    assert ended["f1"]["hits"] > 0
    cornerstone.until(lambda s: all(node.running for node in s.nodes))
    cornerstone.until(lambda s: len({node.report.head for node in s.nodes}) == 1)
    file = tmp_path / "mine.toml"
    assert cornerstone.run("testnet", "faults", "demo", "--record", str(file)).returncode == 0
    faults = parse_scenario(file.read_text()).faults
    assert [fault.kind.NAME for fault in faults] == ["link.delay", "partition", "process.kill"]
    assert [fault.on for fault in faults] == ["n2", "n1", "n3"]
    assert 900 < faults[1].for_ms < 6_000
    refusals(cornerstone, file)


def refusals(cornerstone: Cornerstone, file: Path) -> None:
    """What is wrong is told in one line, with what would be right."""
    for arguments, code, reason in (
        (("inject", "demo", "n1", "link.dela"), 2, "did you mean 'link.delay'"),
        (("inject", "demo", "n1", "link.delay", "bye=2s"), 2, "did you mean 'by'"),
        (("inject", "demo", "n1", "operator.old-backup"), 1, "keeps no backups"),
        (("heal", "demo", "f9"), 1, "no fault 'f9' is in force"),
        (("faults", "demo", "--record", str(file)), 1, "exists; name another file"),
    ):
        refused = cornerstone.run("testnet", *arguments)
        assert refused.returncode == code, arguments
        assert reason in " ".join(refused.stderr.split()), refused.stderr
        assert "Traceback" not in refused.stderr
