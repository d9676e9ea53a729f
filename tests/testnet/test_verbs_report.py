"""The verbs report and diff, as they are typed: files, screens, exit codes, one-line refusals."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from typer.testing import CliRunner, Result

from testnet.commands import app
from testnet.outcome import RunFolder
from testnet.report.folder import save_run
from tests.testnet.report.staged import Stage, outcome

SMALL = Stage(blocks=42)


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "halves-7"
    save_run(outcome(SMALL), RunFolder(folder))
    return folder


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    root = tmp_path / "campaign"
    for seed in (10, 2):
        passed = Stage(blocks=8, broken=False)
        save_run(outcome(passed, seed), RunFolder(root / f"halves-{seed}"))
    save_run(outcome(SMALL, 7), RunFolder(root / "halves-7"))
    (root / "report.json").write_text("{}")
    return root


def test_a_page_into_the_folder_and_the_story_on_the_screen(kept: Path) -> None:
    told = typed("report", str(kept))
    assert told.exit_code == 0
    assert "A safety promise was broken: common-prefix" in told.output
    assert f"cornerstone testnet replay {kept}" in told.output
    assert "n1 has finalized" in (kept / "report.html").read_text()


def test_only_what_was_asked_for_is_written(kept: Path, tmp_path: Path) -> None:
    where = tmp_path / "junit.xml"
    assert typed("report", str(kept), "--junit", str(where)).exit_code == 0
    assert len(list(Xml.parse(where).getroot().iter("failure"))) == 1
    assert not (kept / "report.html").exists()


def test_the_screen_takes_json_alone(kept: Path) -> None:
    told = json.loads(typed("report", str(kept), "--json", "-").stdout)
    assert [run["verdict"] for run in told["runs"]] == ["safety"]


def test_a_campaign_gets_an_index_that_leads_to_its_pages(campaign: Path) -> None:
    assert typed("report", str(campaign)).exit_code == 0
    html = (campaign / "index.html").read_text()
    assert "1 of 3 runs failed" in html
    places = [html.index(f'<a href="halves-{seed}/report.html"') for seed in (7, 2, 10)]
    assert places == sorted(places)
    assert all((campaign / f"halves-{seed}" / "report.html").is_file() for seed in (2, 7, 10))


def test_a_campaign_in_one_file_for_each_reader(campaign: Path, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("a.xml", "a.json", "a.html")]
    options = ["--junit", files[0], "--json", files[1], "--html", files[2]]
    assert typed("report", str(campaign), *options).exit_code == 0
    assert [suite.attrib["name"] for suite in Xml.parse(files[0]).getroot()] == [
        "halves-then-heal seed 2",
        "halves-then-heal seed 7",
        "halves-then-heal seed 10",
    ]
    told = json.loads(Path(files[1]).read_text())
    assert [run["seed"] for run in told["runs"]] == [2, 7, 10]
    assert 'href="campaign/halves-7/report.html"' in Path(files[2]).read_text()


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_no_run_is_a_usage_error(tmp_path: Path, place: str) -> None:
    told = typed("report", str(tmp_path / place))
    assert told.exit_code == 2
    assert "Traceback" not in told.output
    assert "no run" in told.output or "no folder" in told.output


def test_a_damaged_run_is_told_on_one_line(kept: Path) -> None:
    (kept / "run.json").write_text("{")
    told = typed("report", str(kept))
    assert told.exit_code == 2
    assert "is not JSON" in told.output


def test_a_file_that_cannot_be_written(kept: Path) -> None:
    told = typed("report", str(kept), "--html", str(kept / "no" / "such" / "a.html"))
    assert told.exit_code == 2
    assert "name another file" in told.output


def test_a_run_and_its_copy_are_the_same(kept: Path, tmp_path: Path) -> None:
    save_run(outcome(SMALL), RunFolder(tmp_path / "copy"))
    told = typed("diff", str(kept), str(tmp_path / "copy"))
    assert (told.exit_code, told.output.splitlines()[0]) == (0, "the same run")


def test_two_runs_part_with_13(kept: Path, tmp_path: Path) -> None:
    save_run(outcome(SMALL, 8), RunFolder(tmp_path / "other"))
    told = typed("diff", str(kept), str(tmp_path / "other"))
    assert told.exit_code == 13
    assert "they part at" in told.output
    told = typed("diff", str(kept), str(tmp_path / "other"), "--json")
    assert told.exit_code == 13
    assert json.loads(told.stdout)["divergence"]["event"] >= 1
