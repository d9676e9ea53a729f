"""What a bench measured, the same for every system, and how it is worked out of the meters."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from testnet.checkers.measures import percentile


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase. A delivery is one message accepted by one node that did not publish it.

    `copies`, `announced` (ids) and `frames` are received per delivery, `wire_bytes` those on the
    links, what Noise adds included and what TCP adds not; `cpu_ms` that of all nodes, signature
    checks and what they do when idle included.
    """

    sent: int
    delivered: float  # of the deliveries that were due
    copies: float
    announced: float
    frames: float
    wire_bytes: float
    amplification: float  # wire bytes over the message's own
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    seconds: float  # from the first publication to the last delivery
    deliveries_per_s: float

    def to_json(self) -> dict[str, object]:
        return {
            name: _plain(getattr(self, name), digits)
            for name, digits in {
                "sent": 0,
                "delivered": 6,
                "copies": 3,
                "announced": 3,
                "frames": 3,
                "wire_bytes": 1,
                "amplification": 3,
                "cpu_ms": 4,
                "p50_ms": 2,
                "p99_ms": 2,
                "max_ms": 2,
                "seconds": 3,
                "deliveries_per_s": 1,
            }.items()
        }


@dataclass(frozen=True, slots=True)
class Blocks:
    """What became of the burst in blocks: how many are in every node's, and in which order."""

    included: int  # the least over the nodes
    in_order: bool

    def to_json(self) -> dict[str, object]:
        return {"included": self.included, "in_order": self.in_order}


@dataclass(frozen=True, slots=True)
class GossipFigures:
    """A whole run of one system. Memory is that of the processes that hold the nodes, in MB."""

    system: str
    nodes: int
    links: int
    linked_s: float  # from the start of the first node until all have their links
    idle_cpu_ms: float  # of one node in one second
    unloaded: Phase
    steady: Phase
    burst: Phase
    disconnects: int
    bans: int
    resident_mb: float  # before the first message
    peak_mb: float
    refused: tuple[str, ...] = ()
    blocks: Blocks | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "system": self.system,
            "nodes": self.nodes,
            "links": self.links,
            "linked_s": _plain(self.linked_s, 3),
            "idle_cpu_ms": _plain(self.idle_cpu_ms, 3),
            "unloaded": self.unloaded.to_json(),
            "steady": self.steady.to_json(),
            "burst": self.burst.to_json(),
            "disconnects": self.disconnects,
            "bans": self.bans,
            "resident_mb": _plain(self.resident_mb, 1),
            "peak_mb": _plain(self.peak_mb, 1),
            "refused": list(self.refused),
            "blocks": None if self.blocks is None else self.blocks.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Meters:
    """What the meters went up by during a phase, over all nodes."""

    cpu_s: float
    bytes_in: int
    bodies: int
    announced: int
    frames: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """The messages of a phase: who published each and when, and when each node accepted it."""

    size: int
    publisher: Sequence[int]
    published: Mapping[int, float]
    accepted: Mapping[int, "array[float]"]


def phase_of(traffic: Traffic, meters: Meters) -> Phase:
    """The figures of one phase; not a number where nothing was delivered."""
    delays: list[float] = []
    last_s = -math.inf
    for node, times in traffic.accepted.items():
        for number, at_s in enumerate(times):
            if traffic.publisher[number] != node and not math.isnan(at_s):
                delays.append(at_s - traffic.published[number])
                last_s = max(last_s, at_s)
    count = len(delays)
    due = len(traffic.publisher) * (len(traffic.accepted) - 1)
    share = 1 / count if count else math.nan
    seconds = last_s - min(traffic.published.values()) if count else math.nan
    p50, p99, longest = (
        [1e3 * percentile(delays, percent) for percent in (50, 99, 100)]
        if count
        else (math.nan, math.nan, math.nan)
    )
    return Phase(
        sent=len(traffic.publisher),
        delivered=count / due,
        copies=meters.bodies * share,
        announced=meters.announced * share,
        frames=meters.frames * share,
        wire_bytes=meters.bytes_in * share,
        amplification=meters.bytes_in * share / traffic.size,
        cpu_ms=1e3 * meters.cpu_s * share,
        p50_ms=p50,
        p99_ms=p99,
        max_ms=longest,
        seconds=seconds,
        deliveries_per_s=count / seconds if count else math.nan,
    )


def _plain(value: float, digits: int) -> float | int | None:
    """A number as JSON has it: rounded, and null for what is none."""
    if not math.isfinite(value):
        return None
    return round(value, digits) if digits else int(value)
