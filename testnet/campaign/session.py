"""A campaign in front of people: progress while it runs, failures at once, the sum at its end."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from testnet.campaign.crew import Crew
from testnet.campaign.job import Job
from testnet.campaign.summary import Lost, Result, Summary
from testnet.campaign.tally import Tally
from testnet.campaign.telling import failure_lines, lost_line

TOLD_MAX = 20
"""Failures told one by one; a scenario that fails with every seed needs no thousand lines."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a campaign is told, and its progress bar."""

    console: Console
    progress: Progress
    task: TaskID

    def show(self, tally: Tally, result: Result) -> None:
        """A result has come."""
        failed = len(tally.failures) + len(tally.lost)
        pace = tally.pace()
        self.progress.update(
            self.task,
            advance=1,
            description=f"{failed} failed, {pace.seeds_per_hour:,.0f} seeds/h,"
            f" {pace.ratio:,.0f}x real time",
        )
        if failed > TOLD_MAX or (isinstance(result, Summary) and result.passed):
            return
        lines = [lost_line(result)] if isinstance(result, Lost) else failure_lines(result)
        if failed == TOLD_MAX:
            lines.append(f"({TOLD_MAX} failures shown; further ones are only counted)")
        for line in lines:
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def screen(console: Console, seeds: int) -> Iterator[Screen]:
    """A bar at the bottom while the block runs; on a file or a pipe only the lines."""
    progress = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        yield Screen(console, progress, progress.add_task("starting", total=seeds))


def results_here(job: Job, seeds: Sequence[int], jobs: int) -> Generator[Result, None, None]:
    """Results from processes of this machine."""
    with Crew(job, min(jobs, len(seeds))) as crew:
        yield from crew.results(seeds)


def add_up(results: Iterable[Result], tally: Tally, shown: Screen, until_fail: bool) -> None:
    """Takes results as they come; stops at the first failure if so asked."""
    for result in results:
        tally.add(result)
        shown.show(tally, result)
        if until_fail and (tally.failures or tally.lost):
            return


def hold(
    results: Generator[Result, None, None],
    tally: Tally,
    console: Console,
    seeds: int,
    until_fail: bool,
) -> bool:
    """A whole campaign; False when Ctrl-C ended it. No worker outlives this."""
    with screen(console, seeds) as shown:
        try:
            with closing(results):
                add_up(results, tally, shown, until_fail)
        except KeyboardInterrupt:
            return False
    return True
