"""What is left of a campaign in a folder."""

import json
from pathlib import Path
from xml.etree import ElementTree

from testnet.campaign.job import Job, carry_out
from testnet.campaign.reporting import keep_with_page, write_reports
from testnet.campaign.tally import Tally
from testnet.scenario.model import Tier
from tests.testnet.fake_runs import SCENARIO, every_third_fails


def test_all_seeds_for_scripts_and_servers_and_a_page_of_each_failure(tmp_path: Path) -> None:
    tally = Tally(SCENARIO)
    job = Job(SCENARIO, every_third_fails, keep_with_page, tmp_path)
    for seed in (1, 2, 3, 4):
        tally.add(carry_out(job, seed))
    write_reports(tmp_path, tally, SCENARIO, Tier.NODE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "junit.xml",
        "report.json",
        "small-3",
    ]
    assert sorted(path.name for path in (tmp_path / "small-3").iterdir()) == [
        "events.ndjson",
        "report.html",
        "run.json",
        "scenario.toml",
    ]
    runs = json.loads((tmp_path / "report.json").read_text())["runs"]
    assert [run["verdict"] for run in runs] == ["pass", "pass", "liveness", "pass"]
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "0", "1", "0"]
    assert [len(suite.findall("testcase/skipped")) for suite in suites][3] < 2


def test_what_a_seed_judged_is_known_without_its_events(tmp_path: Path) -> None:
    job = Job(SCENARIO, every_third_fails, keep_with_page)
    tally = Tally(SCENARIO)
    tally.add(carry_out(job, 3))
    write_reports(tmp_path, tally, SCENARIO, Tier.NODE)
    (suite,) = ElementTree.parse(tmp_path / "junit.xml").getroot()
    (failure,) = suite.findall("testcase/failure")
    assert failure.get("message") == "converged is broken"
