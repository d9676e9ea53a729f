"""What comes back from a seed: a few hundred bytes, however large the run was."""

from dataclasses import dataclass

from testnet.outcome import ExitCode, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """One run. `story` is its first finding in one sentence, `folder` where it is kept, if it is.

    `virtual_s` passed in the network while `wall_s` passed here.
    """

    seed: int
    verdict: Verdict
    digest: str
    failed: tuple[str, ...]
    probes: tuple[str, ...]
    inert: tuple[str, ...]
    virtual_s: float
    wall_s: float
    story: str = ""
    folder: str = ""

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
    first = outcome.violations[0] if outcome.violations else None
    return Summary(
        seed=outcome.seed,
        verdict=outcome.verdict,
        digest=outcome.digest,
        failed=outcome.failed,
        probes=outcome.probes,
        inert=outcome.inert,
        virtual_s=outcome.virtual_s,
        wall_s=outcome.wall_s,
        story="" if first is None else f"{first.check} at {first.at_s:.1f} s: {first.statement}",
        folder=folder,
    )
