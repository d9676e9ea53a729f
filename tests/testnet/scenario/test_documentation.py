"""The files in the documentation are scenarios, and what it shows of the commands is so."""

import re
from pathlib import Path

from typer.testing import CliRunner

from testnet.commands import app
from testnet.scenario.model import AfterFault
from testnet.scenario.source import parse_scenario

LABORATORY = Path(__file__).parents[3] / "docs" / "laboratory"


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a language in a document."""
    text = (LABORATORY / name).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_first_fault_can_be_copied_and_extended() -> None:
    mine, second = blocks("first-fault.md", "toml")
    assert parse_scenario(mine).name == "mine"
    longer = parse_scenario(mine.replace('"70s"', '"90s"') + "\n" + second)
    assert longer.faults[1].at == AfterFault("alone", 5_000)


def test_what_check_is_shown_to_print_it_prints() -> None:
    shown = blocks("first-fault.md", "console")[0].splitlines()[1:]
    printed = CliRunner().invoke(app, ["check", "halves"]).stdout
    lines = [line.rstrip() for line in printed.splitlines()]
    assert [line for line in shown if line not in lines] == []


def test_the_pieces_of_the_format_can_be_joined() -> None:
    head, node = blocks("scenarios.md", "toml")
    scenario = parse_scenario(head + node)
    assert scenario.overrides[0].uplink_bps == 2_000_000
