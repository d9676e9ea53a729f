"""`recovery make`, `sign`, `show`, and a node that is started with the file."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import trio.testing
from typer.testing import CliRunner

from chain.primitives.did import format_did
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import sha256
from chain.store import RocksStore
from chain.transactions.document import Purpose
from p2p.accounts import Account, HeldKey, save_account
from p2p.clock import VirtualClock
from p2p.commands import node, recovery
from p2p.config import BadConfig, NodeConfig, load_config
from p2p.observer import Observer
from p2p.process import open_ledger, recover
from tests.p2p.founding import GENESIS_TIME_MS, Founding, found
from tests.parties import Party

RUNNER = CliRunner()
LEFT = 4


@pytest.fixture(scope="module")
def founding() -> Founding:
    return found(authorities=7)


@pytest.fixture
def folder(tmp_path: Path, founding: Founding) -> Path:
    genesis = tmp_path / "genesis.cbor"
    genesis.write_bytes(founding.genesis.encode())
    made = tmp_path / "n1"
    RUNNER.invoke(node.app, ["init", str(made), "--genesis", str(genesis)], catch_exceptions=False)
    return made


def do(*arguments: str | Path) -> str:
    done = RUNNER.invoke(recovery.app, [str(each) for each in arguments], catch_exceptions=False)
    return done.stdout


def drafted(folder: Path, founding: Founding) -> Path:
    file = folder / "recovery.cbor"
    start(load_config(folder / node.CONFIG_NAME), founding)  # it has a chain from now on
    keep = [f"--keep={format_did('test', p.did)}" for p in founding.authorities[:LEFT]]
    do("make", folder, *keep, "--reason", "a fire", "-o", file)
    return file


def sign(file: Path, by: Party) -> None:
    seed = sha256(f"{by.name}/v".encode())
    path = file.parent / f"{by.name}.json"
    keys = (HeldKey("vote", Purpose.VOTE, seed),)
    save_account(path, Account(by.name, "test", by.did, keys))
    do("sign", file, "--with", path)


def start(config: NodeConfig, founding: Founding) -> str:
    """What a node logs of recoveries as it starts."""
    store, log = RocksStore(config.data_dir / "db"), io.StringIO()

    async def load() -> None:
        ledger = open_ledger(founding.genesis, store)
        recover(config, ledger, VirtualClock(GENESIS_TIME_MS), Observer("n1", "info", log))

    try:
        trio.run(load, clock=trio.testing.MockClock())
    finally:
        store.close()
    return log.getvalue()


def test_four_of_seven_sign_and_the_node_says_so_at_every_start(
    folder: Path, founding: Founding
) -> None:
    file = drafted(folder, founding)
    plain = load_config(folder / node.CONFIG_NAME)
    with_file = replace(plain, recovery=file)
    assert start(plain, founding) == ""
    for number, authority in enumerate(founding.authorities[:LEFT]):
        shown = json.loads(do("show", file, "--json"))
        assert shown["signatures"] == number
        assert bool(shown["lacks"]) == (number < LEFT - 1)
        sign(file, authority)
    assert "enough have signed" in do("show", file)
    for config in (with_file, plain):
        line = json.loads(start(config, founding))
        assert line["event"] == "recovered"
        assert "a fire" in line["reason"]


def test_a_file_that_does_not_do_is_refused(folder: Path, founding: Founding) -> None:
    file = drafted(folder, founding)
    config = load_config(folder / node.CONFIG_NAME)
    with pytest.raises(Invalid, match="recovery-unsigned"):
        start(replace(config, recovery=file), founding)
    with pytest.raises(BadConfig, match="cannot be read"):
        start(replace(config, recovery=folder / "none"), founding)
    with pytest.raises(Refusal, match="recovery-signer"):
        sign(file, founding.ann)
    with pytest.raises(Refusal, match="recovery-keep"):
        do("make", folder, f"--keep={format_did('test', founding.ann.did)}", "--reason=x", "-ox")
    assert start(config, founding) == ""


def test_a_folder_without_a_chain_is_no_place_to_begin_from(
    folder: Path, founding: Founding
) -> None:
    keep = f"--keep={format_did('test', founding.authorities[0].did)}"
    with pytest.raises(Refusal, match="no-ledger"):
        do("make", folder, keep, "--reason=x", "-o", folder / "recovery.cbor")
    assert not (folder / "db").exists()


def test_signing_replaces_the_file_in_one_step(folder: Path, founding: Founding) -> None:
    file = drafted(folder, founding)
    sign(file, founding.authorities[0])
    signed = file.read_bytes()
    lacking = file.with_name(f".{file.name}.new")
    lacking.symlink_to("/dev/full")
    with pytest.raises(OSError, match=str(lacking)):
        sign(file, founding.authorities[1])
    assert file.read_bytes() == signed, "a full disk costs no signature"
