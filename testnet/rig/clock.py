"""A node's clock as the laboratory bends it: wrong by a constant, drifting, jumping, frozen.

Only wall time bends. Monotonic time is the loop's own on every node. *Why:* timers measure what
they wait for, and slots are what a wrong clock breaks.
"""

from dataclasses import dataclass

import trio

from p2p.clock import Clock
from p2p.protocol.instant import Now
from testnet.faults.people import WrongTimezone
from testnet.faults.process import ClockDrift, ClockKind, ClockStep, ClockStrobe

MILLION = 1_000_000
HOUR_MS = 3_600_000
BentKind = ClockKind | WrongTimezone


@dataclass(frozen=True, slots=True)
class _Bend:
    kind: BentKind
    since_s: float

    def error_ms(self, now_s: float) -> int:
        """How wrong the clock is because of it."""
        for_s = now_s - self.since_s
        match self.kind:
            case ClockStep(by_ms):
                return by_ms
            case ClockDrift(rate_ppm):
                return int(for_s * 1_000 * rate_ppm / MILLION)
            case ClockStrobe(by_ms, every_ms):
                return by_ms * (1 - int(for_s * 1_000 / every_ms) % 2)
            case WrongTimezone(hours):
                return hours * HOUR_MS


class BentClock:
    """Any number of bends over a true clock."""

    def __init__(self, true: Clock) -> None:
        self._true = true
        self._bends: dict[str, _Bend] = {}
        self._goes_on = trio.Event()
        self._goes_on.set()

    def now(self) -> Now:
        """Both clocks."""
        now = self._true.now()
        if not self._bends:
            return now
        error_ms = sum(bend.error_ms(now.s) for bend in self._bends.values())
        return Now(now.s, now.unix_ms + error_ms)

    async def running(self) -> None:
        """Waits while frozen."""
        if not self._goes_on.is_set():
            await self._goes_on.wait()

    def bend(self, act: str, kind: BentKind) -> None:
        """From now on the wall clock is wrong in one more way."""
        self._bends[act] = _Bend(kind, self._true.now().s)

    def straighten(self, act: str) -> None:
        """Take one bend back; harmless when it is not there."""
        self._bends.pop(act, None)

    def freeze(self) -> None:
        """The node's timers do not fire until `thaw`."""
        if self._goes_on.is_set():
            self._goes_on = trio.Event()

    def thaw(self) -> None:
        """The node goes on."""
        self._goes_on.set()
