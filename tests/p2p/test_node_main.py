"""The node's process: one line for every reason it does not start."""

from pathlib import Path

import pytest

from chain.store import Durability, RocksStore
from p2p.node_main import complain, main
from tests.p2p.founding import found


def write_config(folder: Path, **changes: str) -> Path:
    genesis = found().genesis
    (folder / "genesis.cbor").write_bytes(genesis.encode())
    values = {
        "name": "n1",
        "genesis": "genesis.cbor",
        "genesis_hash": genesis.hash.hex(),
        "listen": "ws://127.0.0.1:0",
    }
    path = folder / "node.toml"
    path.write_text("".join(f'{key} = "{value}"\n' for key, value in (values | changes).items()))
    return path


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"genesis_hash": "00" * 32}, "the configuration names " + "00" * 32),
        ({"genesis": "none.cbor"}, "cannot be read"),
        ({"listne": "x"}, "did you mean 'listen'"),
        ({"author_key": "none.json"}, "none.json"),
        ({"listen": "ws://256.0.0.1:1"}, "256.0.0.1"),
    ],
)
def test_what_does_not_fit_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], why: str
) -> None:
    assert main([str(write_config(tmp_path, **changes))]) in (1, 3)
    err = capsys.readouterr().err
    assert why in err
    assert err.count("\n") == 1


def test_a_store_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = RocksStore(tmp_path / "db", Durability.PROCESS)
    try:
        assert main([str(write_config(tmp_path))]) == 3
    finally:
        store.close()
    assert "stop that node first" in capsys.readouterr().err


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: " in capsys.readouterr().err


def test_an_interruption_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain([KeyboardInterrupt(), OSError("gone")]) == 130
    assert capsys.readouterr().err == ""
