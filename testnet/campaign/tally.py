"""What a campaign's results add up to."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from testnet.campaign.summary import Lost, Result, Summary
from testnet.outcome import EXIT_CODES, ExitCode, Verdict
from testnet.scenario.model import Mode, Scenario

TOLD_FIRST = (Verdict.SAFETY, Verdict.LIVENESS, Verdict.BOUND, Verdict.NONDETERMINISM)
"""Which verdict a campaign's exit code tells when its seeds ended differently."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a campaign went: `ratio` is simulated over wall time, all processes together."""

    wall_s: float
    seeds_per_hour: float
    ratio: float


class Tally:
    """Adds up results of one scenario; keeps the summaries, which are small, and no run."""

    def __init__(self, scenario: Scenario, clock: Callable[[], float] = time.monotonic) -> None:
        self.ran: list[Summary] = []
        self.lost: list[Lost] = []
        self._scenario = scenario
        self._clock = clock
        self._began_s = clock()

    def add(self, result: Result) -> None:
        """Another seed is known."""
        match result:
            case Summary():
                self.ran.append(result)
            case Lost():
                self.lost.append(result)

    @property
    def failures(self) -> list[Summary]:
        """The seeds that failed, in the order they were found."""
        return [summary for summary in self.ran if not summary.passed]

    @property
    def inert(self) -> tuple[str, ...]:
        """Ids of faults that hit nothing with every seed."""
        if not self.ran:
            return ()
        first, *others = (summary.inert for summary in self.ran)
        return tuple(fault for fault in first if all(fault in each for each in others))

    @property
    def unreached(self) -> tuple[str, ...]:
        """The `sometimes` of the scenario that no seed reached."""
        reached = frozenset(probe for summary in self.ran for probe in summary.probes)
        wanted = [e.check for e in self._scenario.expectations if e.mode is Mode.SOMETIMES]
        return tuple(check for check in dict.fromkeys(wanted) if check not in reached)

    def pace(self) -> Pace:
        """Up to now."""
        wall_s = max(self._clock() - self._began_s, 1e-9)
        virtual_s = sum(summary.virtual_s for summary in self.ran)
        return Pace(wall_s, len(self.ran) * 3_600 / wall_s, virtual_s / wall_s)

    def exit_code(self, strict: bool) -> ExitCode:
        """The gravest verdict; then a seed that told nothing; then, if strict, unreached probes."""
        found = {summary.verdict for summary in self.ran}
        for verdict in TOLD_FIRST:
            if verdict in found:
                return EXIT_CODES[verdict]
        if self.lost:
            return max(lost.exit_code for lost in self.lost)
        return ExitCode.LIVENESS if strict and self.unreached else ExitCode.PASS
