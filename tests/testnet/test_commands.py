"""The command line: help everywhere, usage errors in one line, refusals that say what to do."""

import socket
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from testnet.commands import app
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure, Unfit
from testnet.options import choose, choose_stopped
from testnet.record import NetRecord, save_record

VERBS = [
    *("up", "resume", "down", "ps", "status", "logs", "load"),
    *("kill", "pause", "restart", "add", "remove", "split"),
    *("inject", "heal", "faults"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CORNERSTONE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = CliRunner().invoke(app, [verb, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["up", "--nodes", "0"], "--nodes is 0; it can be 1 to 200"),
        (["up", "--nodes", "many"], "valid integer"),
        (["up", "--name", "Bad Name"], "cannot name a testnet"),
        (["up", "--block-time", "fast"], "is no duration"),
        (["up", "--consensus", "luck"], "luck"),
        (["up", "--topology", "knot"], "knot"),
        (["up", "--nodes", "3", "--authorities", "4"], "--authorities is 4"),
        (["load", "--kind", "seats"], "in scenarios alone"),
        (["kill"], "Missing argument"),
    ],
)
def test_usage_errors(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert reason in result.output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["link.dela", "by=1s"], "did you mean 'link.delay'?"),
        (["nonsense"], "`python -m testnet.faults` lists all there are"),
        (["link.delay", "by=soon"], "'soon' is no duration"),
        (["process.kill", "data"], "write KEY=VALUE"),
    ],
)
def test_a_fault_that_cannot_be_is_a_usage_error(words: list[str], reason: str, home: Path) -> None:
    (home / "testnets" / "demo").mkdir(parents=True)
    (home / "testnets" / "demo" / "spec.json").write_text("{}")
    arguments = ["inject", "demo", "n1", *words]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert reason in result.output


@pytest.mark.parametrize("verb", ["status", "down", "logs", "load", "resume"])
def test_what_is_not_there(verb: str) -> None:
    result = CliRunner().invoke(app, [verb, "ghost"])
    assert isinstance(result.exception, Unfit)
    assert "no testnet named 'ghost'" in str(result.exception)
    result = CliRunner().invoke(app, [verb])
    assert isinstance(result.exception, Unfit)
    assert "cornerstone testnet up" in str(result.exception)


def test_without_a_name_resume_means_what_is_stopped_and_others_what_runs(home: Path) -> None:
    running, stopped = (NetDirectory(home / "testnets" / name) for name in ("up", "asleep"))
    for directory in (running, stopped):
        directory.path.mkdir(parents=True)
        directory.spec.write_text("{}")
    with socket.socket(socket.AF_UNIX) as supervisor:
        supervisor.bind(str(running.socket))
        supervisor.listen()
        assert (choose(None), choose_stopped(None)) == (running, stopped)
        stopped.spec.unlink()
        assert choose_stopped(None) == running  # which says that it runs already


def test_an_empty_list() -> None:
    result = CliRunner().invoke(app, ["ps", "--json"])
    assert result.output.strip() == '{"testnets": []}'


def test_a_founding_that_fails_leaves_no_supervisor(home: Path) -> None:
    folder = home / "testnets" / "demo"
    folder.mkdir(parents=True)
    (folder / "accounts").touch()
    result = CliRunner().invoke(app, ["up", "--name", "demo", "--nodes", "1", "--detach"])
    assert isinstance(result.exception, FileExistsError)
    running = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not any(str(folder) in arguments for arguments in running)


def test_a_damaged_testnet_is_told(home: Path) -> None:
    (home / "testnets" / "torn").mkdir(parents=True)
    (home / "testnets" / "torn" / "spec.json").write_text("{}")
    (home / "testnets" / "torn" / "testnet.json").write_text("{")
    result = CliRunner().invoke(app, ["status", "torn"])
    assert isinstance(result.exception, LaunchFailure)
    assert "testnet.json cannot be used" in str(result.exception)


def test_a_home_with_brackets_in_its_name_is_no_markup(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = home / "[" / "]x[bold]"
    monkeypatch.setenv("CORNERSTONE_HOME", str(odd))
    directory = NetDirectory(odd / "testnets" / "demo")
    directory.path.mkdir(parents=True)
    save_record(directory, NetRecord("demo", "", (), ()))
    directory.spec.write_text("{}")
    for words in (["ps"], ["down", "demo"]):
        told = CliRunner().invoke(app, words, env={"COLUMNS": "400"}, catch_exceptions=False)
        assert str(directory.path) in told.output
