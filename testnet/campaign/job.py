"""What every seed of a campaign has in common, and what a worker does with one seed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chain.primitives.errors import Refusal
from chain.primitives.hashing import sha256
from testnet.campaign.summary import Lost, Result, Summary, summary_of
from testnet.errors import LaunchFailure
from testnet.outcome import ExitCode, Outcome, RunFolder
from testnet.scenario.model import Scenario
from testnet.scenario.text import format_scenario

Runner = Callable[[Scenario, int], Outcome]
"""Runs a scenario with a seed. Raises Refusal for what its tier cannot do."""

Keeper = Callable[[Outcome, Path], object]
"""Writes a run into a folder. Raises LaunchFailure when it cannot be written."""


@dataclass(frozen=True, slots=True)
class Job:
    """A campaign's task, sent to other processes: `runner` and `keeper` are module functions.

    Runs that fail are kept in `root`/SCENARIO-SEED; without a root nothing is kept. `modules` are
    those the runner will import, which a crew imports once for all of its workers.
    """

    scenario: Scenario
    runner: Runner
    keeper: Keeper
    root: Path | None = None
    modules: tuple[str, ...] = ()


def carry_out(job: Job, seed: int) -> Result:
    """Runs one seed, keeps it when it failed, and says what came of it."""
    try:
        return keep_if_failed(job, job.runner(job.scenario, seed))
    except Refusal as refusal:
        return Lost(seed, f"{refusal.reason} ({refusal.code})", ExitCode.USAGE)
    except LaunchFailure as failure:
        return Lost(seed, str(failure))


def keep_if_failed(job: Job, outcome: Outcome) -> Summary:
    """What is worth telling of a run, which is in its folder when it failed."""
    if job.root is None or outcome.exit_code is ExitCode.PASS:
        return summary_of(outcome)
    folder = run_folder(job.root, job.scenario, outcome.seed)
    job.keeper(outcome, folder)
    return summary_of(outcome, str(folder))


def run_folder(root: Path, scenario: Scenario, seed: int) -> Path:
    """Where the run of a seed is kept: beside, not over, that of another scenario of this name.

    A scenario that was edited or shrunk keeps its name, because its keys follow from that.
    """
    usual = root / f"{scenario.name}-{seed}"
    kept, text = RunFolder(usual).scenario, format_scenario(scenario)
    if not kept.is_file() or kept.read_text(encoding="utf-8") == text:
        return usual
    return usual.with_name(f"{usual.name}-{sha256(text.encode()).hex()[:8]}")
