"""A campaign's folder: which runs are in it, and the page that leads to theirs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from testnet.errors import Unfit
from testnet.outcome import Outcome, RunFolder, Verdict
from testnet.report.folder import is_run
from testnet.report.story import first
from testnet.report.templates import template
from testnet.report.words import clock, lasting

RUNS_MAX = 2_000
"""Of one report; each is read whole, which takes about a second for a large one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run in the list; `link` leads from the index to its page."""

    scenario: str
    seed: int
    verdict: str
    passed: bool
    told: str
    at: str
    virtual: str
    wall: str
    link: str


def run_folders(path: Path) -> list[Path]:
    """The folder itself, when it is a run's; otherwise the runs in it, by name and number.

    Raises Unfit when there is none, or more than RUNS_MAX.
    """
    if is_run(path):
        return [path]
    if not path.is_dir():
        raise Unfit("no-run", f"there is no folder {path}; name one that `sim` or `run` has kept")
    found = [each for each in path.iterdir() if is_run(each)]
    if not found:
        raise Unfit(
            "no-run",
            f"{path} holds no run: neither it nor a folder in it has a"
            f" {RunFolder(path).record.name}; `sim --report {path}` keeps runs there",
        )
    if len(found) > RUNS_MAX:
        raise Unfit("many-runs", f"{path} holds {len(found)} runs, at most {RUNS_MAX} are told")
    return sorted(found, key=by_number)


def by_number(path: Path) -> tuple[str, int, str]:
    """halves-2 before halves-10."""
    name, _, number = path.name.rpartition("-")
    return (name, int(number), "") if number.isdecimal() else (path.name, 0, path.name)


def entry_of(outcome: Outcome, page: Path, home: Path) -> Entry:
    """The row of a run whose page is there, for an index in `home`."""
    found = first(outcome)
    return Entry(
        scenario=outcome.scenario.name,
        seed=outcome.seed,
        verdict=outcome.verdict.value,
        passed=outcome.verdict is Verdict.PASS,
        told=f"{found.check}: {found.statement}" if found else "",
        at=clock(found.at_s) if found else "",
        virtual=clock(outcome.virtual_s),
        wall=lasting(outcome.wall_s),
        link=quote(os.path.relpath(page, home)),
    )


def index(entries: Sequence[Entry], place: str) -> str:
    """The page: failures first, in the order given otherwise."""
    ordered = sorted(entries, key=lambda each: each.passed)
    failures = sum(1 for each in entries if not each.passed)
    return template("index.html").render(entries=ordered, failures=failures, place=place)
