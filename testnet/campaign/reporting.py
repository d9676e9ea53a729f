"""`--report DIR`: what is left of a campaign for people who were not there, and for CI servers.

DIR/
    report.json             every seed
    junit.xml               a suite for each seed, a case for each check
    SCENARIO-SEED/          each run that failed, with its page: report.html
"""

import json
from pathlib import Path

from testnet.campaign.keeping import open_run
from testnet.campaign.summary import Summary
from testnet.campaign.tally import Tally
from testnet.campaign.telling import runs_json
from testnet.outcome import Outcome, RunFolder
from testnet.report.folder import save_run
from testnet.report.junit import junit
from testnet.report.page import page
from testnet.scenario.model import Scenario, Tier

PAGE = "report.html"
JUNIT = "junit.xml"
JSON = "report.json"

WHOLE_MAX = 50
"""Failed runs whose events are read again for JUnit, one after another; others tell what they
told the campaign."""


def keep_with_page(outcome: Outcome, path: Path) -> None:
    """A run in its folder, with the page that shows it. Raises LaunchFailure."""
    save_run(outcome, RunFolder(path))
    (path / PAGE).write_text(page(outcome, str(path)), encoding="utf-8")


def write_reports(root: Path, tally: Tally, scenario: Scenario, tier: Tier) -> None:
    """The two files about all seeds."""
    root.mkdir(parents=True, exist_ok=True)
    (root / JSON).write_text(json.dumps(runs_json(tally), indent=1) + "\n", encoding="utf-8")
    outcomes, whole = list[Outcome](), 0
    for summary in tally.ran:
        if summary.folder and whole < WHOLE_MAX:
            outcomes.append(open_run(Path(summary.folder)))
            whole += 1
        else:
            outcomes.append(slim(summary, scenario, tier))
    places = [summary.folder for summary in tally.ran]
    (root / JUNIT).write_text(junit(outcomes, places), encoding="utf-8")


def slim(summary: Summary, scenario: Scenario, tier: Tier) -> Outcome:
    """A run as its summary knows it: with the judgements, without the events that led to them."""
    return Outcome(
        scenario=scenario,
        seed=summary.seed,
        tier=tier,
        verdict=summary.verdict,
        digest=summary.digest,
        violations=summary.violations,
        probes=summary.probes,
        inert=summary.inert,
        figures=(),
        virtual_s=summary.virtual_s,
        wall_s=summary.wall_s,
        seen=summary.judged,
    )
