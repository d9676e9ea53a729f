"""What the conductor says to the processes that hold the nodes, and what they answer."""

from array import array
from dataclasses import dataclass, field

from chain.genesis import Genesis
from chain.primitives.hashing import Hash
from testnet.spec import LaunchSpec


@dataclass(frozen=True, slots=True)
class Seat:
    """One node: its number, where it listens, whom it dials, whether it makes blocks."""

    number: int
    address: str
    dials: tuple[str, ...]
    links: int  # dialled and dialling together
    author: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """All that one process needs to hold its nodes."""

    spec: LaunchSpec
    genesis: Genesis
    seats: tuple[Seat, ...]
    eager: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """Read the meters."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Messages that one node publishes together, `at_s` after the phase has begun.

    They are numbered from `first` on within the phase.
    """

    node: int
    at_s: float
    first: int
    raws: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Publish, then wait until `total` messages have reached every node here, or give up.

    `begin_s` is on the machine's monotonic clock, which all processes share.
    """

    ids: tuple[Hash, ...]
    issues: tuple[Issue, ...]
    begin_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Follow:
    """Wait until `count` transactions of the chain are in every node's blocks, or give up."""

    ids: tuple[Hash, ...]
    patience_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """End the nodes."""


Task = Read | Spread | Follow
Order = Task | Stop


@dataclass(frozen=True, slots=True)
class Reading:
    """Meters of one process since its start, summed over its nodes.

    `bodies` are transactions received, whether or not they were known; `announced` ids received.
    """

    cpu_s: float
    bytes_in: int
    frames: int
    bodies: int
    announced: int
    disconnected: int
    banned: int
    resident_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When each message of a phase was accepted, by node; NaN: not yet. Monotonic seconds."""

    published: dict[int, float] = field(default_factory=dict)
    accepted: dict[int, "array[float]"] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Included:
    """For each node how many of the transactions are in its blocks, and whether in order."""

    counts: dict[int, int]
    in_order: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """All nodes run and have their links, so long after the first one began; or why not."""

    trouble: str = ""
    linked_s: float = 0.0


Answer = Reading | Arrivals | Included | Ready
