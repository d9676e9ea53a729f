"""How a run ended: verdict, what was broken, and everything a report needs to tell its story."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path

from testnet.observation import Seen
from testnet.scenario.model import Scenario, Tier


class Verdict(StrEnum):
    """In order of what is told first when several apply."""

    PASS = "pass"
    NONDETERMINISM = "non-determinism"
    SAFETY = "safety"
    LIVENESS = "liveness"
    BOUND = "bound"


class ExitCode(IntEnum):
    """What `run`, `sim`, `replay` and `shrink` exit with; the documentation lists them."""

    PASS = 0
    USAGE = 2
    INFRASTRUCTURE = 3
    SAFETY = 10
    LIVENESS = 11
    BOUND = 12
    NONDETERMINISM = 13


EXIT_CODES = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.SAFETY: ExitCode.SAFETY,
    Verdict.LIVENESS: ExitCode.LIVENESS,
    Verdict.BOUND: ExitCode.BOUND,
    Verdict.NONDETERMINISM: ExitCode.NONDETERMINISM,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A checker's finding: when, where, the two facts that cannot both be, and what led there."""

    check: str
    verdict: Verdict
    at_s: float
    nodes: tuple[str, ...]
    height: int
    statement: str  # one sentence with the conflicting facts
    causes: tuple[str, ...] = ()  # the last events before it, as lines for people


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number of a run, such as p99 of inclusion."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of one scenario with one seed."""

    scenario: Scenario
    seed: int
    tier: Tier
    verdict: Verdict
    digest: str  # sha256 over the encoded events, in hex
    violations: tuple[Violation, ...]
    probes: tuple[str, ...]  # the `sometimes` that were reached
    inert: tuple[str, ...]  # ids of faults that hit nothing
    figures: tuple[Figure, ...]
    virtual_s: float
    wall_s: float
    seen: tuple[Seen, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The checks that failed, each once, in order."""
        return tuple(dict.fromkeys(violation.check for violation in self.violations))

    @property
    def exit_code(self) -> ExitCode:
        """What a command that ran this exits with."""
        return EXIT_CODES[self.verdict]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run is kept: scenario.toml, run.json (all but the events), events.ndjson."""

    path: Path

    @property
    def scenario(self) -> Path:
        return self.path / "scenario.toml"

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def events(self) -> Path:
        return self.path / "events.ndjson"
