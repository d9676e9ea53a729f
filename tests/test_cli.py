"""The command line against a node over real sockets: what it prints, and how it fails."""

import errno
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from typer.core import TyperGroup
from typer.main import get_command

import cli
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.errors import Malformed, StoreFailure
from chain.primitives.hashing import sha256
from chain.store import MemoryStore
from chain.transactions.document import Purpose
from p2p.accounts import Account, HeldKey, save_account
from p2p.api.client import ApiError, Unreachable
from p2p.api.json_codec import Json
from p2p.api.server import serve_api
from p2p.node import Node
from p2p.sending import NotIncluded
from testnet.errors import LaunchFailure
from tests.p2p.api.serving import make_node
from tests.p2p.founding import Founding, found

WITHIN_S = 20.0


@dataclass
class Line:
    """A terminal whose commands talk to one node."""

    api: str
    founding: Founding
    node: Node
    capsys: pytest.CaptureFixture[str]

    async def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command, expecting an exit code; its output (of errors: on standard error)."""
        found_code = await trio.to_thread.run_sync(cli.run, list(arguments))
        out, err = self.capsys.readouterr()
        assert found_code == code, out + err
        assert "Traceback" not in err
        if code:
            assert err.count("\n") == 1, err
            assert err.startswith("error: ")
        return err if code else out

    async def json(self, *arguments: str) -> Json:
        """Run a command with --json."""
        value: Json = json.loads(await self(*arguments, "--json"))
        return value

    async def refused_json(self, *arguments: str) -> tuple[Json, str]:
        """Run a command with --json that ends with exit code 1 after printing its result."""
        code = await trio.to_thread.run_sync(cli.run, [*arguments, "--json"])
        out, err = self.capsys.readouterr()
        assert code == 1
        return json.loads(out), err


def objects(value: Json) -> list[dict[str, Json]]:
    """A JSON list of objects."""
    assert isinstance(value, list)
    return [item for item in value if isinstance(item, dict)]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    move_home(tmp_path, monkeypatch)


def move_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests is read or written."""
    monkeypatch.setenv("CORNERSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("CORNERSTONE_API", raising=False)
    monkeypatch.delenv("CORNERSTONE_TESTNET", raising=False)


@asynccontextmanager
async def terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Line]:
    """A node that makes a block every 50 ms; Ann's keys are at hand."""
    move_home(tmp_path, monkeypatch)
    founding = found(authorities=1, slot_ms=50)
    ledger = Ledger(founding.genesis, MemoryStore(), engine_of(founding.genesis))
    node = make_node(founding, ledger)
    accounts = tmp_path / "home" / "accounts"
    accounts.mkdir(parents=True)
    keys = (
        HeldKey("tx", Purpose.TX, founding.ann.tx.seed),
        HeldKey("agree", Purpose.AGREE, sha256(b"agree")),
    )
    save_account(accounts / "ann.json", Account("ann", "test", founding.ann.did, keys))
    with trio.fail_after(WITHIN_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run)
            url: str = await nursery.start(serve_api, node, "127.0.0.1", 0)
            monkeypatch.setenv("CORNERSTONE_API", url)
            yield Line(url, founding, node, capsys)
            nursery.cancel_scope.cancel()


async def test_paying_and_looking(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        pay = ("tx", "transfer", "--from", "ann", "--to", "bob", "--amount", "5")
        paid = await run.json(*pay, "--wait")
        assert isinstance(paid, dict)
        assert set(paid) == {"id", "height", "block", "index", "ok", "code"}
        assert paid["ok"] is True
        txid, height = str(paid["id"]), str(paid["height"])
        sent = await run.json(*pay, "--reference", "invoice 7")
        assert isinstance(sent, dict)
        assert sent["status"] == "pending"
        waited = await run.json("tx", "wait", str(sent["id"]))
        assert isinstance(waited, dict)
        assert waited["status"] == "included"
        shown = await run("tx", "show", txid)
        assert "0.05 CNY" in shown
        assert "bob did:cornerstone:test:z" in shown
        account = await run("account", "bob", "--transactions", "5")
        assert "10000.10 CNY (1000010 minor units)" in account
        assert txid in account
        assert txid in await run("block", height)
        assert "waiting, by node n0 without peers" in await run("chain", "--limit", "3")
        chain = await run.json("chain")
        assert isinstance(chain, dict)
        assert set(chain) == {"status", "blocks", "finality"}


async def test_files_from_publishing_to_a_changed_byte(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = [tmp_path / "bill.json", tmp_path / "stops.csv"]
    for file in files:
        file.write_text("content of " + file.name)
    names = [str(file) for file in files]
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        publish = ("tx", "publish", "--from", "ann", "--sector", "shipping", *names, "--wait")
        published = objects(await run.json(*publish))
        assert [item["file"] for item in published] == names
        assert [item["media_type"] for item in published] == ["application/json", "text/csv"]
        assert all(item["dataset"] == item["id"] for item in published)
        verified = objects(await run.json("tx", "verify", *names))
        assert [item["match"] for item in verified] == [True, True]

        files[0].write_text("Content of bill.json")
        verdicts, error = await run.refused_json("tx", "verify", *names)
        assert [item["match"] for item in objects(verdicts)] == [False, True]
        (hashes,) = objects([objects(verdicts)[0]["commitment"]])
        assert str(hashes["file"]) in error
        assert str(hashes["chain"]) in error

        again = objects(await run.json(*publish))  # the changed file is a dataset of its own
        assert "match" in await run("tx", "verify", names[0])
        assert again[0]["dataset"] != published[0]["dataset"]


async def test_what_failed_in_its_block_leaves_the_vault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "bill.json"
    file.write_text("content")
    publish = ("tx", "publish", "--from", "ann", "--sector", "shipping", "--wait", str(file))
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        result, error = await run.refused_json(*publish, "--parent", "00" * 32)
        assert [item["ok"] for item in objects(result)] == [False]
        assert "unknown-parent" in error
        assert "in no vault" in await run("tx", "verify", str(file), code=1)
        (parent,) = objects(await run.json(*publish))
        await run(*publish, "--parent", f"{parent['dataset']}:version")


async def test_a_damaged_vault_is_found_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "bill.json"
    file.write_text("content")
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        await run("tx", "publish", "--from", "ann", "--sector", "shipping", str(file), "--wait")
        (sealed,) = (tmp_path / "home" / "vault" / "ann" / "sealed").iterdir()
        sealed.write_bytes(b"damaged")
        error = await run("tx", "verify", str(file), code=1)
        assert "the vault's encrypted file hashes to" in error
        sealed.unlink()
        assert "cannot be read" in await run("tx", "verify", str(file), code=1)


async def test_a_new_organisation_registers_and_receives(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        made = await run.json("keys", "new", "acme", "--network", "test")
        assert isinstance(made, dict)
        assert "[[identity]]" in str(made["genesis"])
        pay = ("tx", "transfer", "--from", "ann", "--to", "acme", "--amount", "7", "--wait")
        assert "unknown-recipient" in await run(*pay, code=1)
        assert "no" in await run("account", "acme")
        await run("tx", "register", "--from", "acme", "--wait")
        await run(*pay)
        account = await run.json("account", str(made["did"]))
        assert isinstance(account, dict)
        assert account["balances"] == [{"code": "CNY", "amount": 7, "decimals": 2}]
        again = await run("tx", "register", "--from", "acme", "--wait", code=1)
        assert "already-registered" in again
        assert "acme" in await run("keys", "list")
        assert "already" in await run("keys", "new", "acme", code=1)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ("tx transfer --from zoe --to bob --amount 5", 1, "there: ann"),
        ("tx transfer --from ann --to zoe --amount 5", 1, "is no DID"),
        ("tx transfer --from ann --to did:key:z6 --amount 5", 1, "not of the form"),
        ("tx transfer --from ann --to bob --amount 0", 2, "--amount"),
        ("tx transfer --from ann --to bob --amount five", 2, "--amount"),
        ("tx transfer --from ann --to bob --amount 5 --lane 16", 2, "--lane"),
        ("tx transfer --from ann --to bob --amount 5 --currency EUR", 1, "known: CNY"),
        ("tx transfer --from ann --to bob --amount 99999999999", 1, "99999999999 are needed"),
        (f"tx transfer --from ann --to bob --amount 5 --reference {'x' * 33}", 2, "33 bytes"),
        ("tx transfer --to bob --amount 5", 2, "--from"),
        ("tx show 00", 1, "expected 64 hex digits"),
        (f"tx show {'00' * 32}", 1, "unknown-transaction"),
        (f"tx wait {'00' * 32} --timeout 0.1", 1, "unknown-transaction"),
        ("block 999999", 1, "the head is at"),
        ("account zoe", 1, "is no DID"),
        ("tx publish --from ann --sector shipping", 2, "FILE"),
        ("tx publish --from ann --sector shipping /", 1, "is a directory"),
        ("tx publish --from ann --sector shipping /none", 1, "No such file"),
        ("tx publish --from ann --sector Ship /etc/hostname", 1, "sector 'Ship'"),
        ("tx publish --from ann --sector x --parent zz /etc/hostname", 1, "DATASET[:RELATION]"),
        ("tx verify /etc/hostname", 1, "in no vault"),
        (f"tx verify /etc/hostname --dataset {'00' * 32}", 1, "no vault here knows"),
        ("chain --limit 0", 2, "--limit"),
        ("chain --api nonsense", 2, "http://host:port"),
        ("chain --api http://127.0.0.1:1", 3, "cannot reach a node"),
        ("chain --testnet none", 1, "no testnet named 'none'"),
        ("nonsense", 2, "nonsense"),
        ("tx nonsense", 2, "nonsense"),
        ("keys show zoe", 1, "zoe"),
        ("keys new Zoe", 2, "a-z"),
        ("keys new zoe --network NO", 1, "lower-case"),
        ("genesis show /none", 1, "No such file"),
        ("node run /none", 1, "cannot be read"),
        ("node init /tmp/none --genesis /none", 1, "No such file"),
    ],
)
async def test_what_is_refused(
    arguments: str,
    code: int,
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        assert why in await run(*arguments.split(" "), code=code)


@pytest.mark.parametrize("command", ["keys new ann", "testnet up --nodes 2 --detach"])
@pytest.mark.parametrize(
    ("home", "why"),
    [("/proc/none", "No such file or directory: /proc/none"), ("FILE", "Not a directory: FILE/")],
)
def test_a_home_that_cannot_be_is_told_with_who_chose_it(
    home: str,
    why: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "file"
    file.touch()
    chosen, reason = (text.replace("FILE", str(file)) for text in (home, why))
    monkeypatch.setenv("CORNERSTONE_HOME", chosen)
    assert cli.run(command.split()) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {reason}")
    remedy = "set it to a folder that can be written"
    assert err.endswith(f"; CORNERSTONE_HOME is {chosen}; {remedy}\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Malformed("shape", "expected 1, got 2"), 1, "expected 1, got 2 (shape)"),
        (ApiError(404, "unknown-block", "no block"), 1, "no block (unknown-block)"),
        (Unreachable("no answer"), 3, "no answer"),
        (NotIncluded("not yet"), 3, "not yet"),
        (LaunchFailure("no supervisor"), 3, "no supervisor"),
        (StoreFailure("locked"), 3, "locked"),
        (OSError(28, "No space left on device", "/x"), 3, "No space left on device: /x"),
        (KeyError("x"), 70, "a fault of cornerstone"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    group = BaseExceptionGroup("tasks", [BaseExceptionGroup("more tasks", [error])])
    assert [cli.explain(leaf) for leaf in cli.leaves(group)] == [code]
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == (1 if said else 0)


def test_an_error_that_quotes_a_stranger_is_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    cli.explain(ApiError(422, "odd", "\x1b[2J\nerror: \u202e all is well"))
    assert capsys.readouterr().err == "error: \\x1b[2J error: \\u202e all is well (odd)\n"


def test_an_interrupt_out_of_many_tasks_ends_without_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise BaseExceptionGroup("tasks", [KeyboardInterrupt()])

    monkeypatch.setattr(cli, "app", interrupted)
    assert cli.run(["testnet", "sim", "halves"]) == 130
    assert capsys.readouterr() == ("", "")


def test_only_a_reader_of_our_own_output_that_left_is_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer ends the process for every broken pipe, that to a process of ours as well."""

    def broken(*arguments: object, **options: object) -> None:
        try:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        except BrokenPipeError:
            sys.exit(1)

    monkeypatch.setattr(cli, "app", broken)
    assert cli.run(["testnet", "sim", "halves"]) == 3
    assert capsys.readouterr() == ("", "error: Broken pipe\n")


def test_who_ends_the_process_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*arguments: object, **options: object) -> None:
        sys.exit(7)

    monkeypatch.setattr(cli, "app", ended)
    with pytest.raises(SystemExit, match="7"):
        cli.run(["testnet", "sim", "halves"])


@pytest.mark.parametrize("arguments", [[], ["tx"], ["keys"], ["genesis"], ["node"], ["testnet"]])
def test_a_bare_group_shows_its_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    out, err = capsys.readouterr()
    assert "Usage: cornerstone" in out + err


def commands(group: object, words: list[str]) -> list[list[str]]:
    """Every command of a group, by the words that call it."""
    if not isinstance(group, TyperGroup):
        return [words]
    below = [commands(command, [*words, name]) for name, command in group.commands.items()]
    return [command for part in below for command in part]


PLAIN = (["node", "run"], ["recovery", "make"], ["recovery", "sign"], ["testnet", "logs"])
"""Commands without --json: what they print is JSON anyway, or only the name of a file."""


@pytest.mark.parametrize("command", commands(get_command(cli.app), []), ids=" ".join)
def test_every_command_has_help_with_an_example(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--help"]) == 0
    text = capsys.readouterr().out
    called = "cornerstone " + " ".join(command)
    assert f"Usage: {called}" in text
    assert f"\n {called}" in text
    assert "--json" in text or command in PLAIN


def test_the_help_of_all_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    assert "\n cornerstone testnet up " in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cornerstone ")
