"""A testnet is founded the same way every time, and its files fit each other."""

import stat
from pathlib import Path

import pytest

from chain.genesis import Genesis
from chain.genesis_source import compile_toml
from chain.transactions.document import Purpose
from p2p.accounts import load_account
from p2p.config import load_config
from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.founding import found, found_node, make_genesis, node_key
from testnet.launcher import create, taken
from testnet.record import load_record
from testnet.roster import Roster
from testnet.spec import ACCOUNTS, Consensus, LaunchSpec, Wiring

NOW_MS = 1_795_000_000_000


def founded(root: Path, spec: LaunchSpec) -> NetDirectory:
    directory = create(root, spec, replace=False)
    found(directory, spec, NOW_MS)
    return directory


def test_the_same_spec_gives_the_same_genesis() -> None:
    spec = LaunchSpec("demo", nodes=4)
    assert make_genesis(spec, NOW_MS).hash == make_genesis(spec, NOW_MS).hash
    assert make_genesis(spec, NOW_MS).hash != make_genesis(spec, NOW_MS + 1).hash
    assert make_genesis(spec, NOW_MS).test


def test_dids_depend_on_name_and_seed_and_on_nothing_else() -> None:
    def dids(spec: LaunchSpec) -> dict[str, bytes]:
        return {i.name: i.id for i in make_genesis(spec, NOW_MS).identities}

    four, nine = dids(LaunchSpec("demo", nodes=4)), dids(LaunchSpec("demo", nodes=9, block_ms=500))
    assert four.items() <= nine.items()
    assert not set(four.values()) & set(dids(LaunchSpec("demo", seed=1, nodes=4)).values())


def test_the_files_fit_each_other(tmp_path: Path) -> None:
    spec = LaunchSpec("demo", nodes=3, authorities=2)
    directory = founded(tmp_path, spec)
    genesis = Genesis.decode(directory.genesis.read_bytes())
    assert compile_toml(directory.genesis_toml.read_text()).hash == genesis.hash
    record = load_record(directory)
    assert record.genesis_hash == genesis.hash.hex()
    assert [account.name for account in record.accounts] == list(ACCOUNTS)
    ids = {identity.name: identity for identity in genesis.identities}
    for account in record.accounts:
        held = load_account(directory.accounts / f"{account.name}.json")
        assert held.did_text == account.did == genesis.did(ids[account.name].id)
        publics = {key.public for key in ids[account.name].document.keys}
        assert held.signing_key().public in publics
        assert held.agreement_key().public in publics
    for name in spec.author_names:  # an authority signs proposals and votes with its account
        voter = load_account(directory.accounts / f"{name}.json")
        assert voter.did == ids[name].id
        assert voter.document() == ids[name].document
    assert set(genesis.authorities) == {ids["n1"].id, ids["n2"].id}
    seal = load_account(directory.node("n2") / "author.json").signing_key(Purpose.SEAL)
    assert seal.public in {key.public for key in ids["n2"].document.keys}
    assert not (directory.node("n3") / "author.json").exists()
    for secret in (directory.node("n1") / "key", directory.accounts / "alice.json"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_the_roster_gives_addresses_that_the_nodes_configurations_name(tmp_path: Path) -> None:
    directory = founded(tmp_path, LaunchSpec("demo", nodes=4, wiring=Wiring.RING))
    roster = Roster(directory)
    roster.save()
    config = load_config(directory.node("n4") / "node.toml")
    assert config.listen == roster.node("n4").p2p
    assert config.bootstrap == (roster.node("n1").p2p, roster.node("n3").p2p)
    assert (config.explore, config.outbound_target) == (False, 2)
    assert config.genesis_hash.hex() == load_record(directory).genesis_hash
    roster.close_ports()
    again = Roster(directory)
    assert again.nodes == roster.nodes
    again.close_ports()


def test_one_more_node(tmp_path: Path) -> None:
    spec = LaunchSpec("demo", nodes=2)
    directory = founded(tmp_path, spec)
    roster = Roster(directory)
    roster.save()
    assert found_node(directory) == "n3"
    roster.adopt("n3")
    assert roster.node("n3").id == node_key(spec, "n3").public.hex()
    config = load_config(directory.node("n3") / "node.toml")
    assert config.bootstrap == (roster.node("n1").p2p, roster.node("n2").p2p)
    assert config.author_key is None
    roster.close_ports()


def test_miners_know_their_did(tmp_path: Path) -> None:
    directory = founded(tmp_path, LaunchSpec("demo", nodes=2, consensus=Consensus.WORK))
    Roster(directory).close_ports()
    genesis = Genesis.decode(directory.genesis.read_bytes())
    did = genesis.did(next(i.id for i in genesis.identities if i.name == "n2"))
    assert load_config(directory.node("n2") / "node.toml").author == did


def test_an_existing_name_is_refused_with_what_to_do(tmp_path: Path) -> None:
    spec = LaunchSpec("demo", nodes=1)
    first = founded(tmp_path, spec)
    with pytest.raises(Unfit, match=r"testnet resume demo.*--replace"):
        create(tmp_path, spec, replace=False)
    assert "testnet down demo" in taken("demo", running=True)
    assert create(tmp_path, spec, replace=True).path == first.path
    assert not first.exists()
