"""`genesis compile` and `genesis show`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chain.commands import genesis_app
from chain.genesis import Genesis
from chain.genesis_text import to_toml
from chain.primitives.errors import Refusal
from tests.p2p.founding import found

RUNNER = CliRunner()


@pytest.fixture
def genesis() -> Genesis:
    return found(authorities=2).genesis


def test_compiled_and_shown_it_is_the_same(tmp_path: Path, genesis: Genesis) -> None:
    source = tmp_path / "genesis.toml"
    source.write_text(to_toml(genesis))
    done = RUNNER.invoke(genesis_app, ["compile", str(source), "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert told["genesis_hash"] == genesis.hash.hex()
    assert told["genesis"] == str(tmp_path / "genesis.cbor")
    assert (tmp_path / "genesis.cbor").read_bytes() == genesis.encode()
    shown = RUNNER.invoke(genesis_app, ["show", told["genesis"]], catch_exceptions=False)
    assert genesis.hash.hex() in shown.stdout
    again = tmp_path / "again.toml"
    again.write_text(shown.stdout)
    summary = RUNNER.invoke(genesis_app, ["show", str(again), "--json"], catch_exceptions=False)
    assert json.loads(summary.stdout)["genesis_hash"] == genesis.hash.hex()
    assert [i["name"] for i in json.loads(summary.stdout)["identities"]][-2:] == ["ann", "bob"]


def test_where_to_is_chosen(tmp_path: Path, genesis: Genesis) -> None:
    source, target = tmp_path / "genesis.toml", tmp_path / "elsewhere"
    source.write_text(to_toml(genesis))
    done = RUNNER.invoke(genesis_app, ["compile", str(source), "-o", str(target)])
    assert done.exit_code == 0
    assert target.read_bytes() == genesis.encode()


@pytest.mark.parametrize(
    ("verb", "name", "text", "why"),
    [
        ("compile", "g.toml", b"network = ", "not TOML"),
        ("compile", "g.toml", b"\xff", "not UTF-8"),
        ("compile", "g.toml", b"netwrok = 'x'", "did you mean 'network'"),
        ("compile", "none.toml", None, "cannot be read"),
        ("show", "g.cbor", b"\x80", "genesis"),
        ("show", "g.cbor", b"", "cbor"),
    ],
)
def test_what_is_no_genesis(
    tmp_path: Path, verb: str, name: str, text: bytes | None, why: str
) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text)
    done = RUNNER.invoke(genesis_app, [verb, str(tmp_path / name)])
    assert isinstance(done.exception, Refusal)
    assert why in str(done.exception)


def test_a_place_that_cannot_be_written(tmp_path: Path, genesis: Genesis) -> None:
    source = tmp_path / "genesis.toml"
    source.write_text(to_toml(genesis))
    done = RUNNER.invoke(genesis_app, ["compile", str(source), "-o", str(tmp_path / "no" / "way")])
    assert "cannot be written" in str(done.exception)
