"""`testnet check` and `testnet scenarios`, as people and scripts meet them."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from testnet.commands import app
from testnet.scenario.library import library
from testnet.scenario.source import parse_scenario


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_check_shows_who_and_when() -> None:
    shown = run("check", "halves", "--seed", "7")
    assert shown.exit_code == 0
    assert "seed 7, node tier" in shown.stdout
    (cut,) = [line for line in shown.stdout.splitlines() if "cut: partition.halves" in line]
    assert cut.split()[:2] == ["15s", "30s"]
    assert "━" in cut


def test_check_shows_what_a_seed_of_a_swarm_leaves_out() -> None:
    first, second = (run("check", "swarm-12", "--seed", seed).stdout for seed in ("1", "2"))
    assert "this seed leaves out: " in first
    assert first.splitlines()[-1] != second.splitlines()[-1]


def test_check_for_scripts() -> None:
    plan = json.loads(run("check", "kill-restart", "--json").stdout)
    (fault,) = plan["faults"]
    assert (fault["do"], fault["on_nodes"], fault["begin_ms"]) == (
        "process.kill",
        ["n1", "n2"],
        15_000,
    )
    assert fault["parameters"] == {"data": "kept", "age": "10s"}
    assert plan["lacks"] == []
    assert len(plan["nodes"]) == 8
    assert parse_scenario(plan["scenario"]).name == "kill-restart"


def test_what_a_tier_cannot_do_is_a_usage_error_that_shows_the_plan() -> None:
    shown = run("check", "power-cut", "--tier", "engine")
    assert shown.exit_code == 2
    assert "the engine tier cannot do disk.power-cut; use node or process" in shown.stdout


def test_a_bad_file_is_a_usage_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('scenario = 1\nname = "mine"\nduration = "5s"\n[net]\nnods = 3\n')
    refused = run("check", str(path))
    assert refused.exit_code == 2
    assert "line 5, [net]: nods: unknown key; did you mean 'nodes'?" in " ".join(
        refused.stderr.replace("│", " ").split()
    )


def test_an_unknown_name_is_a_usage_error() -> None:
    refused = run("check", "halvs")
    assert refused.exit_code == 2
    assert "'halves'" in refused.stderr


def test_the_library_is_listed_with_what_it_teaches() -> None:
    listed = run("scenarios").stdout
    assert all(name in listed for name in library())
    found = json.loads(run("scenarios", "--json").stdout)["scenarios"]
    assert [scenario["name"] for scenario in found] == [*library()]
    assert all(scenario["about"] for scenario in found)
