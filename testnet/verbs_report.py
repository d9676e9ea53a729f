"""`testnet report` and `testnet diff`: what kept runs tell, as a page, for servers, for scripts."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from testnet.errors import Unfit
from testnet.options import AsJson, console, print_json, usage
from testnet.outcome import ExitCode, Outcome, RunFolder
from testnet.report.diff import diff_runs, difference_fields, difference_lines
from testnet.report.folder import load_run
from testnet.report.index import entry_of, index, run_folders
from testnet.report.json import report_fields
from testnet.report.junit import junit
from testnet.report.page import page
from testnet.report.story import lines_of, story_of
from testnet.report.words import clock, counted

STDOUT = "-"
PAGE = "report.html"
INDEX = "index.html"

Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a kept run, or of a campaign's runs.")
]
OneRun = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a kept run.")]
Html = Annotated[
    str | None, typer.Option(metavar="FILE", help="The page; of a campaign its index.")
]
Junit = Annotated[
    str | None,
    typer.Option("--junit", metavar="FILE", help="JUnit XML, for CI servers; - is the screen."),
]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="One JSON object, for scripts; - is the screen."),
]


def report(run: Run, html: Html = None, to_junit: Junit = None, to_json: Json = None) -> None:
    """Tell what happened in a run: as a page, as JUnit, as JSON.

    Without options the page is written into the folder of the run, and its story to the screen.
    A page needs nothing else: send it to whoever should see it.

    [dim]cornerstone testnet report ~/.local/state/cornerstone/runs/halves-17
    cornerstone testnet report ./campaign --junit junit.xml[/dim]
    """
    with usage():
        folders = run_folders(run)
        many = folders != [run]
        if html is None and to_junit is None and to_json is None:
            html = str(run / (INDEX if many else PAGE))
            for folder in folders:
                _tell(load_run(RunFolder(folder)), folder)
        if html is not None:
            _put(html, _pages(run, folders, html) if many else _page(run))
        if to_junit is not None:
            _put(to_junit, _junit(folders))
        if to_json is not None:
            _put(to_json, _json(folders))


def diff(left: OneRun, right: OneRun, as_json: AsJson = False) -> None:
    """Show where two runs part: the first event that differs, and what differs as a whole.

    Exits with 0 when they are the same run, event by event, and with 13 when they are not.

    [dim]cornerstone testnet diff runs/halves-7 ./from-ci/halves-7[/dim]
    """
    with usage():
        found = diff_runs(load_run(RunFolder(left)), load_run(RunFolder(right)))
    if as_json:
        print_json(difference_fields(found))
    else:
        _say(difference_lines(found))
    raise typer.Exit(ExitCode.PASS if found.same else ExitCode.NONDETERMINISM)


def _page(run: Path) -> str:
    return page(load_run(RunFolder(run)), str(run))


def _pages(root: Path, folders: Sequence[Path], target: str) -> str:
    """A page into each run's folder; the index of them, with links from where it will be."""
    home = root if target == STDOUT else Path(target).parent
    entries = []
    for folder in folders:
        outcome = load_run(RunFolder(folder))
        _write(folder / PAGE, page(outcome, str(folder)))
        entries.append(entry_of(outcome, folder / PAGE, home))
    return index(entries, str(root))


def _junit(folders: Sequence[Path]) -> str:
    return junit(_loaded(folders), [str(folder) for folder in folders])


def _json(folders: Sequence[Path]) -> str:
    return json.dumps(report_fields(_loaded(folders)), indent=1) + "\n"


def _loaded(folders: Sequence[Path]) -> Iterator[Outcome]:
    """One after another: all runs of a campaign together need not fit in memory."""
    return (load_run(RunFolder(folder)) for folder in folders)


def _tell(outcome: Outcome, folder: Path) -> None:
    story = story_of(outcome, str(folder))
    passed = f"passed {clock(outcome.virtual_s)} with {counted(outcome.scenario.net.nodes, 'node')}"
    title = f"{outcome.scenario.name}, seed {outcome.seed}"
    _say([f"{title}: {passed}"] if story is None else [f"{title}:", *lines_of(story)])


def _put(target: str, text: str) -> None:
    if target == STDOUT:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    _write(Path(target), text)
    _say([f"written: {target}"])


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unfit(
            "not-written", f"{path} cannot be written: {error.strerror}; name another file"
        ) from error


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
