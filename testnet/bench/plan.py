"""What a gossip bench is to do, checked once: how many nodes, how wired, under which load."""

import random
import re
from dataclasses import dataclass
from enum import StrEnum

from p2p.protocol.gossip import EAGER_MAX
from testnet.bench.sizes import SIZE_MAX, SIZE_MIN
from testnet.errors import Unfit
from testnet.spec import BLOCK_MS_MIN, LOAD_SENDERS, within
from testnet.topology import Edge, ring

NODES_MAX = 128
"""In one process they share one interpreter; more would measure only its queue."""

FULL_NODES_MAX = 65
"""The last node dials all others, and a node's configuration holds 64 addresses."""

PROCESSES_MAX = 32
RATE_MAX = 5_000
BURST_MAX = 20_000
"""A lane of a mempool runs at most so far ahead of the chain."""

STEADY_MAX = 100_000
"""Messages of the steady phase, all signed before it begins: two full mempools, 100 MB."""

RINGS = 3
"""Random rings laid over each other: always connected, of degree six or a little less, and every
node dials as many as dial it."""

PUBLISHERS = 8
NODES_LIST = re.compile(r"\d{1,9}(,\d{1,9})*")


class Topology(StrEnum):
    """Who is linked with whom."""

    RANDOM = "random"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class GossipPlan:
    """One run. Sizes in bytes, rate in messages a second over all publishers, times in seconds.

    `eager` absent: the nodes' own default. With `block_ms` the first nodes make blocks, and the
    burst is followed into them.
    """

    nodes: int
    eager: int | None = None
    size: int = 250
    rate: float = 50.0
    burst: int = 1_000
    topology: Topology = Topology.RANDOM
    processes: int = 1
    from_one: bool = False
    block_ms: int = 0
    idle_s: float = 5.0
    unloaded: int = 100
    steady_s: float = 10.0
    seed: int = 1

    def __post_init__(self) -> None:
        most = FULL_NODES_MAX if self.topology is Topology.ALL else NODES_MAX
        within(self.nodes, 2, most, f"--nodes with --topology {self.topology}")
        within(self.processes, 1, min(PROCESSES_MAX, self.nodes), "--processes")
        within(self.size, SIZE_MIN, SIZE_MAX, "--size")
        within(self.burst, 1, BURST_MAX, "--burst")
        within(self.unloaded, 1, BURST_MAX, "--unloaded")
        if self.eager is not None:
            within(self.eager, 0, EAGER_MAX, "--eager")
        if not 0 < self.rate <= RATE_MAX:
            raise Unfit("rate", f"--rate: expected more than 0 and at most {RATE_MAX} a second")
        within(self.steady, 1, STEADY_MAX, "--rate times --steady")
        if self.block_ms:
            within(self.block_ms, BLOCK_MS_MIN, 60_000, "--block-time in milliseconds")

    @property
    def publishers(self) -> tuple[int, ...]:
        """The nodes that publish, spread over the graph."""
        if self.from_one:
            return (0,)
        count = min(PUBLISHERS, self.nodes)
        return tuple(place * self.nodes // count for place in range(count))

    @property
    def steady(self) -> int:
        """Messages of the steady phase."""
        return max(1, round(self.rate * self.steady_s))

    def dials(self) -> tuple[tuple[int, ...], ...]:
        """For each node the nodes it dials; no pair is linked twice."""
        chosen: list[list[int]] = [[] for _ in range(self.nodes)]
        seen: dict[Edge, None] = {}
        for dialler, dialled in self._edges():
            pair = (min(dialler, dialled), max(dialler, dialled))
            if dialler != dialled and pair not in seen:
                seen[pair] = None
                chosen[dialler].append(dialled)
        return tuple(tuple(others) for others in chosen)

    def _edges(self) -> list[Edge]:
        if self.topology is Topology.ALL:
            return [(late, early) for late in range(self.nodes) for early in range(late)]
        rng = random.Random(self.seed)
        orders = [rng.sample(range(self.nodes), self.nodes) for _ in range(RINGS)]
        return [edge for order in orders for edge in ring(order)]


SENDERS = LOAD_SENDERS
"""Accounts that the transactions are drawn from, in turn: nobody's sequence is a bottleneck."""


def parse_nodes(text: str) -> tuple[int, ...]:
    """'8,16,32' as numbers of nodes, one run each. Raises Unfit."""
    if not NODES_LIST.fullmatch(text):
        raise Unfit("nodes", f"--nodes {text!r}: expected a number, or several as 8,16,32,64")
    return tuple(int(part) for part in text.split(","))
