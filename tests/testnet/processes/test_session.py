"""A session by hand becomes a scenario that reads back."""

from pathlib import Path

from testnet.faults.link import Delay
from testnet.faults.partition import Partition
from testnet.faults.process import Kill
from testnet.processes.session import Session
from testnet.scenario.model import AtTime
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import format_scenario
from testnet.spec import LaunchSpec

SPEC = LaunchSpec("demo", nodes=3, block_ms=500)
NAMES = SPEC.node_names


def session() -> Session:
    return Session(SPEC, start_s=100.0)


def test_faults_keep_their_times_and_sides() -> None:
    kept = session()
    kept.began("slow", Delay(200), ("n3",), NAMES, 101.5)
    kept.began("cut", Partition(), ("n1",), ("n2", "n3"), 102.0)
    kept.ended("slow", 104.0)
    scenario = kept.scenario(110.0)
    slow, cut = scenario.faults
    assert (slow.at, slow.for_ms, slow.on, slow.to) == (AtTime(1_500), 2_500, "n3", "all")
    assert (cut.at, cut.for_ms, cut.on, cut.to) == (AtTime(2_000), 0, "n1", "others")
    assert scenario.duration_ms == 15_000
    assert scenario.net.block_ms == 500
    assert parse_scenario(format_scenario(scenario)) == scenario


def test_an_id_that_is_used_again_gets_a_number() -> None:
    kept = session()
    for start in (101.0, 103.0, 105.0):
        kept.began("kill-n1", Kill(), ("n1",), NAMES, start)
        kept.ended("kill-n1", start + 1)
    faults = kept.scenario(110.0).faults
    assert [fault.id for fault in faults] == ["kill-n1", "kill-n1-again-2", "kill-n1-again-3"]
    assert [fault.for_ms for fault in faults] == [1_000] * 3


def test_an_end_without_a_beginning_and_a_second_end_change_nothing() -> None:
    kept = session()
    kept.ended("f1", 101.0)
    kept.began("f1", Kill(), ("n1",), NAMES, 102.0)
    kept.ended("f1", 103.0)
    kept.ended("f1", 109.0)
    assert kept.scenario(110.0).faults[0].for_ms == 1_000


def test_a_node_that_is_down_is_not_killed_again() -> None:
    kept = session()
    kept.began("kill-n1", Kill(), ("n1",), NAMES, 101.0)
    kept.began("kill-n1", Kill(), ("n1",), NAMES, 102.0)
    kept.ended("kill-n1", 104.0)
    (fault,) = kept.scenario(110.0).faults
    assert fault.for_ms == 3_000


def test_an_added_node_counts() -> None:
    kept = session()
    kept.began("f1", Kill(), ("n5",), (*NAMES, "n5"), 101.0)
    assert kept.scenario(102.0).net.nodes == 5


def test_it_is_written_when_something_has_happened(tmp_path: Path) -> None:
    kept, path = session(), tmp_path / "session.toml"
    kept.save(path, 101.0)
    assert not path.exists()
    kept.began("f1", Kill(), ("n2",), NAMES, 102.0)
    kept.save(path, 103.0)
    assert parse_scenario(path.read_text()) == kept.scenario(103.0)
