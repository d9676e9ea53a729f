"""A node as a process: real files, real sockets, and a stop that is prompt and clean."""

import dataclasses
import errno
import json
import os
import signal
from pathlib import Path

import httpx
import pytest
import trio

from chain.primitives.errors import Refusal, StoreFailure
from chain.transactions.document import Purpose
from p2p.accounts import Account, HeldKey, save_account
from p2p.config import BadConfig, NodeConfig
from p2p.process import load_author, load_genesis, load_identity, run_node
from p2p.status import NodeAddresses
from tests.p2p.founding import found

FOUNDING = found(authorities=1, slot_ms=100)


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    genesis = tmp_path / "genesis.cbor"
    genesis.write_bytes(FOUNDING.genesis.encode())
    return NodeConfig(
        name="n1",
        data_dir=tmp_path,
        genesis=genesis,
        genesis_hash=FOUNDING.genesis.hash,
        listen="ws://127.0.0.1:0",
    )


def account(network: str = "test") -> Account:
    party = FOUNDING.authorities[0]
    keys = tuple(
        HeldKey(key.id, key.purpose, pair.seed)
        for key, pair in zip(
            party.document.keys[1:], (party.tx, party.seal, party.vote), strict=True
        )
    )
    return Account(party.name, network, party.did, keys)


async def test_runs_answers_and_stops_cleanly(config: NodeConfig) -> None:
    found_at: list[NodeAddresses] = []
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            up = trio.Event()

            def started(addresses: NodeAddresses) -> None:
                found_at.append(addresses)
                up.set()

            nursery.start_soon(run_node, config, started)
            await up.wait()
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"{found_at[0].api}/v1/status")
            status = answer.json()
            assert status["id"] == found_at[0].id.hex()
            assert found_at[0].p2p.startswith("ws://127.0.0.1:")
            before = trio.current_time()
            os.kill(os.getpid(), signal.SIGTERM)
        assert trio.current_time() - before < 2
    lines = (config.data_dir / "log.ndjson").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events[0] == "node-started"
    assert events[-1] == "node-stopped"
    assert (config.data_dir / "key").stat().st_mode & 0o777 == 0o600


async def test_two_nodes_of_one_folder_exclude_each_other(config: NodeConfig) -> None:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            up = trio.Event()
            nursery.start_soon(run_node, config, lambda _: up.set())
            await up.wait()
            with pytest.raises(StoreFailure):
                await run_node(config, lambda _: None)
            nursery.cancel_scope.cancel()


def test_the_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    first = load_identity(tmp_path / "key")
    assert load_identity(tmp_path / "key").public == first.public


def test_a_start_that_was_cut_off_leaves_no_half_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdopen", full)
        with pytest.raises(OSError, match="No space"):
            load_identity(tmp_path / "key")
    made = load_identity(tmp_path / "key")
    assert load_identity(tmp_path / "key").public == made.public
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "xyz", "ab" * 31])
def test_a_broken_key_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(BadConfig, match="key"):
        load_identity(tmp_path / "key")


def test_another_genesis_than_the_pinned_one_is_refused(config: NodeConfig) -> None:
    assert load_genesis(config) == FOUNDING.genesis
    wrong = dataclasses.replace(config, genesis_hash=bytes(32))
    with pytest.raises(BadConfig, match="00000000") as caught:
        load_genesis(wrong)
    assert FOUNDING.genesis.hash.hex() in caught.value.reason
    with pytest.raises(BadConfig, match="cannot be read"):
        load_genesis(dataclasses.replace(config, genesis=config.data_dir / "absent"))


def test_the_author_is_who_the_account_file_says(config: NodeConfig) -> None:
    assert load_author(config) is None
    path = config.data_dir / "author.json"
    held = account()
    save_account(path, held)
    named = dataclasses.replace(config, author_key=path, author=held.did_text)
    author = load_author(named)
    assert author is not None
    assert author.did == FOUNDING.authorities[0].did
    assert author.key.public == FOUNDING.authorities[0].seal.public
    other = dataclasses.replace(named, author=FOUNDING.genesis.did(FOUNDING.ann.did))
    with pytest.raises(BadConfig, match="holds the keys of"):
        load_author(other)
    save_account(path, dataclasses.replace(held, keys=held.keys[:1]))
    with pytest.raises(Refusal, match=Purpose.SEAL.value):
        load_author(named)
