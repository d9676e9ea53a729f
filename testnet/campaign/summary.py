"""What comes back from a seed: a few hundred bytes, however large the run was."""

from dataclasses import dataclass, replace

from testnet.observation import Judged, Seen
from testnet.outcome import ExitCode, Outcome, Verdict, Violation
from testnet.report.words import clock

FINDINGS_MAX = 20
"""Of a run that breaks everywhere; its folder has them all."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One run; `folder` is where it is kept, if it is.

    `virtual_s` passed in the network while `wall_s` passed here. `violations` have no causes, and
    `judged` are the only facts.
    """

    seed: int
    verdict: Verdict
    digest: str
    probes: tuple[str, ...]
    inert: tuple[str, ...]
    virtual_s: float
    wall_s: float
    folder: str = ""
    violations: tuple[Violation, ...] = ()
    judged: tuple[Seen, ...] = ()

    @property
    def story(self) -> str:
        """The first finding in one sentence; empty without one."""
        if not self.violations:
            return ""
        first = self.violations[0]
        return f"{first.check} at {clock(first.at_s)}: {first.statement}"

    @property
    def failed(self) -> tuple[str, ...]:
        """The checks that failed, each once, in order."""
        return tuple(dict.fromkeys(violation.check for violation in self.violations))

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASS


@dataclass(frozen=True, slots=True)
class Lost:
    """A seed that told nothing: its worker died, hung, or the run was refused."""

    seed: int
    why: str
    exit_code: ExitCode = ExitCode.INFRASTRUCTURE


Result = Summary | Lost


def summary_of(outcome: Outcome, folder: str = "") -> Summary:
    """What is worth sending home of an outcome."""
    return Summary(
        seed=outcome.seed,
        verdict=outcome.verdict,
        digest=outcome.digest,
        probes=outcome.probes,
        inert=outcome.inert,
        virtual_s=outcome.virtual_s,
        wall_s=outcome.wall_s,
        folder=folder,
        violations=tuple(replace(each, causes=()) for each in outcome.violations[:FINDINGS_MAX]),
        judged=tuple(each for each in outcome.seen if isinstance(each.fact, Judged)),
    )
