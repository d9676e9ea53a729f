"""`testnet sim`, `run`, `replay` and `shrink` from the command line, and all their exit codes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli
from testnet.campaign.ledger import Entry, read_ledger
from testnet.outcome import ExitCode
from testnet.scenario.library import open_scenario

CALM = """
scenario = 1
name = "calm-small"
duration = "8s"

[net]
nodes = 3

[[load]]
for = "4s"
rate = "5/s"

[[expect]]
always = "common-prefix"

[[expect]]
sometimes = "deep-reorg"
"""

CUT = """
scenario = 1
name = "cut-small"
duration = "14s"

[net]
nodes = 3

[[load]]
for = "6s"
rate = "5/s"

[[fault]]
id = "slow"
at = "1s"
for = "2s"
do = "link.delay"
by = "137ms"
on = "n3"

[[fault]]
id = "cut"
at = "2s"
do = "partition"
on = "n1"

[[expect]]
check = "converged"
at = "8s"
within = "5s"
"""


UNSAFE = """
scenario = 1
name = "unsafe-small"
duration = "20s"

[net]
nodes = 4

[[fault]]
id = "cut"
at = "2s"
do = "partition"
on = "n1..n2"

[[expect]]
always = "common-prefix"
depth = 2
"""

SLOW = """
scenario = 1
name = "slow-small"
duration = "8s"

[net]
nodes = 3
latency = "50ms"

[[expect]]
always = "propagation"
p99 = "1ms"
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = json.loads(self.out)
        return found


@dataclass(frozen=True, slots=True)
class Shell:
    """A command line with a home of its own."""

    home: Path
    capture: pytest.CaptureFixture[str]

    def testnet(self, *arguments: str | Path) -> Ended:
        code = cli.run(["testnet", *map(str, arguments)])
        shown = self.capture.readouterr()
        return Ended(code, shown.out, shown.err)

    def file(self, text: str) -> Path:
        path = self.home / "scenario.toml"
        path.write_text(text)
        return path


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.setenv("CORNERSTONE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def lines_with(text: str, word: str) -> Sequence[str]:
    return [line for line in text.splitlines() if word in line]


def test_a_run_that_passes(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(CALM), "--seed", "7")
    assert ended.code == ExitCode.PASS, ended.out + ended.err
    assert "calm-small with seed 7: PASS" in ended.out
    assert "not reached with this seed: deep-reorg" in ended.out
    assert not (shell.home / "home" / "runs").exists()


def test_a_broken_promise_of_safety(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(UNSAFE))
    assert ended.code == ExitCode.SAFETY, ended.out + ended.err
    assert "unsafe-small with seed 1: SAFETY" in ended.out
    shrunk = shell.testnet("shrink", shell.home / "home" / "runs" / "unsafe-small-1")
    assert shrunk.code == ExitCode.SAFETY
    assert (shell.home / "unsafe-small-1-small.toml").is_file()


def test_an_exceeded_bound(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(SLOW), "--json")
    assert ended.code == ExitCode.BOUND, ended.out + ended.err
    assert ended.json["runs"][0]["failed"] == ["propagation"]


def test_strict_fails_what_was_never_reached(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(CALM), "--strict")
    assert ended.code == ExitCode.LIVENESS
    assert "deep-reorg, which --strict takes for a failure" in ended.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dask", "tcp://127.0.0.1:1"), "--dask spreads a campaign; give --seeds"),
        (("--seed", str(2**63)), "Invalid value for '--seed'"),
        (("--report", "scenario.toml"), "nothing can be written into scenario.toml: File exists"),
        (("--seeds", "1..2", "--report", "scenario.toml/runs"), "name another folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    shell: Shell, options: tuple[str, ...], said: str
) -> None:
    ended = shell.testnet("sim", shell.file(CALM), *options)
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert said in ended.err


def test_a_mistake_in_a_file_is_told_as_the_file_has_it(shell: Shell) -> None:
    ended = shell.testnet("check", shell.file(CUT.replace('"partition"', '"partion"')))
    assert ended.code == ExitCode.USAGE
    assert ended.err == (
        f"error: {shell.home / 'scenario.toml'}: line 24, [[fault]] 2: do: no fault is called"
        " 'partion'; did you mean 'partition'?\n"
    )


def test_a_damaged_ledger_is_told_before_anything_runs(shell: Shell) -> None:
    seeds = shell.home / "home" / "seeds"
    seeds.mkdir(parents=True)
    (seeds / "calm-small.jsonl").write_text("garbage")
    ended = shell.testnet("sim", shell.file(CALM), "--seeds", "1..2")
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert "delete it, it only speeds things up" in ended.err


def test_a_failure_is_told_kept_and_replayed(shell: Shell) -> None:
    failed = shell.testnet("sim", shell.file(CUT), "--seed", "3")
    assert failed.code == ExitCode.LIVENESS, failed.out + failed.err
    folder = shell.home / "home" / "runs" / "cut-small-3"
    assert f"replay: cornerstone testnet replay {folder}" in failed.out
    replayed = shell.testnet("replay", folder)
    assert replayed.code == ExitCode.LIVENESS
    assert replayed.out.startswith("the same run, event by event")
    late = shell.testnet("replay", folder, "--until", "1m")
    assert (late.code, late.out) == (ExitCode.USAGE, "")
    assert "--until 1m: the run goes from 0s to 14s" in late.err
    at_five = shell.testnet("replay", folder, "--until", "5s")
    assert at_five.code == ExitCode.PASS
    assert at_five.out.startswith("at 5.0 s:")
    assert lines_with(at_five.out, "n1: height")
    assert lines_with(at_five.out, "fault cut: partition on n1")


def test_another_run_than_the_kept_one_is_told(shell: Shell) -> None:
    shell.testnet("sim", shell.file(CUT), "--seed", "3")
    folder = shell.home / "home" / "runs" / "cut-small-3"
    scenario = folder / "scenario.toml"
    scenario.write_text(scenario.read_text().replace("137ms", "499ms"))
    ended = shell.testnet("replay", folder, "--json")
    assert ended.code == ExitCode.NONDETERMINISM
    told = json.loads(ended.out)
    assert told["same"] is False
    assert told["kept_event"] != told["event"]


def test_a_failure_shrinks(shell: Shell) -> None:
    shell.testnet("sim", shell.file(CUT), "--seed", "3")
    folder = shell.home / "home" / "runs" / "cut-small-3"
    small = shell.home / "small.toml"
    shrunk = shell.testnet("shrink", folder, "--budget", "40", "-o", small)
    assert shrunk.code == ExitCode.LIVENESS, shrunk.out + shrunk.err
    assert "without faults slow" in shrunk.err
    assert [fault.id for fault in open_scenario(str(small)).faults] == ["cut"]
    again = shell.testnet("sim", small, "--json")
    assert again.code == ExitCode.LIVENESS
    assert again.json["runs"][0]["failed"] == ["converged"]
    assert shell.testnet("replay", f"{folder}-small").code == ExitCode.LIVENESS


def test_where_the_smallest_goes_is_looked_at_first(shell: Shell) -> None:
    ended = shell.testnet("shrink", shell.file(CALM), "-o", shell.home)
    assert ended.code == ExitCode.USAGE
    assert "is a folder; name the file to be written" in ended.err


def test_what_passes_does_not_shrink(shell: Shell) -> None:
    ended = shell.testnet("shrink", shell.file(CALM))
    assert ended.code == ExitCode.USAGE
    assert "nothing to shrink" in ended.err


def test_a_campaign_and_what_it_leaves(shell: Shell) -> None:
    report = shell.home / "report"
    ended = shell.testnet(
        "sim", shell.file(CUT), "--seeds", "1..4", "--jobs", "2", "--report", report, "--json"
    )
    assert ended.code == ExitCode.LIVENESS, ended.err
    runs = ended.json["runs"]
    assert sorted(str(run["seed"]) for run in runs) == ["1", "2", "3", "4"]
    assert all(run["failed"] == ["converged"] for run in runs)
    assert sorted(path.name for path in report.iterdir()) == [
        *(f"cut-small-{seed}" for seed in (1, 2, 3, 4)),
        "junit.xml",
        "report.json",
    ]
    ledger = read_ledger(shell.home / "home" / "seeds" / "cut-small.jsonl")
    assert sorted(entry.seed for entry in ledger) == [1, 2, 3, 4]
    assert ledger[0] == Entry(ledger[0].seed, ("converged",))


def test_until_fail_stops_at_the_first(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(CUT), "--until-fail", "--jobs", "1")
    assert ended.code == ExitCode.LIVENESS
    assert "1 seed: 0 passed, 1 liveness" in ended.out


def test_a_campaign_gives_what_single_runs_give(shell: Shell) -> None:
    file = shell.file(CALM)
    many = shell.testnet("sim", file, "--seeds", "1..3", "--jobs", "2", "--json").json["runs"]
    for run in many:
        (alone,) = shell.testnet("sim", file, "--seed", str(run["seed"]), "--json").json["runs"]
        assert alone["digest"] == run["digest"]


def test_a_seed_is_the_same_in_two_processes(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(CALM), "--check-determinism")
    assert ended.code == ExitCode.PASS, ended.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("sim", "halvs"), "did you mean 'halves'"),
        (("sim", "halves", "--seeds", "9..1"), "write 1..9"),
        (("sim", "halves", "--seed", "1", "--seeds", "1..2"), "not both"),
        (("sim", "halves", "--tier", "process"), "testnet run"),
        (("sim", "halves", "--seeds", "some"), "no seed"),
        (("replay", "/nowhere"), "no whole run"),
        (("shrink", "/nowhere.toml"), "there is no file"),
        (("replay", "/nowhere", "--until", "soon"), "no whole run"),
    ],
)
def test_what_cannot_be_asked_for(shell: Shell, arguments: tuple[str, ...], says: str) -> None:
    ended = shell.testnet(*arguments)
    assert ended.code == ExitCode.USAGE
    assert says in ended.err
    assert ended.err.count("\n") == 1


def test_the_machines_fault(shell: Shell) -> None:
    ended = shell.testnet("sim", shell.file(CALM), "--seeds", "1..2", "--dask", "tcp://127.0.0.1:1")
    assert ended.code == ExitCode.INFRASTRUCTURE
    assert "no Dask scheduler" in ended.err
