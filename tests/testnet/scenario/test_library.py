"""The scenarios that come with the software: readable, short, told apart, covering every family."""

from pathlib import Path

import pytest

from chain.primitives.errors import Invalid, Malformed
from testnet.errors import Unfit
from testnet.faults.kinds import KINDS, family
from testnet.scenario.library import FOLDER, library, open_scenario
from testnet.scenario.model import Mode, Tier
from testnet.scenario.plan import plan
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import format_scenario

LINES_MAX = 60
ABOUT_MAX = 120
PROCESS_ONLY = ["slow-reader"]
LARGE = ("churn", "churn-short", "liars-10", "liars-30", "silent-10", "silent-30")
"""Shares of a network are seen among tens of nodes."""

LONG_MS = {"churn": 340_000, "churn-short": 160_000}
"""What wears a network out, wave by wave, shows only after many of them."""


def test_there_are_enough_of_them() -> None:
    assert len(library()) >= 40
    assert len({open_scenario(name).about for name in library()}) == len(library())


@pytest.mark.parametrize("name", library())
def test_a_scenario_is_short_and_says_what_it_teaches(name: str) -> None:
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    scenario = parse_scenario(text)
    assert scenario.name == name
    assert 20 <= len(scenario.about) <= ABOUT_MAX
    assert len(text.splitlines()) <= LINES_MAX
    assert all(len(line) <= 140 for line in text.splitlines())
    assert parse_scenario(format_scenario(scenario)) == scenario


@pytest.mark.parametrize("name", library())
def test_a_scenario_is_small_and_expects_something(name: str) -> None:
    scenario = open_scenario(name)
    assert 5 <= scenario.net.nodes <= (30 if name in LARGE else 12)
    assert 40_000 <= scenario.duration_ms <= LONG_MS.get(name, 120_000)
    modes = [each.mode for each in scenario.expectations]
    assert Mode.ALWAYS in modes
    assert Mode.WITHIN in modes


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("seed", [1, 2, 99])
def test_virtual_time_can_run_it(name: str, seed: int) -> None:
    lacks = plan(open_scenario(name), seed, Tier.NODE).lacks
    assert bool(lacks) == (name in PROCESS_ONLY)


def test_every_family_of_faults_has_a_scenario() -> None:
    used = {family(type(f.kind)) for name in library() for f in open_scenario(name).faults}
    assert used == {family(kind) for kind in KINDS.values()}


def test_a_file_is_opened_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('scenario = 1\nname = "mine"\nduration = "5s"\n')
    assert open_scenario(str(path)).name == "mine"


def test_a_refusal_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("scenario = 1\nname = 'mine'\nduraton = '5s'\n")
    with pytest.raises(Invalid, match=r"mine\.toml: line 3, .*did you mean 'duration'"):
        open_scenario(str(path))
    path.write_text("scenario = ")
    with pytest.raises(Malformed, match=r"mine\.toml: not TOML"):
        open_scenario(str(path))


def test_what_is_no_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="did you mean 'halves'"):
        open_scenario("halvs")
    with pytest.raises(Unfit, match="there is no file"):
        open_scenario("halves.toml")
    binary = tmp_path / "photo.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Unfit, match="is not UTF-8 text"):
        open_scenario(str(binary))
    large = tmp_path / "large.toml"
    large.write_text("#" * (1 << 21))
    with pytest.raises(Unfit, match="has 2097152 bytes"):
        open_scenario(str(large))


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="is a folder; name a scenario file"):
        open_scenario(str(tmp_path))


def test_a_byte_order_mark_is_no_part_of_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "calm.toml"
    path.write_text((FOLDER / "calm.toml").read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert open_scenario(str(path)) == open_scenario("calm")
