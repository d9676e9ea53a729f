"""What a network does to messages between nodes: its normal conditions, and the faults in force.

Pure: it says when a message will arrive, whether it vanishes or arrives damaged, and whether a line
is open; it sends nothing. Both tiers with links use it: one weather for a whole simulation, or a
copy in each process.

Rules:
- A message never overtakes another on the same link. *Why:* links are streams; only gossip faults,
  above the encryption, may reorder.
- A closed line holds what is on it until it opens. *Why:* that is what retransmission does to a
  stream. Vanishing (`half-open`) is the exception, and the end of the connection it hits.
- When a fault ends, what it has slowed arrives at once. *Why:* a peer that reads again empties its
  kernel's buffers; without this a narrow line stays narrow for as long as its backlog lasts.
- Every line draws from streams of its own, by (seed, fault, line). *Why:* see `streams`.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from testnet.faults.link import (
    Bandwidth,
    CorruptBytes,
    Delay,
    Flap,
    HalfOpen,
    LinkKind,
    Loss,
    SlowRead,
    SlowWrite,
    Stall,
)
from testnet.faults.partition import Bridge, Halves, MajorityRing, Partition, PartitionKind
from testnet.reach import Reach, reach_of
from testnet.scenario.streams import stream
from testnet.stage import Act

BITS = 8
LOSSES_IN_A_ROW_MAX = 6
"""Retransmissions double their wait; after six the wait is 64 times the first."""

Conditions = Callable[[str, str], tuple[float, float]]
"""(one-way latency, scale of jitter) in seconds from one node to another."""

WeatherKind = LinkKind | PartitionKind


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one message: when it arrives (inf: never), and whether it is damaged."""

    at_s: float
    corrupt: bool = False


@dataclass(slots=True)
class _Force:
    """A fault in force."""

    act: Act
    since_s: float
    reach: Reach
    hits: int = 0
    rngs: dict[tuple[str, str], random.Random] = field(default_factory=dict)
    free_at_s: dict[str, float] = field(default_factory=dict)
    flaps: dict[tuple[str, str], "_Flapping"] = field(default_factory=dict)

    def rng(self, src: str, dst: str) -> random.Random:
        """The stream of one line."""
        found = self.rngs.get((src, dst))
        if found is None:
            found = self.rngs[src, dst] = stream(self.act.seed, "line", f"{src}>{dst}")
        return found


class _Flapping:
    """One link's own ups and downs, drawn as time passes."""

    def __init__(self, kind: Flap, rng: random.Random, now_s: float) -> None:
        self._kind = kind
        self._rng = rng
        self._up = True
        self._until_s = now_s + self._span()

    def up(self, now_s: float) -> bool:
        """Whether the link is there."""
        while self._until_s <= now_s:
            self._up = not self._up
            self._until_s += self._span()
        return self._up

    def next_change_s(self) -> float:
        """When that changes."""
        return self._until_s

    def _span(self) -> float:
        mean_ms = self._kind.up_ms if self._up else self._kind.down_ms
        return self._rng.uniform(0.5, 1.5) * mean_ms / 1_000


class Weather:
    """The conditions between all nodes."""

    def __init__(self, base: Conditions, uplink_bps: dict[str, int], seed: int) -> None:
        self._base = base
        self._uplink_bps = uplink_bps
        self._seed = seed
        self._forces: dict[str, _Force] = {}
        self._last_s: dict[tuple[str, str, int], float] = {}
        self._uplink_free_s: dict[str, float] = {}
        self._jitters: dict[tuple[str, str], random.Random] = {}

    def begin(self, act: Act, kind: WeatherKind, names: tuple[str, ...], now_s: float) -> None:
        """Put a fault in force; `names` are all nodes."""
        self._forces[act.id] = _Force(act, now_s, reach_of(kind, act, names))

    def end(self, act_id: str) -> int:
        """Undo a fault; how often it did anything. Harmless when it is not in force."""
        force = self._forces.pop(act_id, None)
        return 0 if force is None else force.hits

    def reach(self, act_id: str) -> Reach | None:
        """The lines of a fault in force; None when it is not one of links."""
        force = self._forces.get(act_id)
        return None if force is None else force.reach

    def relieved_s(self, src: str, dst: str, link: int, now_s: float) -> float:
        """By when all that is on its way on a link arrives now that a fault of it has ended.

        What is sent later may follow then. Without an end (inf) while another fault touches it.
        """
        if any(force.reach.touches(src, dst) for force in self._forces.values()):
            return math.inf
        by_s = now_s + self._base(src, dst)[0]
        line = src, dst, link
        if line in self._last_s:
            self._last_s[line] = min(self._last_s[line], by_s)
        return by_s

    def in_force(self, act_id: str) -> bool:
        """Whether a fault is."""
        return act_id in self._forces

    def hits(self, act_id: str) -> int:
        """How often a fault in force has done anything."""
        return self._forces[act_id].hits

    def open(self, src: str, dst: str, now_s: float) -> bool:
        """Whether messages that are due may arrive now."""
        for force in self._forces.values():
            if self._closed(force, src, dst, now_s):
                force.hits += 1
                return False
        return True

    def dialable(self, src: str, dst: str, now_s: float) -> bool:
        """Whether `src` can open a link to `dst`: both ways are open, and dialling is allowed."""
        for force in self._forces.values():
            if force.reach.undialable(src, dst):
                force.hits += 1
                return False
        return self.open(src, dst, now_s) and self.open(dst, src, now_s)

    def next_change_s(self, now_s: float) -> float:
        """When a line that is closed now may open by itself (flapping); inf without such."""
        soonest = math.inf
        for force in self._forces.values():
            for flapping in force.flaps.values():
                flapping.up(now_s)
                soonest = min(soonest, flapping.next_change_s())
        return soonest

    def fate(self, src: str, dst: str, link: int, size: int, now_s: float) -> Fate:
        """What becomes of a message of `size` bytes that `src` writes on a link to `dst`."""
        latency_s, jitter_s = self._base(src, dst)
        at_s = self._uplink(src, size, now_s) + latency_s
        if jitter_s:
            at_s += abs(self._jitter(src, dst).gauss(0.0, jitter_s))
        corrupt = False
        for force in self._forces.values():
            if not force.reach.touches(src, dst):
                continue
            match force.act.kind:
                case HalfOpen():
                    force.hits += 1
                    return Fate(math.inf)
                case CorruptBytes(probability):
                    if force.rng(src, dst).random() < probability:
                        force.hits += 1
                        corrupt = True
                case _:
                    at_s = self._slowed(force, src, dst, size, at_s)
        last_s = self._last_s.get((src, dst, link), 0.0)
        at_s = self._last_s[src, dst, link] = max(at_s, last_s)
        return Fate(at_s, corrupt)

    def forget(self, src: str, dst: str, link: int) -> None:
        """A link has ended; its order is of no more interest."""
        self._last_s.pop((src, dst, link), None)

    def tears(self, act_id: str, src: str, dst: str) -> bool:
        """Whether a link between these two is one that this reset tears down; counts it."""
        force = self._forces.get(act_id)
        if force is None or not force.reach.touches(src, dst):
            return False
        force.hits += 1
        return True

    def _uplink(self, src: str, size: int, now_s: float) -> float:
        """When the last byte has left the node."""
        bps = self._uplink_bps.get(src, 0)
        if not bps:
            return now_s
        free_s = max(now_s, self._uplink_free_s.get(src, 0.0)) + size * BITS / bps
        self._uplink_free_s[src] = free_s
        return free_s

    def _jitter(self, src: str, dst: str) -> random.Random:
        found = self._jitters.get((src, dst))
        if found is None:
            found = self._jitters[src, dst] = stream(self._seed, "jitter", f"{src}>{dst}")
        return found

    def _closed(self, force: _Force, src: str, dst: str, now_s: float) -> bool:
        if not force.reach.touches(src, dst):
            return False
        match force.act.kind:
            case Partition() | Halves() | Bridge() | MajorityRing():
                return force.reach.cuts(src, dst)
            case Stall():
                return True
            case Flap() as kind:
                pair = (min(src, dst), max(src, dst))
                flapping = force.flaps.get(pair)
                if flapping is None:
                    flapping = _Flapping(kind, force.rng(*pair), force.since_s)
                    force.flaps[pair] = flapping
                return not flapping.up(now_s)
            case _:
                return False

    def _slowed(self, force: _Force, src: str, dst: str, size: int, at_s: float) -> float:
        """When the message arrives with this fault as well."""
        match force.act.kind:
            case Delay() as kind:
                force.hits += 1
                return at_s + delay_s(kind, force.rng(src, dst))
            case Loss(probability, wait_ms):
                rng = force.rng(src, dst)
                losses = 0
                while losses < LOSSES_IN_A_ROW_MAX and rng.random() < probability:
                    losses += 1
                force.hits += losses
                return at_s + float(2**losses - 1) * wait_ms / 1_000
            case Bandwidth(rate_bps):
                return self._queued(force, f"{src}>{dst}", size, rate_bps, at_s)
            case SlowWrite(rate_bps) if src in force.act.on:
                return self._queued(force, src, size, rate_bps, at_s)
            case SlowRead(rate_bps) if dst in force.act.on:
                return self._queued(force, dst, size, rate_bps, at_s)
            case _:
                return at_s

    def _queued(self, force: _Force, queue: str, size: int, bps: int, at_s: float) -> float:
        force.hits += 1
        free_s = max(at_s, force.free_at_s.get(queue, 0.0)) + size * BITS / bps
        force.free_at_s[queue] = free_s
        return free_s


def delay_s(kind: Delay, rng: random.Random) -> float:
    """One draw of a delay, in seconds."""
    match kind.shape:
        case "lognormal":
            random_ms = kind.jitter_ms * rng.lognormvariate(0.0, 1.0)
        case "pareto":
            random_ms = kind.jitter_ms * (rng.paretovariate(1.5) - 1.0)
        case _:
            random_ms = rng.uniform(0.0, kind.jitter_ms)
    return (kind.by_ms + random_ms) / 1_000
