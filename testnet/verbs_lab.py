"""`testnet sim` and `testnet run`: a scenario in virtual time, with one seed or with thousands,
and on real processes.

Exit codes are testnet.outcome.ExitCode.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from chain.primitives.errors import Refusal
from testnet.campaign.determinism import Twice
from testnet.campaign.job import Job, Runner, run_folder
from testnet.campaign.keeping import keep_run
from testnet.campaign.ledger import ledger_path, noted, ordered, read_ledger, write_ledger
from testnet.campaign.places import home, refuse_unwritable, runs_root
from testnet.campaign.reporting import keep_with_page, write_reports
from testnet.campaign.seeds import SEED_MAX, SEEDS_MAX, parse_seeds
from testnet.campaign.session import hold, results_here
from testnet.campaign.summary import Result, summary_of
from testnet.campaign.tally import Tally
from testnet.campaign.telling import runs_json, story, sum_lines
from testnet.campaign.tiers import MODULES, runner_of
from testnet.errors import Unfit
from testnet.options import AsJson, console, notes, print_json
from testnet.outcome import ExitCode, Outcome
from testnet.report.json import run_fields
from testnet.scenario.library import open_scenario
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.plan import plan

EXIT_INTERRUPTED = 130
"""What shells report for a command that SIGINT ended before it was done."""

CLUSTER = "testnet.campaign.dask"
"""Imported only when a cluster is asked for: it belongs to the optional extra `cluster`."""

File = Annotated[
    str, typer.Argument(metavar="FILE", help="A scenario file, or a name of the library.")
]
Seed = Annotated[
    int | None, typer.Option(min=0, max=SEED_MAX, help="The scenario's own when left out.")
]
Seeds = Annotated[str | None, typer.Option(help="A campaign: 1..1000, or 1,5,9.")]
Jobs = Annotated[int, typer.Option(min=0, help="Processes side by side; 0: one a processor.")]
UntilFail = Annotated[bool, typer.Option("--until-fail", help="Stop at the first that fails.")]
SimTier = Annotated[Tier, typer.Option(help="Whole nodes, or engines only for thousands.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Faults that hit nothing, probes never reached: failures.")
]
Check = Annotated[
    bool, typer.Option("--check-determinism", help="Run each seed twice and compare.")
]
Report = Annotated[
    Path | None,
    typer.Option(help="Write page, JUnit, JSON and runs into this folder."),
]
Dask = Annotated[str | None, typer.Option(help="Address of a Dask scheduler, as tcp://host:8786.")]


@dataclass(frozen=True, slots=True)
class Wish:
    """How a campaign is to go."""

    jobs: int
    until_fail: bool
    strict: bool
    dask: str | None
    as_json: bool
    report: Path | None
    tier: Tier


def sim(
    file: File,
    seed: Seed = None,
    seeds: Seeds = None,
    jobs: Jobs = 0,
    until_fail: UntilFail = False,
    tier: SimTier = Tier.NODE,
    strict: Strict = False,
    check_determinism: Check = False,
    report: Report = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Run a scenario in virtual time: the same seed, the same run, to the last message.

    Exits with 0 pass, 10 safety, 11 liveness, 12 bound, 13 non-determinism, 2 usage,
    3 infrastructure.

    [dim]cornerstone testnet sim halves --seed 7
    cornerstone testnet sim halves --seeds 1..1000 --jobs 2[/dim]
    """
    if tier is Tier.PROCESS:
        raise typer.BadParameter("real processes have no virtual time; use `testnet run`")
    if seed is not None and seeds is not None:
        raise typer.BadParameter("give --seed or --seeds, not both")
    if dask is not None and seeds is None and not until_fail:
        raise typer.BadParameter("--dask spreads a campaign; give --seeds, as 1..1000")
    scenario = opened(file, tier)
    runner = runner_of(tier, strict)
    if check_determinism:
        runner = Twice(runner)
    if seeds is None and not until_fail:
        one(scenario, scenario.seed if seed is None else seed, runner, report, strict, as_json)
    with misuse():
        first = scenario.seed if seed is None else seed
        chosen = tuple(range(first, first + SEEDS_MAX)) if seeds is None else parse_seeds(seeds)
        if report is not None:
            refuse_unwritable(report)
    keeper, root = (keep_run, runs_root(os.environ)) if report is None else (keep_with_page, report)
    job = Job(scenario, runner, keeper, root, (MODULES[tier],))
    many(job, chosen, Wish(jobs, until_fail, strict, dask, as_json, report, tier))


def run(file: File, seed: Seed = None, report: Report = None, as_json: AsJson = False) -> None:
    """Run a scenario on real processes, on the wall clock. Exit codes as those of `sim`.

    [dim]cornerstone testnet run halves --report ./halves[/dim]
    """
    scenario = opened(file, Tier.PROCESS)
    chosen = scenario.seed if seed is None else seed
    one(scenario, chosen, runner_of(Tier.PROCESS), report, False, as_json)


def opened(file: str, tier: Tier) -> Scenario:
    """The scenario, which that tier can run; anything else is a usage error."""
    with misuse():
        scenario = open_scenario(file)
        lacks = plan(scenario, scenario.seed, tier).lacks
        if lacks:
            raise Unfit("tier", "; ".join(lacks))
    return scenario


def one(
    scenario: Scenario,
    seed: int,
    runner: Runner,
    folder: Path | None,
    strict: bool,
    as_json: bool,
) -> NoReturn:
    """One seed in this process, with its story; kept when it failed or a folder is given."""
    tally = Tally(scenario)
    with misuse():
        if folder is not None:
            refuse_unwritable(folder)
        outcome = runner(scenario, seed)
    kept = ""
    if folder is not None:
        keep_with_page(outcome, folder)
        kept = str(folder)
    elif outcome.exit_code is not ExitCode.PASS:
        place = run_folder(runs_root(os.environ), scenario, seed)
        keep_run(outcome, place)
        kept = str(place)
    tally.add(summary_of(outcome, kept))
    if folder is not None:
        write_reports(folder, tally, scenario, outcome.tier)
    if as_json:
        print_json(one_json(outcome, kept, tally))
    else:
        tell([story(outcome, kept)])
        if tally.unreached:
            strictly = ", which --strict takes for a failure" if strict else ""
            tell([f"  not reached with this seed: {', '.join(tally.unreached)}{strictly}"])
    raise typer.Exit(tally.exit_code(strict))


def one_json(outcome: Outcome, kept: str, tally: Tally) -> dict[str, object]:
    """A single run for scripts: all that is known of it, beside what a campaign tells."""
    return runs_json(tally) | {"runs": [run_fields(outcome) | {"folder": kept}]}


def many(job: Job, seeds: tuple[int, ...], wish: Wish) -> NoReturn:
    """A campaign, remembered failures first; what failed is remembered for the next."""
    path = ledger_path(home(os.environ), job.scenario.name)
    with misuse():
        remembered = read_ledger(path)
    chosen = ordered(remembered, seeds)
    tally = Tally(job.scenario)
    results = results_of(job, chosen, wish)
    whole = hold(results, tally, notes if wish.as_json else console, len(chosen), wish.until_fail)
    if wish.as_json:
        print_json(runs_json(tally))
    else:
        tell(sum_lines(tally) if whole else ["interrupted", *sum_lines(tally)])
    write_ledger(path, noted(remembered, [*tally.ran, *tally.lost]))
    if wish.report is not None:
        write_reports(wish.report, tally, job.scenario, wish.tier)
    raise typer.Exit(tally.exit_code(wish.strict) if whole else EXIT_INTERRUPTED)


def results_of(job: Job, seeds: tuple[int, ...], wish: Wish) -> Generator[Result, None, None]:
    """From this machine's processes, or from a cluster's."""
    if wish.dask is None:
        return results_here(job, seeds, wish.jobs or len(os.sched_getaffinity(0)))
    try:
        cluster = import_module(CLUSTER)
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            f"--dask needs {error.name}: pip install 'cornerstone[cluster]'"
        ) from error
    found: Generator[Result, None, None] = cluster.results_of_cluster(job, seeds, wish.dask)
    return found


def tell(lines: list[str]) -> None:
    """Lines on standard output, as they are."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def misuse() -> Iterator[None]:
    """What cannot be asked for is a usage error (exit code 2), told on one line."""
    try:
        yield
    except Refusal as refusal:
        raise typer.BadParameter(refusal.reason) from refusal
