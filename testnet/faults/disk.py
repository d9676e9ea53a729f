"""Faults of the disk under a node's store."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import choice, duration, integer, probability


@dataclass(frozen=True, slots=True)
class DiskFull:
    """Every write fails: no space left."""

    NAME: ClassVar[str] = "disk.full"


@dataclass(frozen=True, slots=True)
class DiskErrors:
    """Some operations fail with an input/output error."""

    NAME: ClassVar[str] = "disk.errors"
    on_op: str = choice("which operations", "reads", "writes", "both", default="both")
    probability: float = probability("of one failing", 0.01)


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """The file system has been remounted read-only."""

    NAME: ClassVar[str] = "disk.read-only"


@dataclass(frozen=True, slots=True)
class SlowDisk:
    """Every write takes longer."""

    NAME: ClassVar[str] = "disk.slow"
    by_ms: int = duration("each write", 50, low=1, high=10_000)


@dataclass(frozen=True, slots=True)
class PowerCut:
    """The machine goes dark: what was not flushed is lost, the last record may be torn.

    The node is started again when the fault ends.
    """

    NAME: ClassVar[str] = "disk.power-cut"
    torn: float = probability("of the last unflushed record surviving in part", 0.5)


@dataclass(frozen=True, slots=True)
class BitRot:
    """The node stops, bits in its files flip, and it is started again when the fault ends."""

    NAME: ClassVar[str] = "disk.bit-rot"
    flips: int = integer("values that are hit", 1, 1_000, 1)


DiskKind = DiskFull | DiskErrors | ReadOnly | SlowDisk | PowerCut | BitRot
