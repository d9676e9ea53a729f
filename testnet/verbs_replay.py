"""`testnet replay` and `testnet shrink`: what to do with a run that failed."""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from testnet.campaign.determinism import Twice
from testnet.campaign.job import Runner
from testnet.campaign.keeping import keep_run, open_run
from testnet.campaign.places import refuse_unwritable, runs_root
from testnet.campaign.telling import COMMAND, standing_lines, story
from testnet.campaign.tiers import INERT_CHECK, runner_of, simulate_until
from testnet.errors import Unfit
from testnet.faults.parameters import parse_ms
from testnet.observation import Seen, encode_seen
from testnet.options import AsJson, notes, print_json
from testnet.outcome import ExitCode, Outcome, RunFolder, Verdict
from testnet.report.diff import Difference, Divergence, difference_lines, first_divergence
from testnet.scenario.library import open_scenario
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.text import format_scenario
from testnet.shrink import BUDGET, Shrunk, Step
from testnet.shrink import shrink as smallest
from testnet.verbs_lab import Seed, SimTier, misuse, tell

BUDGET_MAX = 100_000
"""Runs: a day of a fast scenario; more is a mistake."""

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a kept run.")]
What = Annotated[
    str, typer.Argument(metavar="RUN|FILE", help="A kept run, a scenario file, or a library name.")
]
Until = Annotated[str | None, typer.Option(help="Stop there, as 92s, and show the nodes.")]
Budget = Annotated[int, typer.Option(min=1, max=BUDGET_MAX, help="Runs at most.")]
Out = Annotated[Path | None, typer.Option("--output", "-o", help="Where the result is written.")]


def replay(run: Run, until: Until = None, as_json: AsJson = False) -> None:
    """Run a kept run again: the same code gives the same run, to the last event.

    Exits with the run's own code when it is the same, and with 13 when it is another.

    [dim]cornerstone testnet replay ~/.local/state/cornerstone/runs/halves-17 --until 92s[/dim]
    """
    with misuse():
        kept = open_run(run)
        if kept.tier is Tier.PROCESS:
            raise Unfit(
                "replay",
                f"{run} ran on real processes, where nothing happens twice; `sim` its"
                f" scenario: {COMMAND} sim {shlex.quote(str(RunFolder(run).scenario))}",
            )
        until_s = None if until is None else moment(until, kept)
        again = rerun(kept, until_s)
    parting = parted(kept, again, until_s)
    code = kept.exit_code if parting is None else ExitCode.NONDETERMINISM
    if until_s is not None and parting is None:
        code = ExitCode.PASS
    if as_json:
        print_json(replay_json(kept, again, parting))
    else:
        tell(replay_lines(run, kept, again, parting, until_s))
    raise typer.Exit(code)


def moment(text: str, kept: Outcome) -> float:
    """Seconds into a run, within it. Raises Refusal."""
    at_s = parse_ms(text.removeprefix("t=")) / 1_000
    if not 0 <= at_s <= kept.virtual_s:
        raise Unfit("until", f"--until {text}: the run goes from 0s to {kept.virtual_s:g}s")
    return at_s


def rerun(kept: Outcome, until_s: float | None) -> Outcome:
    """The run once more, as far as asked."""
    if until_s is None:
        return runner_of(kept.tier)(kept.scenario, kept.seed)
    if kept.tier is not Tier.NODE:
        raise Unfit("replay", f"--until needs whole nodes; this run was on the {kept.tier} tier")
    return simulate_until(kept.scenario, kept.seed, until_s)


def parted(kept: Outcome, again: Outcome, until_s: float | None) -> Divergence | None:
    """Where the two part. A run that was stopped is compared up to there."""
    if until_s is None and kept.digest == again.digest:
        return None
    return first_divergence(before(kept.seen, until_s), before(again.seen, until_s))


def before(seen: tuple[Seen, ...], until_s: float | None) -> tuple[Seen, ...]:
    """What was seen before that time."""
    if until_s is None:
        return seen
    return tuple(each for each in seen if each.at_s < until_s)


def replay_lines(
    run: Path, kept: Outcome, again: Outcome, parting: Divergence | None, until_s: float | None
) -> list[str]:
    """For people."""
    if parting is not None:
        return [
            *difference_lines(Difference(same=False, changes=(), divergence=parting)),
            "  either the software has changed since, or it is not deterministic; which, tells"
            f" {COMMAND} sim {shlex.quote(str(RunFolder(run).scenario))} --seed {kept.seed}"
            " --check-determinism",
        ]
    if until_s is not None:
        return standing_lines(before(again.seen, until_s), until_s)
    return [f"the same run, event by event ({len(kept.seen):,} events)", story(kept, str(run))]


def replay_json(kept: Outcome, again: Outcome, parting: Divergence | None) -> dict[str, object]:
    """For scripts."""
    return {
        "seed": kept.seed,
        "same": parting is None,
        "verdict": again.verdict.value,
        "kept_digest": kept.digest,
        "digest": again.digest,
        "parts_at_s": None if parting is None else parting.at_s,
        "kept_event": None if parting is None else _first(parting.left),
        "event": None if parting is None else _first(parting.right),
    }


def _first(seen: tuple[Seen, ...]) -> str:
    """An event as events.ndjson has it; empty where a run is over."""
    return encode_seen(seen[0]) if seen else ""


def shrink(
    what: What,
    seed: Seed = None,
    budget: Budget = BUDGET,
    output: Out = None,
    tier: SimTier = Tier.NODE,
    as_json: AsJson = False,
) -> None:
    """Make a failing scenario as small as it can be while it fails in the same way.

    Writes the smallest scenario and the line that replays it. Exits with the failure's own code.

    [dim]cornerstone testnet shrink ~/.local/state/cornerstone/runs/halves-17 -o small.toml[/dim]
    """
    with misuse():
        scenario, chosen, runner = meant(what, seed, tier)
        place = output or Path(f"{scenario.name}-{chosen}-small.toml")
        if place.is_dir():
            raise Unfit("output", f"{place} is a folder; name the file to be written")
        refuse_unwritable(place.parent)
        shrunk = smallest(scenario, chosen, runner, budget, heard)
    about = f"Shrunk from {scenario.name}, seed {chosen}: {', '.join(shrunk.outcome.failed)}."
    place.write_text(format_scenario(replace(shrunk.scenario, about=about)))
    folder = runs_root(os.environ) / f"{scenario.name}-{chosen}-small"
    keep_run(shrunk.outcome, folder)
    if as_json:
        print_json(shrunk_json(shrunk, place, folder))
    else:
        tell(shrunk_lines(shrunk, place, folder))
    raise typer.Exit(shrunk.outcome.exit_code)


def meant(what: str, seed: int | None, tier: Tier) -> tuple[Scenario, int, Runner]:
    """The scenario of a kept run or of a file, its seed, and what makes it fail again."""
    if not Path(what).is_dir():
        scenario = open_scenario(what)
        return scenario, scenario.seed if seed is None else seed, runner_of(tier)
    kept = open_run(Path(what))
    runner = runner_of(kept.tier, strict=INERT_CHECK in kept.failed)
    if kept.verdict is Verdict.NONDETERMINISM:
        runner = Twice(runner)
    return kept.scenario, kept.seed if seed is None else seed, runner


def heard(step: Step) -> None:
    """A step, as it is taken."""
    notes.print(
        f"  run {step.runs}: {step.what}; {step.size}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def shrunk_lines(shrunk: Shrunk, place: Path, folder: Path) -> list[str]:
    """For people."""
    end = "nothing more can be cut" if shrunk.minimal else "the budget is spent"
    return [
        f"before: {shrunk.before}",
        f"after:  {shrunk.after} ({shrunk.runs} runs; {end})",
        story(shrunk.outcome, str(folder)),
        f"  again:  {COMMAND} sim {shlex.quote(str(place))}",
    ]


def shrunk_json(shrunk: Shrunk, place: Path, folder: Path) -> dict[str, object]:
    """For scripts."""
    return {
        "file": str(place),
        "folder": str(folder),
        "seed": shrunk.seed,
        "verdict": shrunk.outcome.verdict.value,
        "failed": list(shrunk.outcome.failed),
        "runs": shrunk.runs,
        "minimal": shrunk.minimal,
        "steps": [{"run": step.runs, "what": step.what} for step in shrunk.steps],
        **{
            name: {
                "faults": each.faults,
                "loads": each.loads,
                "nodes": each.nodes,
                "seconds": each.seconds,
                "lines": each.lines,
            }
            for name, each in (("before", shrunk.before), ("after", shrunk.after))
        },
    }
