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
from collections.abc import Iterator
from contextlib import contextmanager
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
    first, second = (_elsewhere(scenario, seed, runner, each) for each in HASH_SEEDS)
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


def _elsewhere(scenario: Scenario, seed: int, runner: Runner, hash_seed: str) -> Outcome:
    """A run in a process of its own."""
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with tempfile.TemporaryDirectory(prefix="cornerstone-twice-") as folder:
        task, answer, words = (Path(folder) / name for name in ("task", "answer", "words"))
        task.write_bytes(pickle.dumps((runner, scenario, seed)))
        command = [sys.executable, "-m", "testnet.campaign.alone", str(task), str(answer)]
        with words.open("wb") as stderr, _told(seed):
            subprocess.run(
                command, env=environment, stderr=stderr, timeout=RUN_WALL_MAX_S, check=False
            )
        if not answer.is_file():
            raise LaunchFailure(f"a run of seed {seed} died: {last_line(words)}")
        found: Outcome | Refusal = pickle.loads(answer.read_bytes())
    if isinstance(found, Refusal):
        raise found
    return found


@contextmanager
def _told(seed: int) -> Iterator[None]:
    """A run that does not end is the machine's failure."""
    try:
        yield
    except subprocess.TimeoutExpired as error:
        raise LaunchFailure(f"a run of seed {seed} gave nothing in {error.timeout:g} s") from error
