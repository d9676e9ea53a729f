"""Makes a failing scenario as small as it can be while it fails in the same way.

Rules:
- Large cuts first: parts are taken out by delta debugging (Zeller and Hildebrandt, "Simplifying
  and Isolating Failure-Inducing Input", 2002), then everything that has a number is made smaller,
  until nothing more can be cut (a fixed point) or the budget of runs is spent.
- The same failure is the same verdict with at least one of the checks that failed at first.
- When the faults are needed, they stay needed: a cut that makes the scenario fail without any
  fault is not taken. *Why:* a network of two nodes without load fails many checks by itself, and
  would otherwise be what every failure shrinks to.
- A cut is only taken if its text reads back. What is returned has run, and failed.
- Nothing here draws lots: the same failure shrinks in the same steps.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from chain.primitives.errors import Refusal
from testnet.cuts import (
    EXPECTATIONS,
    FAULTS,
    LOADS,
    OVERRIDES,
    SIMPLER,
    Cut,
    Part,
    fewer_nodes,
    lasting,
    without_faults,
)
from testnet.errors import Unfit
from testnet.faults.parameters import format_ms
from testnet.outcome import ExitCode, Outcome
from testnet.report.words import counted
from testnet.scenario.model import Scenario
from testnet.scenario.source import parse_scenario
from testnet.scenario.swarm import drawn
from testnet.scenario.text import format_scenario

Runner = Callable[[Scenario, int], Outcome]

BUDGET = 300
"""Runs. A scenario of twenty faults reaches its fixed point in about two hundred."""

LABELS_MAX = 4
"""So many removed parts are named; of more, their number says enough."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to understand in a scenario."""

    faults: int
    loads: int
    expectations: int
    nodes: int
    seconds: float
    lines: int

    def __str__(self) -> str:
        return (
            f"{counted(self.faults, 'fault')}, {counted(self.loads, 'load')},"
            f" {counted(self.nodes, 'node')}, {self.seconds:g} s, {counted(self.lines, 'line')}"
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A cut that was taken, after so many runs, and what was left then."""

    what: str
    runs: int
    size: Size


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The result. `outcome` is the run of `scenario`; `minimal` that nothing more can be cut."""

    scenario: Scenario
    seed: int
    outcome: Outcome
    before: Size
    after: Size
    steps: tuple[Step, ...]
    runs: int
    minimal: bool


def ignore(step: Step) -> None:
    """Hears a step and does nothing with it."""


def shrink(
    scenario: Scenario,
    seed: int,
    runner: Runner,
    budget: int = BUDGET,
    heard: Callable[[Step], None] = ignore,
) -> Shrunk:
    """Shrinks a failing run; `heard` is told of each step.

    Raises Unfit when it does not fail, and what parse_scenario raises for one that cannot be.
    """
    settled = parse_scenario(format_scenario(replace(scenario, seed=seed)))
    first = runner(settled, seed)
    if first.exit_code is ExitCode.PASS:
        raise Unfit("passes", f"{scenario.name} with seed {seed} passes; nothing to shrink")
    search = Search(settled, first, runner, budget, heard)
    search.run()
    return Shrunk(
        scenario=search.scenario,
        seed=seed,
        outcome=search.outcome,
        before=size(scenario),
        after=size(search.scenario),
        steps=tuple(search.steps),
        runs=search.runs,
        minimal=not search.spent,
    )


class Search:
    """The walk from the first failure to the smallest one found."""

    def __init__(
        self,
        scenario: Scenario,
        first: Outcome,
        runner: Runner,
        budget: int,
        heard: Callable[[Step], None],
    ) -> None:
        self.scenario = scenario
        self.outcome = first
        self.steps: list[Step] = []
        self.runs = 1
        self.spent = False
        self._first = first
        self._runner = runner
        self._budget = budget
        self._heard = heard
        self._fails: dict[str, bool] = {format_scenario(scenario): True}
        self._faults_needed = False

    def run(self) -> None:
        """Cuts until a whole round takes nothing; what makes later runs cheap is cut first."""
        self._try(Cut("what the seed drew of the swarm", drawn(self.scenario, self._first.seed)))
        self._faults_needed = bool(self.scenario.faults) and not self._try(
            Cut("without any fault", faultless(self.scenario))
        )
        taken = -1
        while taken != len(self.steps) and not self.spent:
            taken = len(self.steps)
            self._end_at_failure()
            self._remove(LOADS)
            self._simplify(fewer_nodes)
            self._remove(FAULTS)
            self._remove(EXPECTATIONS)
            self._end_at_failure()
            self._remove(OVERRIDES)
            for cuts in SIMPLER:
                self._simplify(cuts)

    def _simplify(self, cuts: Callable[[Scenario], Iterator[Cut]]) -> None:
        """Takes cuts of a kind while there are any, each time the largest one that can be."""
        while any(self._try(cut) for cut in cuts(self.scenario)):
            pass

    def _remove(self, part: Part) -> None:
        """Delta debugging: chunks of half of the items, of a quarter, ..., single ones."""
        chunk = len(part.labels(self.scenario))
        while chunk:
            place = 0
            while place < len(labels := part.labels(self.scenario)):
                gone = range(place, min(place + chunk, len(labels)))
                what = f"without {part.name} {listed([labels[each] for each in gone])}"
                if not self._try(Cut(what, part.without(self.scenario, gone))):
                    place += chunk
            chunk //= 2

    def _end_at_failure(self) -> None:
        """The run's end moved to just after its first finding: most of a long run at once."""
        found = [each.at_s for each in self.outcome.violations if each.check in self._first.failed]
        if found:
            ms = (math.floor(min(found)) + 1) * 1_000
            if ms < self.scenario.duration_ms:
                shorter = lasting(self.scenario, ms)
                self._try(Cut(f"over after {format_ms(ms)}, when it has failed", shorter))

    def _try(self, cut: Cut) -> bool:
        """Whether the cut was taken."""
        text = written(cut.scenario)
        if text is None or self._fails.get(text, False) or cut.scenario == self.scenario:
            return False  # it cannot be, or is where we have been
        outcome = self._failure(text, cut.scenario)
        if outcome is None or self._fails_without_faults(cut.scenario):
            return False
        self.scenario, self.outcome = cut.scenario, outcome
        step = Step(cut.what, self.runs, size(cut.scenario))
        self.steps.append(step)
        self._heard(step)
        return True

    def _failure(self, text: str, scenario: Scenario) -> Outcome | None:
        """The run, when it fails in the same way. What is known not to fail is not run again."""
        if text in self._fails or self.runs >= self._budget:
            self.spent = self.spent or text not in self._fails
            return None
        self.runs += 1
        try:
            outcome = self._runner(scenario, self._first.seed)
        except Refusal:  # this tier cannot run it
            self._fails[text] = False
            return None
        self._fails[text] = same_failure(outcome, self._first)
        return outcome if self._fails[text] else None

    def _fails_without_faults(self, scenario: Scenario) -> bool:
        """Whether a cut took so much that the faults no longer matter."""
        control = faultless(scenario)
        text = written(control)
        if not self._faults_needed or text is None:
            return False
        if text not in self._fails:
            self._failure(text, control)
        return self._fails.get(text, True)  # with the budget spent nobody knows


def same_failure(outcome: Outcome, first: Outcome) -> bool:
    """The same verdict, and a check in common."""
    shared = [check for check in outcome.failed if check in first.failed]
    return outcome.verdict is first.verdict and (bool(shared) or not first.failed)


def faultless(scenario: Scenario) -> Scenario:
    """The same network and load with nothing wrong."""
    return without_faults(scenario, [fault.id for fault in scenario.faults])


def written(scenario: Scenario) -> str | None:
    """The scenario's text; None when it would not be read back, so that nobody could run it."""
    try:
        text = format_scenario(scenario)
        parse_scenario(text)
    except Refusal:
        return None
    return text


def size(scenario: Scenario) -> Size:
    """Measures a scenario."""
    return Size(
        faults=len(scenario.faults),
        loads=len(scenario.loads),
        expectations=len(scenario.expectations),
        nodes=scenario.net.nodes,
        seconds=scenario.duration_ms / 1_000,
        lines=len([line for line in format_scenario(scenario).splitlines() if line]),
    )


def listed(labels: Sequence[str]) -> str:
    """The names, or how many."""
    return ", ".join(labels) if len(labels) <= LABELS_MAX else f"({len(labels)} of them)"
