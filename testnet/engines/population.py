"""A network of hosts, ready to start: keys, records and cities, who dials whom."""

import random
from dataclasses import dataclass

from chain.consensus.engine import Author
from chain.genesis import Genesis
from chain.transactions.document import Purpose
from p2p.peers.peer import PeerId
from p2p.wire.records import sign_record
from testnet.engines.heap import Heap
from testnet.engines.host import Card, Ground, Host, Witness
from testnet.engines.net import Net
from testnet.engines.shared import shared
from testnet.founding import author, node_key
from testnet.latency import profile
from testnet.scenario.streams import stream
from testnet.spec import LaunchSpec
from testnet.weather import Weather

EPOCH_MS = 1_800_000_000_000
"""Every run starts at the same wall time: it is a function of its seed alone."""

SCHEME = "engine"
PORT = 4001
GROUPS = 256
"""Network groups (the address book's /16s) that the hosts are spread over: all of 10.0.0.0/8."""


@dataclass(frozen=True, slots=True)
class Wires:
    """Who dials whom, and how many connections there may be."""

    dials: dict[str, tuple[str, ...]]  # by name
    explore: bool  # whether others are found beyond those
    outbound_target: int
    inbound_max: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a network is made from. `spec` gives the keys, and may know of fewer nodes."""

    spec: LaunchSpec
    genesis: Genesis
    epoch_ms: int  # wall time at the start
    seed: int
    cities: dict[str, str]  # by name, in the order of the hosts
    latency: str
    wires: Wires
    uplinks_bps: dict[str, int]


@dataclass(frozen=True, slots=True)
class Network:
    """Hosts by name, the lines between them, and time."""

    heap: Heap
    net: Net
    ground: Ground
    hosts: dict[str, Host]


def calm(src: str, dst: str) -> tuple[float, float]:
    """The weather's own conditions: none, for the net knows cities by itself."""
    return 0.0, 0.0


def populate(plan: Plan, witness: Witness) -> Network:
    """The hosts of a plan. Raises Unfit for a latency profile or city that is not known."""
    heap = Heap()
    weather = Weather(calm, plan.uplinks_bps, plan.seed)
    metered = any(plan.uplinks_bps.values())
    net = Net(heap, profile(plan.latency), weather, metered=metered)
    ground = Ground(net, shared(plan.genesis), plan.seed, plan.epoch_ms, witness)
    places = {name: place for place, name in enumerate(plan.cities)}
    hosts = {name: Host(_card(plan, name, places), ground) for name in plan.cities}
    return Network(heap, net, ground, hosts)


def address_of(place: int) -> str:
    """Where the host of that number listens: its own /16, as long as there are any left."""
    return f"{SCHEME}://10.{place % GROUPS}.{place // GROUPS}.1:{PORT}"


def ring_and_random(names: tuple[str, ...], degree: int, seed: int) -> dict[str, tuple[str, ...]]:
    """Each node dials the next of a random ring, so that all hang together, and random others."""
    rng = stream(seed, "wires")
    ring = rng.sample(names, len(names))
    chosen: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(ring):
        following = ring[(place + 1) % len(ring)]
        others = [following, *_drawn(ring, degree, rng)]
        distinct = [other for other in dict.fromkeys(others) if other != name]
        chosen[name] = tuple(distinct[:degree])
    return {name: chosen[name] for name in names}


def _drawn(names: list[str], degree: int, rng: random.Random) -> list[str]:
    return rng.sample(names, min(len(names), degree + 2))


def _card(plan: Plan, name: str, places: dict[str, int]) -> Card:
    key, address = node_key(plan.spec, name), address_of(places[name])
    record = sign_record(key, plan.genesis.hash, (address,), plan.epoch_ms)
    wires = plan.wires
    return Card(
        name=name,
        id=PeerId(key.public),
        address=address,
        city=plan.cities[name],
        record=record.raw,
        author=_author(plan.spec, name),
        bootstrap=tuple(address_of(places[other]) for other in wires.dials[name]),
        outbound_target=wires.outbound_target if wires.explore else len(wires.dials[name]),
        explore=wires.explore,
        inbound_max=wires.inbound_max,
    )


def _author(spec: LaunchSpec, name: str) -> Author | None:
    if name not in spec.author_names:
        return None
    organisation = author(spec, name)
    return Author(organisation.document().id, organisation.key(Purpose.SEAL))
