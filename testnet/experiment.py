"""Fault tests written in Python: a scenario put together step by step, run, and asked about.

What is written here goes through the same text and the same reader as a scenario file, so it means
the same and is refused in the same words. The pytest fixture `testnet` is a Laboratory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from testnet.campaign.job import Runner, run_folder
from testnet.campaign.keeping import keep_run
from testnet.campaign.telling import story
from testnet.campaign.tiers import runner_of
from testnet.outcome import ExitCode, Outcome, Verdict
from testnet.scenario.library import open_scenario
from testnet.scenario.model import FORMAT, Mode, Scenario, Tier
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import value_text

Value = str | int | float | bool | list[str]
"""What TOML can hold here."""

Table = tuple[str, Mapping[str, Value]]
Keeper = Callable[[Outcome, Path], object]

NAME = "experiment"
"""The network's name, where none is given; with it all keys are the same in every test."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over. `folder` is where it is kept when it failed, else empty."""

    outcome: Outcome
    folder: str = ""

    @property
    def passed(self) -> bool:
        """Whether every expectation and every checker was content."""
        return self.outcome.exit_code is ExitCode.PASS

    @property
    def verdict(self) -> Verdict:
        return self.outcome.verdict

    @property
    def failed(self) -> tuple[str, ...]:
        """The checks that failed."""
        return self.outcome.failed

    @property
    def story(self) -> str:
        """What happened, for people, and the commands that go on from it."""
        return story(self.outcome, self.folder)

    def __str__(self) -> str:
        return self.story


@dataclass(frozen=True, slots=True)
class Bench:
    """What experiments are carried out with: where, and who is told of a failure."""

    runner: Callable[[Tier], Runner]
    keeper: Keeper
    root: Path
    told: Callable[[str], None]

    def run(self, scenario: Scenario, seed: int, tier: Tier) -> Run:
        """Runs, and keeps what failed."""
        outcome = self.runner(tier)(scenario, seed)
        if outcome.exit_code is ExitCode.PASS:
            return Run(outcome)
        folder = run_folder(self.root, scenario, seed)
        self.keeper(outcome, folder)
        failed = Run(outcome, str(folder))
        self.told(failed.story)
        return failed


@dataclass(frozen=True, slots=True)
class Experiment:
    """A scenario that grows; each method gives a larger one and leaves this one as it is.

    Keys are those of scenario files. Where Python does not allow one, `_` stands for `-` and one
    at the end is dropped: `block_time="2s"`, `for_="20s"`.
    """

    bench: Bench
    tier: Tier
    top: Mapping[str, Value]
    net: Mapping[str, Value]
    tables: tuple[Table, ...] = ()

    def node(self, select: str, **keys: Value) -> "Experiment":
        """`[[node]]`: what is different about the selected nodes."""
        return self._with("node", {"select": select} | keys)

    def load(self, rate: str, **keys: Value) -> "Experiment":
        """`[[load]]`: transactions, as "10/s"."""
        return self._with("load", {"rate": rate} | keys)

    def fault(self, do: str, *, at: str, on: str, **keys: Value) -> "Experiment":
        """`[[fault]]`: what goes wrong, when, on which nodes; without `for_` until the end."""
        return self._with("fault", {"do": do, "at": at, "on": on} | keys)

    def expect(self, check: str, *, within: str, **keys: Value) -> "Experiment":
        """`[[expect]] check`: holds at some moment of a window."""
        return self._with("expect", {Mode.WITHIN.value: check, "within": within} | keys)

    def always(self, check: str, **keys: Value) -> "Experiment":
        """`[[expect]] always`: holds all the time."""
        return self._with("expect", {Mode.ALWAYS.value: check} | keys)

    def sometimes(self, check: str, **keys: Value) -> "Experiment":
        """`[[expect]] sometimes`: a probe; see `Run.outcome.probes`."""
        return self._with("expect", {Mode.SOMETIMES.value: check} | keys)

    @property
    def text(self) -> str:
        """The scenario file this is."""
        head = "\n".join(_lines({"scenario": FORMAT} | dict(self.top)))
        net = "\n".join(["[net]", *_lines(self.net)])
        tables = ["\n".join([f"[[{name}]]", *_lines(keys)]) for name, keys in self.tables]
        return "\n\n".join([head, net, *tables]) + "\n"

    @property
    def scenario(self) -> Scenario:
        """As a value. Raises Malformed, Invalid or Unfit for what cannot be."""
        return parse_scenario(self.text)

    def run(self, seed: int = 1) -> Run:
        """Carries it out."""
        return self.bench.run(self.scenario, seed, self.tier)

    def _with(self, name: str, keys: Mapping[str, Value]) -> "Experiment":
        return replace(self, tables=(*self.tables, (name, keys)))


@dataclass(frozen=True, slots=True)
class Laboratory:
    """Begins experiments; the fixture `testnet`."""

    bench: Bench

    def simulate(
        self, *, nodes: int = 8, duration: str = "60s", name: str = NAME, **net: Value
    ) -> Experiment:
        """An experiment in virtual time: it takes a fraction of `duration`, and repeats exactly."""
        return self._begin(Tier.NODE, nodes, duration, name, net)

    def processes(
        self, *, nodes: int = 4, duration: str = "30s", name: str = NAME, **net: Value
    ) -> Experiment:
        """An experiment on real processes: it takes as long as `duration` says."""
        return self._begin(Tier.PROCESS, nodes, duration, name, net)

    def run_scenario(self, file: str, seed: int | None = None, tier: Tier = Tier.NODE) -> Run:
        """Runs a scenario file, or one of the library by its name."""
        scenario = open_scenario(file)
        return self.bench.run(scenario, scenario.seed if seed is None else seed, tier)

    def _begin(
        self, tier: Tier, nodes: int, duration: str, name: str, net: Mapping[str, Value]
    ) -> Experiment:
        top: dict[str, Value] = {"name": name, "duration": duration}
        return Experiment(self.bench, tier, top, {"nodes": nodes} | dict(net))


def laboratory(root: Path, told: Callable[[str], None]) -> Laboratory:
    """One that keeps failed runs in a folder and tells their stories."""
    return Laboratory(Bench(runner_of, keep_run, root, told))


def _lines(keys: Mapping[str, Value]) -> list[str]:
    return [f"{key_of(name)} = {value_text(value)}" for name, value in keys.items()]


def key_of(name: str) -> str:
    """A keyword argument's key in a scenario file."""
    return name.removesuffix("_").replace("_", "-")
