"""`node init`: a folder that `node run` accepts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chain.primitives.errors import Refusal
from chain.transactions.document import Purpose
from p2p.accounts import Account, BadAccount, HeldKey, load_account, save_account
from p2p.commands.node import app
from p2p.config import load_config
from tests.p2p.founding import Founding, found

RUNNER = CliRunner()


@pytest.fixture
def founding() -> Founding:
    return found(authorities=1)


@pytest.fixture
def genesis_file(tmp_path: Path, founding: Founding) -> Path:
    path = tmp_path / "genesis.cbor"
    path.write_bytes(founding.genesis.encode())
    return path


def account_file(path: Path, founding: Founding, *purposes: Purpose) -> Path:
    keys = tuple(HeldKey(p.value, p, bytes([n]) * 32) for n, p in enumerate(purposes))
    save_account(path, Account("acme", "test", founding.authorities[0].did, keys))
    return path


def test_a_folder_with_everything(tmp_path: Path, founding: Founding, genesis_file: Path) -> None:
    author = account_file(tmp_path / "acme.json", founding, Purpose.ADMIN, Purpose.SEAL)
    folder = tmp_path / "n1"
    done = RUNNER.invoke(
        app,
        [
            *("init", str(folder), "--genesis", str(genesis_file), "--author", str(author)),
            *("--bootstrap", "ws://one:1", "--bootstrap", "ws://two:2", "--json"),
        ],
        catch_exceptions=False,
    )
    told = json.loads(done.stdout)
    config = load_config(Path(told["config"]))
    assert config.name == "n1"
    assert config.genesis_hash == founding.genesis.hash
    assert config.bootstrap == ("ws://one:1", "ws://two:2")
    assert config.genesis.read_bytes() == founding.genesis.encode()
    assert config.author_key is not None
    assert [key.purpose for key in load_account(config.author_key).keys] == [Purpose.SEAL]
    for secret in (folder / "key", config.author_key):
        assert secret.stat().st_mode & 0o077 == 0


def test_what_is_there_is_kept(tmp_path: Path, genesis_file: Path) -> None:
    arguments = ["init", str(tmp_path / "n1"), "--genesis", str(genesis_file)]
    RUNNER.invoke(app, arguments, catch_exceptions=False)
    key = (tmp_path / "n1" / "key").read_text()
    again = RUNNER.invoke(app, arguments)
    assert isinstance(again.exception, Refusal)
    assert "is there already" in str(again.exception)
    assert (tmp_path / "n1" / "key").read_text() == key


def test_an_author_without_a_seal_key(
    tmp_path: Path, founding: Founding, genesis_file: Path
) -> None:
    author = account_file(tmp_path / "acme.json", founding, Purpose.TX)
    arguments = ["init", str(tmp_path / "n1"), "--genesis", str(genesis_file)]
    done = RUNNER.invoke(app, [*arguments, "--author", str(author)])
    assert isinstance(done.exception, BadAccount)
    assert "no seal key" in str(done.exception)


def test_an_address_that_is_none(tmp_path: Path, genesis_file: Path) -> None:
    arguments = ["init", str(tmp_path / "n1"), "--genesis", str(genesis_file)]
    done = RUNNER.invoke(app, [*arguments, "--listen", "nowhere"])
    assert "ws://127.0.0.1:4001" in str(done.exception)
    assert RUNNER.invoke(app, arguments).exit_code == 0  # nothing of it stands in the way
