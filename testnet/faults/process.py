"""Faults of processes and of the clocks they read."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import choice, duration, integer, number


@dataclass(frozen=True, slots=True)
class Kill:
    """The process ends at once (kill -9) and is started again when the fault ends.

    `data` says what it finds then: its own `kept`, or `wiped`; `rolled-back` to what it was
    `age` before the fault, or `partial`: its newest blocks are lost.
    """

    NAME: ClassVar[str] = "process.kill"
    data: str = choice("it starts with", "kept", "wiped", "rolled-back", "partial", default="kept")
    age_ms: int = duration("of the data it is rolled back to", 10_000)


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies at a named point of its work, the next time it gets there."""

    NAME: ClassVar[str] = "process.crash"
    point: str = choice(
        "where",
        "before-write",
        "after-write",
        "block-received",
        "block-sent",
        "transaction-received",
        default="before-write",
    )


@dataclass(frozen=True, slots=True)
class CrashLoop:
    """The process is killed again and again, each time soon after it is back."""

    NAME: ClassVar[str] = "process.crash-loop"
    every_ms: int = duration("between two deaths", 3_000, low=200)


@dataclass(frozen=True, slots=True)
class Pause:
    """The process is frozen (SIGSTOP): no timer fires, nothing is read; then it goes on."""

    NAME: ClassVar[str] = "process.pause"


@dataclass(frozen=True, slots=True)
class SlowCpu:
    """The process gets only a share of the processor, in turns of a tenth of a second."""

    NAME: ClassVar[str] = "process.slow"
    share: float = number("of the processor that is left", 0.01, 0.99, 0.2)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock is wrong by a constant; negative goes back."""

    NAME: ClassVar[str] = "clock.step"
    by_ms: int = duration("how wrong", low=-86_400_000, high=86_400_000)


@dataclass(frozen=True, slots=True)
class ClockDrift:
    """The wall clock runs too fast or too slow."""

    NAME: ClassVar[str] = "clock.drift"
    rate_ppm: int = integer("parts in a million; negative is slow", -500_000, 500_000)


@dataclass(frozen=True, slots=True)
class ClockStrobe:
    """The wall clock jumps forth and back."""

    NAME: ClassVar[str] = "clock.strobe"
    by_ms: int = duration("how far", low=1)
    every_ms: int = duration("between two jumps", 1_000, low=50)


ProcessKind = Kill | Crash | CrashLoop | Pause | SlowCpu
ClockKind = ClockStep | ClockDrift | ClockStrobe
