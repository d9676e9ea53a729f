"""A node's next life: mistakes in its configuration, and a repair that only follows rot."""

from dataclasses import replace
from pathlib import Path

import pytest

from p2p.config import NodeConfig, load_config
from p2p.process import decode_genesis, load_genesis
from testnet.directory import NetDirectory
from testnet.faults.disk import BitRot
from testnet.faults.kinds import Kind
from testnet.faults.people import StaleConfig, WrongGenesis
from testnet.faults.process import Kill
from testnet.founding import found
from testnet.nodefile import NodePorts, write_node_file
from testnet.processes.next_life import prepare, repair
from testnet.record import load_record
from testnet.spec import LaunchSpec
from testnet.stage import Act


@pytest.fixture
def directory(tmp_path: Path) -> NetDirectory:
    made = NetDirectory(tmp_path / "demo")
    made.path.mkdir()
    spec = LaunchSpec("demo", nodes=2)
    found(made, spec, 1_800_000_000_000)
    record = load_record(made)
    record = record.with_node(replace(record.nodes[1], p2p="ws://127.0.0.1:4003"))
    write_node_file(made, spec, record, "n1", NodePorts(4001, 4002))
    (made.node("n1") / "peers").write_text("aa")
    (made.node("n1") / "db").mkdir()
    return made


def config_of(directory: NetDirectory) -> NodeConfig:
    return load_config(directory.node("n1") / "node.toml")


def life(directory: NetDirectory, *kinds: Kind) -> NodeConfig:
    acts = tuple(Act("f", kind, ("n1",), (), 1) for kind in kinds)
    return prepare(directory, "n1", acts, config_of(directory))


def test_an_ordinary_life_changes_nothing(directory: NetDirectory) -> None:
    assert life(directory) == life(directory, Kill()) == config_of(directory)
    assert (directory.node("n1") / "peers").exists()


def test_a_wrong_genesis_is_one_that_fits_its_own_hash(directory: NetDirectory) -> None:
    wrong = life(directory, WrongGenesis())
    right = decode_genesis(directory.genesis.read_bytes())
    assert load_genesis(wrong).hash == wrong.genesis_hash != right.hash
    assert load_genesis(wrong).network == "not-demo"
    assert load_genesis(config_of(directory)) == right


def test_stale_addresses_lead_nowhere(directory: NetDirectory) -> None:
    assert life(directory, StaleConfig()).bootstrap == ("ws://127.0.0.1:9",)
    assert not (directory.node("n1") / "peers").exists()


def test_a_wiped_node_keeps_its_key(directory: NetDirectory) -> None:
    life(directory, Kill(data="wiped"))
    assert not (directory.node("n1") / "db").exists()
    assert (directory.node("n1") / "key").exists()


def test_only_what_a_fault_has_damaged_is_repaired(directory: NetDirectory) -> None:
    folder = directory.node("n1")
    repair(folder)
    assert (folder / "db").exists()
    life(directory, BitRot())
    repair(folder)
    assert not (folder / "db").exists()
    (folder / "db").mkdir()
    repair(folder)
    assert (folder / "db").exists(), "once"
