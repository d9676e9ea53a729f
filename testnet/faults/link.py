"""Faults of links, below the encryption: what a network does to bytes, whatever they mean."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import bandwidth, choice, duration, probability


@dataclass(frozen=True, slots=True)
class Delay:
    """Every message takes longer; with a jitter, by a random amount that never reorders them."""

    NAME: ClassVar[str] = "link.delay"
    by_ms: int = duration("added to each message, one way")
    jitter_ms: int = duration("scale of the random part", 0)
    shape: str = choice("of the random part", "uniform", "lognormal", "pareto", default="uniform")


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A narrow uplink: messages queue behind each other."""

    NAME: ClassVar[str] = "link.bandwidth"
    rate_bps: int = bandwidth("what gets through")


@dataclass(frozen=True, slots=True)
class Loss:
    """Lost packets as a stream shows them: a retransmission's wait, and all behind waits too."""

    NAME: ClassVar[str] = "link.loss"
    probability: float = probability("of a message being hit", 0.05)
    wait_ms: int = duration("the first retransmission timeout; it doubles while losses repeat", 200)


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing moves, nothing is lost: what was sent arrives when the stall ends."""

    NAME: ClassVar[str] = "link.stall"


@dataclass(frozen=True, slots=True)
class Reset:
    """Connections are torn down, once or again and again."""

    NAME: ClassVar[str] = "link.reset"
    every_ms: int = duration("between two resets; 0s resets once", 0)


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """What is sent vanishes, and neither end is told: a router that forgot the connection."""

    NAME: ClassVar[str] = "link.half-open"


@dataclass(frozen=True, slots=True)
class SlowRead:
    """The nodes read slower than others send to them."""

    NAME: ClassVar[str] = "link.slow-read"
    rate_bps: int = bandwidth("at which they read")


@dataclass(frozen=True, slots=True)
class SlowWrite:
    """The nodes write slowly."""

    NAME: ClassVar[str] = "link.slow-write"
    rate_bps: int = bandwidth("at which they write")


@dataclass(frozen=True, slots=True)
class Flap:
    """Links go away and come back, each at its own random moments (swizzle-clog)."""

    NAME: ClassVar[str] = "link.flap"
    up_ms: int = duration("how long a link holds, on average", 5_000, low=100)
    down_ms: int = duration("how long it is gone, on average", 2_000, low=100)


@dataclass(frozen=True, slots=True)
class CorruptBytes:
    """Bits flip under the encryption; the receiver can only end the connection."""

    NAME: ClassVar[str] = "link.corrupt"
    probability: float = probability("of a message being hit", 0.01)


LinkKind = (
    Delay | Bandwidth | Loss | Stall | Reset | HalfOpen | SlowRead | SlowWrite | Flap | CorruptBytes
)
