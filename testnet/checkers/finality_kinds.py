"""What may be expected of finality: a part of the catalogue."""

from dataclasses import dataclass
from typing import ClassVar

from testnet.faults.parameters import integer
from testnet.scenario.model import Mode

SLOTS_MAX = 100_000
"""More than an hour of the shortest slots, and so of blocks."""


@dataclass(frozen=True, slots=True)
class FinalAgree:
    """Final blocks of honest nodes all stand on one chain, and none is given up or replaced.

    Restarts change nothing about that: what any of them ever called final must fit all the rest.
    """

    NAME: ClassVar[str] = "final-agree"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class OneVote:
    """No honest author signs two votes for one epoch, nor one whose span encloses another's.

    In virtual time all votes that any node took are compared; elsewhere the evidence that nodes
    find is.
    """

    NAME: ClassVar[str] = "one-vote"
    MODE: ClassVar[Mode] = Mode.ALWAYS


@dataclass(frozen=True, slots=True)
class FinalLag:
    """By how many slots the last final block is behind a new head, before the head is voted for.

    Percentiles over all blocks that joined the chains of honest nodes; 0 sets no limit.
    """

    NAME: ClassVar[str] = "final-lag"
    MODE: ClassVar[Mode] = Mode.ALWAYS
    p50_slots: int = integer("slots for half of the blocks at most", 0, SLOTS_MAX, 0)
    p99_slots: int = integer("slots for 99 of 100 at most", 0, SLOTS_MAX, 0)


@dataclass(frozen=True, slots=True)
class FinalityResumes:
    """Each selected node holds blocks for final that joined since the window opened."""

    NAME: ClassVar[str] = "finality-resumes"
    MODE: ClassVar[Mode] = Mode.WITHIN
    blocks: int = integer("how many of them", 1, SLOTS_MAX, 1)


@dataclass(frozen=True, slots=True)
class FinalityLate:
    """Each selected node says that finality is late, and names the authorities that are down.

    Those whose nodes have ended are the ones it must name, and no others.
    """

    NAME: ClassVar[str] = "finality-late"
    MODE: ClassVar[Mode] = Mode.WITHIN


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Each selected node holds a block final by the votes of a set that was voted in."""

    NAME: ClassVar[str] = "handed-over"
    MODE: ClassVar[Mode] = Mode.WITHIN
    sets: int = integer("how many of them, one after the other, at least", 1, SLOTS_MAX, 1)


@dataclass(frozen=True, slots=True)
class Unseated:
    """The set whose votes last made a block final, at each selected node, is without the hostile.

    A set that was voted in, or that evidence has decided: at the start they have their seats.
    """

    NAME: ClassVar[str] = "unseated"
    MODE: ClassVar[Mode] = Mode.WITHIN
