"""Studies without a scenario: how a block spreads, and what strangers do to a network.

They drive a network of hosts directly and measure; `python -m tests.bench engines` prints them.
"""

import gc
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chain.ledger import BlockConnected, LedgerEvent
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Penalize
from testnet.engines.host import Host
from testnet.engines.population import (
    EPOCH_MS,
    Network,
    Plan,
    Wires,
    address_of,
    populate,
    ring_and_random,
)
from testnet.engines.strangers import DIALS, Crowd, Orders
from testnet.founding import make_genesis
from testnet.latency import profile
from testnet.scenario.casting import BRICS
from testnet.scenario.streams import stream
from testnet.spec import NODES_MAX, LaunchSpec

LEAD_S = 5.0
"""Slot 1 begins so long after the start: every node has its connections by then."""

BLOCK_MS = 10_000
"""Between two blocks: long enough for one to reach everybody before the next is made."""

AUTHORITIES = 4


@dataclass(slots=True)
class Spread:
    """When each block reached each host, in seconds. Implements testnet.engines.host.Witness."""

    arrivals: dict[Hash, dict[str, float]] = field(default_factory=dict)

    def told(self, host: Host, event: LedgerEvent) -> None:
        """See Witness."""
        if isinstance(event, BlockConnected):
            self.arrivals.setdefault(event.block_id, {})[host.name] = host.now().s

    def penalized(self, host: Host, penalty: Penalize) -> None:
        """See Witness."""

    def delays_s(self, names: Sequence[str]) -> list[float]:
        """From a block's making to each of these hosts, all blocks together; inf: never."""
        return [
            reached.get(name, math.inf) - min(reached.values())
            for reached in self.arrivals.values()
            for name in names
        ]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of delays in milliseconds; inf where so many never arrived."""

    p50: float
    p90: float
    p99: float
    max: float


def percentiles(delays_s: Sequence[float]) -> Percentiles:
    """The delay within which so many of a hundred arrive."""
    ordered = sorted(delays_s)
    last = len(ordered) - 1

    def at(share: float) -> float:
        return ordered[min(last, math.ceil(share * len(ordered)) - 1)] * 1_000

    return Percentiles(at(0.5), at(0.9), at(0.99), at(1.0))


@dataclass(frozen=True, slots=True)
class Setup:
    """A network to be studied."""

    nodes: int
    dials: int = DIALS
    known: int = 0  # contacts each node begins with and discovers more from; 0: wired at random
    inbound_max: int = 125
    seed: int = 1
    latency: str = BRICS


def network(setup: Setup, spread: Spread) -> Network:
    """The network, started."""
    spec = LaunchSpec(
        name="study",
        nodes=min(setup.nodes, NODES_MAX),
        authorities=AUTHORITIES,
        block_ms=BLOCK_MS,
    )
    genesis = make_genesis(spec, EPOCH_MS)
    first_ms = EPOCH_MS + round(LEAD_S * 1_000)
    genesis = replace(genesis, genesis_time_ms=first_ms - genesis.slot_ms)
    names = tuple(f"n{number}" for number in range(1, setup.nodes + 1))
    dials = dict.fromkeys(names, names[:1])
    if not setup.known:
        dials = ring_and_random(names, setup.dials, setup.seed)
    plan = Plan(
        spec=spec,
        genesis=genesis,
        epoch_ms=EPOCH_MS,
        seed=setup.seed,
        cities=profile(setup.latency).place(names),
        latency=setup.latency,
        wires=Wires(dials, bool(setup.known), setup.dials, setup.inbound_max),
        uplinks_bps={},
    )
    made = populate(plan, spread)
    acquaint(made, setup)
    for host in made.hosts.values():
        host.start()
    return made


def acquaint(made: Network, setup: Setup) -> None:
    """Give every node the addresses that an earlier life would have left it with."""
    hosts = list(made.hosts.values())
    rng = stream(setup.seed, "acquaintances")
    for host in hosts if setup.known else ():
        others = rng.sample(hosts, min(len(hosts), setup.known))
        host.book.restore(made.ground.common.contact(other.card.record) for other in others)


@dataclass(frozen=True, slots=True)
class Propagation:
    """How one block spread, and what finding out cost."""

    reached: int
    links: int
    delays: Percentiles
    linking_s: float  # wall time until all are connected, founding included
    spreading_s: float  # wall time of the block's way
    messages: int
    us_per_message: float


def measure_propagation(setup: Setup, blocks: int = 1) -> Propagation:
    """Let blocks spread over a network that has just connected itself."""
    spread = Spread()
    began_s = time.perf_counter()
    made = network(setup, spread)
    gc.freeze()
    made.heap.run(LEAD_S - 0.5)
    linked_s = time.perf_counter()
    before = made.net.delivered
    made.heap.run(LEAD_S + blocks * BLOCK_MS / 1_000 - 0.5)
    spreading_s = time.perf_counter() - linked_s
    gc.unfreeze()
    messages = made.net.delivered - before
    delays_s = spread.delays_s(tuple(made.hosts))
    return Propagation(
        reached=sum(delay_s < math.inf for delay_s in delays_s),
        links=sum(len(host.ways) for host in made.hosts.values()) // 2,
        delays=percentiles(delays_s),
        linking_s=linked_s - began_s,
        spreading_s=spreading_s,
        messages=messages,
        us_per_message=1e6 * spreading_s / max(1, messages),
    )


@dataclass(frozen=True, slots=True)
class Siege:
    """A network with strangers, or without: who the neighbours are, and how blocks fare."""

    strangers_inbound: float  # share of the inbound connections of those attacked
    strangers_outbound: float  # share of the outbound ones
    refused: int  # honest hosts that have fewer outbound connections than they want
    delays: Percentiles  # of blocks, to those attacked
    late: float  # share of blocks that did not reach them


def measure_siege(setup: Setup, orders: Orders | None, until_s: float, victim: str) -> Siege:
    """Run a network, attacked from LEAD_S on; look at the victim, or without one at everybody."""
    spread = Spread()
    made = network(setup, spread)
    made.heap.run(LEAD_S)
    crowd = None if orders is None else Crowd(made.ground, orders)
    if crowd is not None:
        crowd.begin()
    made.heap.run(until_s)
    watched = [made.hosts[victim]] if victim else list(made.hosts.values())
    strangers = dict.fromkeys(() if crowd is None else crowd.present)
    inbound = [peer for host in watched for peer in host.inbound]
    outbound = [peer for host in watched for peer in host.ways if peer not in host.inbound]
    delays_s = spread.delays_s([host.name for host in watched])
    arrived = [delay_s for delay_s in delays_s if delay_s < math.inf]
    return Siege(
        strangers_inbound=_share(inbound, strangers),
        strangers_outbound=_share(outbound, strangers),
        refused=sum(len(host.ways) - len(host.inbound) < setup.dials for host in watched),
        delays=percentiles(delays_s),
        late=1 - len(arrived) / max(1, len(delays_s)),
    )


def eclipse(setup: Setup, victim: int, identities: int, groups: int) -> Orders:
    """Everybody of a crowd dials one victim, given by its number from 0."""
    return Orders(
        "eclipse", setup.seed, "Frankfurt", identities, (address_of(victim),), 1, 0.0, groups
    )


def sybil(setup: Setup, identities: int, stay_s: float, groups: int) -> Orders:
    """A crowd that dials everybody, and whose members come and go."""
    targets = tuple(address_of(place) for place in range(setup.nodes))
    return Orders("sybil", setup.seed, "Frankfurt", identities, targets, DIALS, stay_s, groups)


def _share(peers: Sequence[PeerId], strangers: dict[PeerId, None]) -> float:
    return sum(peer in strangers for peer in peers) / max(1, len(peers))
