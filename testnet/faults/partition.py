"""Partitions: who can reach whom, in the shapes that break protocols in different ways."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import choice


@dataclass(frozen=True, slots=True)
class Partition:
    """The selected nodes on one side, `to` on the other; nothing passes between them.

    `cut` is just that; `isolate` also cuts the selected from each other; `one-way` only stops what
    the selected send; `outbound-only` lets the selected dial but not be dialled.
    """

    NAME: ClassVar[str] = "partition"
    shape: str = choice("of the cut", "cut", "isolate", "one-way", "outbound-only", default="cut")


@dataclass(frozen=True, slots=True)
class MajorityRing:
    """Every selected node still sees a majority, but no two of them the same one (Jepsen)."""

    NAME: ClassVar[str] = "partition.majority-ring"


@dataclass(frozen=True, slots=True)
class Bridge:
    """Two halves that share one node and nothing else: A sees B, B sees C, A does not see C."""

    NAME: ClassVar[str] = "partition.bridge"


@dataclass(frozen=True, slots=True)
class Halves:
    """The selected nodes fall into two random halves."""

    NAME: ClassVar[str] = "partition.halves"


PartitionKind = Partition | MajorityRing | Bridge | Halves
