"""Studies without a scenario: how a block spreads, and what strangers do to a network.

They drive a network of hosts directly and measure; `python -m tests.bench engines` prints them.
"""

import gc
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from chain.ledger import BlockConnected, LedgerEvent, TransactionAdded
from chain.primitives.hashing import Hash
from p2p.peers.contact import group_of
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
from testnet.offering import EXPIRY_SLOTS, Clients
from testnet.scenario.casting import BRICS
from testnet.scenario.model import AtTime, Load
from testnet.scenario.streams import stream
from testnet.spec import NODES_MAX, LaunchSpec

LEAD_S = 5.0
"""Slot 1 begins so long after the start: every node has its connections by then."""

BLOCK_MS = 10_000
"""Between two blocks: long enough for one to reach everybody before the next is made."""

MARGIN_S = 0.5
"""What is measured begins and ends so long before a block is due."""

AUTHORITIES = 4
CITY = "Frankfurt"
"""Where strangers are: near most of the others, as attackers choose to be."""


@dataclass(slots=True)
class Spread:
    """When what is spread reached each host, in seconds: blocks, or else transactions.

    Implements testnet.engines.host.Witness.
    """

    transactions: bool = False
    arrivals: dict[Hash, dict[str, float]] = field(default_factory=dict)

    def told(self, host: Host, event: LedgerEvent) -> None:
        """See Witness."""
        match event:
            case BlockConnected(block_id) if not self.transactions:
                self.arrivals.setdefault(block_id, {})[host.name] = host.now().s
            case TransactionAdded(txid) if self.transactions:
                self.arrivals.setdefault(txid, {})[host.name] = host.now().s
            case _:
                pass

    def penalized(self, host: Host, penalty: Penalize) -> None:
        """See Witness."""

    def delays_s(self, names: Sequence[str], since_s: float = 0.0) -> list[float]:
        """From a block's making to each of these hosts, all blocks together; inf: never."""
        return [
            reached.get(name, math.inf) - min(reached.values())
            for reached in self.arrivals.values()
            if min(reached.values()) >= since_s
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
    ordered = sorted(delays_s) or [math.inf]
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


def spec_of(setup: Setup) -> LaunchSpec:
    """What keys and genesis of a study follow from."""
    return LaunchSpec(
        name="study",
        nodes=min(setup.nodes, NODES_MAX),
        authorities=AUTHORITIES,
        block_ms=BLOCK_MS,
    )


def network(setup: Setup, spread: Spread) -> Network:
    """The network, started."""
    spec = spec_of(setup)
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
        for other in others:
            contact = made.ground.common.contact(other.card.record)
            host.book.add(contact, group_of(contact.addresses[0]), 0.0)


@dataclass(frozen=True, slots=True)
class Propagation:
    """How blocks or transactions spread, and what finding out cost."""

    reached: int  # hosts, summed over what was spread
    links: int
    delays: Percentiles
    linking_s: float  # wall time until all are connected, founding included
    spreading_s: float  # wall time afterwards
    messages: int

    @property
    def us_per_message(self) -> float:
        """Wall time by delivered message, in microseconds: engines, ledgers and harness."""
        return 1e6 * self.spreading_s / max(1, self.messages)


def measure_blocks(setup: Setup, blocks: int = 1) -> Propagation:
    """Let empty blocks spread over a network that has just connected itself."""
    spread = Spread()
    began_s = time.perf_counter()
    made = network(setup, spread)
    made.heap.run(LEAD_S - MARGIN_S)
    return _spread(made, spread, LEAD_S + blocks * BLOCK_MS / 1_000 - MARGIN_S, began_s)


def measure_transactions(setup: Setup, count: int) -> Propagation:
    """Let transactions spread before any block is made; each begins at another host."""
    spread = Spread(transactions=True)
    began_s = time.perf_counter()
    made = network(setup, spread)
    made.heap.run(LEAD_S / 2)
    raws = transfers(setup, made.ground.common.genesis.hash, count)
    hosts = stream(setup.seed, "origins").choices(list(made.hosts.values()), k=count)
    for host, raw in zip(hosts, raws, strict=True):
        accepted = host.submit([raw])
        assert accepted[0].accepted, accepted[0].reason
    return _spread(made, spread, LEAD_S - MARGIN_S, began_s)


def transfers(setup: Setup, chain: Hash, count: int) -> list[bytes]:
    """Payments between funded accounts, each account's first."""
    clients = Clients(spec_of(setup), 0, count, chain)
    load = Load(AtTime(0), 0, 1.0)
    return [clients.sign(client, load, EXPIRY_SLOTS).raw for client in range(count)]


def _spread(made: Network, spread: Spread, until_s: float, began_s: float) -> Propagation:
    gc.freeze()
    linked_s, before = time.perf_counter(), made.net.delivered
    made.heap.run(until_s)
    spreading_s = time.perf_counter() - linked_s
    gc.unfreeze()
    delays_s = spread.delays_s(tuple(made.hosts))
    return Propagation(
        reached=sum(delay_s < math.inf for delay_s in delays_s),
        links=sum(len(host.ways) for host in made.hosts.values()) // 2,
        delays=percentiles(delays_s),
        linking_s=linked_s - began_s,
        spreading_s=spreading_s,
        messages=made.net.delivered - before,
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """What is watched: a victim or, where none is named, everybody; `restart_s` 0: never.

    A victim that is restarted dials anew, from an address book that strangers have filled. So many
    `transactions` are given to hosts meanwhile: by them nodes choose who pushes to them.
    """

    until_s: float
    victim: str = ""
    restart_s: float = 0.0
    transactions: int = 0


@dataclass(frozen=True, slots=True)
class Siege:
    """A network with strangers, or without: who the neighbours are, and how blocks fare."""

    strangers_known: float  # share of the watched hosts' address books
    strangers_inbound: float  # share of their inbound connections
    strangers_outbound: float  # share of those they have dialled
    strangers_eager: float  # share of the peers that they have chosen to push to them
    captured: int  # how many have chosen none but strangers
    wanting: int  # how many have fewer outbound connections than they want
    delays: Percentiles  # of blocks to them that arrived
    missed: float  # share of blocks that did not


def measure_siege(setup: Setup, orders: Orders | None, trial: Trial) -> Siege:
    """Run a network, attacked from LEAD_S on."""
    spread = Spread()
    made = network(setup, spread)
    made.heap.run(LEAD_S)
    crowd = None if orders is None else Crowd(made.ground, orders)
    if crowd is not None:
        crowd.begin()
    _submit_over_time(made, setup, trial)
    if trial.restart_s:
        made.heap.run(trial.restart_s)
        made.hosts[trial.victim].kill()
        made.hosts[trial.victim].restart()
    made.heap.run(trial.until_s)
    watched = [made.hosts[trial.victim]] if trial.victim else list(made.hosts.values())
    known = [kept.contact.peer for host in watched for kept in host.book.export()]
    inbound = [peer for host in watched for peer in host.inbound]
    outbound = [peer for host in watched for peer in host.ways if peer not in host.inbound]
    eager = [host.router.eager for host in watched]
    delays_s = spread.delays_s([host.name for host in watched], trial.restart_s)
    arrived = [delay_s for delay_s in delays_s if delay_s < math.inf]
    hosts = dict.fromkeys(host.id for host in made.hosts.values())
    return Siege(
        strangers_known=_strange(known, hosts),
        strangers_inbound=_strange(inbound, hosts),
        strangers_outbound=_strange(outbound, hosts),
        strangers_eager=_strange([peer for peers in eager for peer in peers], hosts),
        captured=sum(_strange(peers, hosts) == 1 for peers in eager),
        wanting=sum(len(host.ways) - len(host.inbound) < setup.dials for host in watched),
        delays=percentiles(arrived),
        missed=1 - len(arrived) / max(1, len(delays_s)),
    )


def _submit_over_time(made: Network, setup: Setup, trial: Trial) -> None:
    """Let hosts take transactions, evenly over the trial; one that is down then takes none."""
    rng = stream(setup.seed, "origins")
    raws = transfers(setup, made.ground.common.genesis.hash, trial.transactions)
    for number, raw in enumerate(raws):
        at_s = LEAD_S + (trial.until_s - LEAD_S) * number / len(raws)
        host = rng.choice(list(made.hosts.values()))
        made.heap.at(at_s, partial(_take, host, raw))


def _take(host: Host, raw: bytes) -> None:
    if host.up:
        host.submit([raw])


def eclipse(setup: Setup, victim: int, identities: int, groups: int) -> Orders:
    """Everybody of a crowd dials one victim, given by its number from 0."""
    targets = (address_of(victim),)
    return Orders("eclipse", setup.seed, CITY, identities, targets, 1, 0.0, groups)


def sybil(setup: Setup, identities: int, stay_s: float, groups: int) -> Orders:
    """A crowd that dials everybody, and whose members come and go."""
    targets = tuple(address_of(place) for place in range(setup.nodes))
    return Orders("sybil", setup.seed, CITY, identities, targets, DIALS, stay_s, groups)


def _strange(peers: Sequence[PeerId], hosts: dict[PeerId, None]) -> float:
    return sum(peer not in hosts for peer in peers) / max(1, len(peers))
