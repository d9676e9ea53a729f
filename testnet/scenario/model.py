"""A scenario as values: what scenario format 1 can say, with every default filled in.

Nothing here is resolved: selectors and triggers stay as written until a network exists to apply
them to, because the same scenario runs with any seed and on every tier.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from testnet.faults.kinds import Kind
from testnet.senders import LoadKind
from testnet.spec import Consensus, Durability, Wiring

FORMAT = 1
DURATION_MAX_MS = 3_600_000
"""An hour: beyond that a scenario is a soak test, and its event list no longer fits in memory."""

ITEMS_MAX = 200
"""Loads, faults and expectations of one file; a generated timeline stays far below."""


class Tier(StrEnum):
    """Where a scenario runs."""

    NODE = "node"  # whole nodes in virtual time
    ENGINE = "engine"  # routers on a heap, for thousands of them
    PROCESS = "process"  # real processes, real sockets, wall clock


@dataclass(frozen=True, slots=True)
class AtTime:
    """`at = "20s"`: so long after the start."""

    ms: int


@dataclass(frozen=True, slots=True)
class AtHeight:
    """`at = "height:20"`: when the first honest node's chain is that high."""

    height: int


@dataclass(frozen=True, slots=True)
class AfterFault:
    """`at = "after:cut+5s"`: so long after the end of the fault with that id."""

    fault: str
    ms: int


Trigger = AtTime | AtHeight | AfterFault


@dataclass(frozen=True, slots=True)
class NetPlan:
    """`[net]`. `latency` names a profile (`none`, `lan`, `brics`) or is a one-way delay ("20ms").

    `cities` are dealt to the nodes in turn; the profile `brics` deals all its cities when none is
    named. `uplink_bps` 0 is unlimited.
    """

    nodes: int = 8
    authorities: int = 0
    consensus: Consensus = Consensus.AUTHORITY
    block_ms: int = 1_000
    wiring: Wiring = Wiring.DISCOVER
    durability: Durability = Durability.PROCESS
    latency: str = "lan"
    cities: tuple[str, ...] = ()
    uplink_bps: int = 0


@dataclass(frozen=True, slots=True)
class NodeOverride:
    """`[[node]]`: what is different about the selected nodes."""

    select: str
    city: str = ""
    uplink_bps: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """`[[load]]`: transactions a second in all, offered to the selected nodes in turn.

    The end of the run cuts a load short, so one without `for` lasts as long as the run.
    """

    at: Trigger
    for_ms: int
    rate: float
    kind: LoadKind = LoadKind.TRANSFER
    on: str = "all"


@dataclass(frozen=True, slots=True)
class Fault:
    """`[[fault]]`. `for_ms` 0 lasts until the end of the run; `to` is the other side of links."""

    id: str
    at: Trigger
    for_ms: int
    kind: Kind
    on: str
    to: str = "others"


class Mode(StrEnum):
    """What kind of expectation it is."""

    ALWAYS = "always"  # a safety property, watched all the time
    WITHIN = "check"  # a state that must hold at some moment of a window
    SOMETIMES = "sometimes"  # a probe that some seed of a campaign must reach


@dataclass(frozen=True, slots=True)
class Expectation:
    """`[[expect]]`.

    A WITHIN opens at `at` (without one: when the last fault has ended) and lasts `within_ms`.
    `parameters` belong to the check, as (name, text) pairs in the order of the file.
    """

    mode: Mode
    check: str
    at: Trigger | None = None
    within_ms: int = 0
    on: str = "honest"
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file."""

    name: str
    about: str
    duration_ms: int
    seed: int = 1
    net: NetPlan = field(default_factory=NetPlan)
    overrides: tuple[NodeOverride, ...] = ()
    loads: tuple[Load, ...] = ()
    faults: tuple[Fault, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    swarm: bool = False  # each seed draws which of the faults take part
