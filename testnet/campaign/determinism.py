"""Holds a run against itself: the same seed twice, in two processes, must see the same facts.

Two fresh interpreters with different PYTHONHASHSEED run it, because the commonest ways to lose
determinism (the order of a set, the id of an object, something an earlier run left behind) do not
show within one process.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from chain.primitives.errors import Refusal
from testnet.campaign.crew import RUN_WALL_MAX_S, last_line
from testnet.campaign.job import Runner
from testnet.errors import LaunchFailure
from testnet.outcome import Outcome, Verdict, Violation
from testnet.report.diff import first_divergence
from testnet.report.words import clause, clock
from testnet.scenario.model import Scenario

HASH_SEEDS = ("1", "2")
CHECK = "determinism"


def twice(scenario: Scenario, seed: int, runner: Runner) -> Outcome:
    """Runs a seed twice. The outcome is the run's own, or NONDETERMINISM where the two differ.

    `runner` must be a function of a module, or a value that can be pickled. Raises LaunchFailure
    when a run dies.
    """
    first, second = _side_by_side(scenario, seed, runner)
    parting = first_divergence(first.seen, second.seen)
    if parting is None:
        return first
    violation = Violation(
        check=CHECK,
        verdict=Verdict.NONDETERMINISM,
        at_s=parting.at_s,
        nodes=(),
        height=0,
        statement=parting.statement,
        causes=tuple(f"{clock(each.at_s)}  {clause(each.fact)}" for each in parting.before),
    )
    return replace(first, verdict=Verdict.NONDETERMINISM, violations=(violation,))


@dataclass(frozen=True, slots=True)
class Twice:
    """A runner that runs everything twice."""

    runner: Runner

    def __call__(self, scenario: Scenario, seed: int) -> Outcome:
        return twice(scenario, seed, self.runner)


def _side_by_side(scenario: Scenario, seed: int, runner: Runner) -> list[Outcome]:
    """The run in processes of its own, one for each hash seed; they end with this call."""
    with tempfile.TemporaryDirectory(prefix="cornerstone-twice-") as folder:
        task = Path(folder) / "task"
        task.write_bytes(pickle.dumps((runner, scenario, seed)))
        twins = [_Twin(task, hash_seed) for hash_seed in HASH_SEEDS]
        try:
            return [twin.outcome(seed) for twin in twins]
        finally:
            for twin in twins:
                twin.end()


class _Twin:
    """One of the two runs, going on elsewhere."""

    def __init__(self, task: Path, hash_seed: str) -> None:
        self._answer = task.with_name(f"answer-{hash_seed}")
        self._words = task.with_name(f"words-{hash_seed}")
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        with self._words.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "testnet.campaign.alone", str(task), str(self._answer)],
                env=os.environ | environment,
                stderr=stderr,
            )

    def outcome(self, seed: int) -> Outcome:
        """Waits for it. Raises the run's own Refusal, or LaunchFailure when it died."""
        try:
            self._process.wait(RUN_WALL_MAX_S)
        except subprocess.TimeoutExpired as error:
            raise LaunchFailure(f"a run of seed {seed} gave nothing in {error.timeout:g} s") from (
                error
            )
        if not self._answer.is_file():
            raise LaunchFailure(f"a run of seed {seed} died: {last_line(self._words)}")
        found: Outcome | Refusal = pickle.loads(self._answer.read_bytes())
        if isinstance(found, Refusal):
            raise found
        return found

    def end(self) -> None:
        """Leaves no process behind."""
        self._process.kill()
        self._process.wait()
