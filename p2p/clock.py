"""The clocks a node can be given: the system's, or trio's own (virtual under MockClock)."""

import time
from typing import Protocol

import trio

from p2p.protocol.instant import Now


class Clock(Protocol):
    """Reads both clocks together. `Now.s` agrees with `trio.current_time` of the running loop."""

    def now(self) -> Now: ...

    async def running(self) -> None:
        """Returns at once, unless a laboratory has frozen the node: then when it goes on."""
        ...


class SystemClock:
    """Monotonic time from trio, wall time from the operating system, read afresh each time.

    Wall time is not derived from a start-up reading: after suspend, or a step by NTP, slots must
    follow the corrected clock at once.
    """

    def now(self) -> Now:
        return Now(trio.current_time(), time.time_ns() // 1_000_000)

    async def running(self) -> None:
        return None


class VirtualClock:
    """Wall time that starts at `epoch_ms` and advances with trio's (mock) clock; may be skewed."""

    def __init__(self, epoch_ms: int, skew_ms: int = 0) -> None:
        self._epoch_ms = epoch_ms
        self.skew_ms = skew_ms

    def now(self) -> Now:
        s = trio.current_time()
        return Now(s, self._epoch_ms + self.skew_ms + int(s * 1000))

    async def running(self) -> None:
        return None
