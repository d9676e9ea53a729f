"""The engine tier: what the harness costs, how a block spreads, what strangers achieve."""

import random
import resource
import time
from dataclasses import dataclass

from chain.primitives.hashing import ZERO_HASH, Hash
from p2p.peers.peer import PeerId
from p2p.wire.messages import Hello, Ping
from testnet.engines.heap import Heap
from testnet.engines.net import Net, Party, Way
from testnet.engines.population import calm
from testnet.engines.study import (
    Propagation,
    Setup,
    Siege,
    Trial,
    eclipse,
    measure_blocks,
    measure_siege,
    measure_transactions,
    sybil,
)
from testnet.latency import profile
from testnet.rig.behaviour import Item
from testnet.weather import Weather

NODES = 5_000
BESIEGED = 1_000
INBOUND_MAX = 32  # few, so that strangers can fill them
KNOWN = 64
STRANGERS = 200
GROUPS = 16  # networks that they dial from
STAY_S = 20.0
UNTIL_S = 62.0
RESTART_S = 35.0
ROUNDS = 100_000


class Player:
    """A party that sends back what it gets: only the harness does any work."""

    def __init__(self, name: str) -> None:
        self.name = self.address = name
        self.id = PeerId(name.encode().ljust(32, b"."))
        self.city = "Moscow"
        self.up = True
        self.ways: dict[PeerId, Way] = {}
        self.chance = random.Random(name)
        self.net: Net

    def hello(self) -> Hello:
        return Hello(1, 1, "net", ZERO_HASH, (), b"", 0, Hash(ZERO_HASH), 0, ZERO_HASH, "player")

    def objection(self, other: Party, *, outbound: bool) -> bool:
        return False

    def opened(self, way: Way, hello: Hello, *, outbound: bool) -> None:
        if outbound:
            self.net.send(way, Ping(1))

    def closed(self, peer: PeerId) -> None:
        pass

    def receive(self, peer: PeerId, item: Item) -> None:
        if self.net.delivered < ROUNDS:
            self.net.send(self.ways[peer], item)

    def dial_failed(self, address: str) -> None:
        raise AssertionError(address)

    def dialled_known(self, address: str, peer: PeerId) -> None:
        raise AssertionError(address)

    def dialled_self(self, address: str) -> None:
        raise AssertionError(address)


def measure_harness() -> float:
    """Microseconds a delivered message, with jitter, when nobody does anything with it."""
    heap = Heap()
    net = Net(heap, profile("brics"), Weather(calm, {}, 1), metered=False)
    for name in ("a", "b"):
        player = Player(name)
        player.net = net
        net.join(player)
    net.dial(net.parties["a"], "b")
    start = time.perf_counter()
    heap.run(float(ROUNDS))
    assert net.delivered == ROUNDS
    return 1e6 * (time.perf_counter() - start) / ROUNDS


@dataclass(frozen=True, slots=True)
class Spreading:
    """A propagation, and the most memory the process has used so far."""

    spread: Propagation
    memory_mb: float


def measure_block(nodes: int = NODES) -> Spreading:
    """One empty block over many nodes on the city matrix, each dialling eight."""
    return Spreading(measure_blocks(Setup(nodes)), _memory_mb())


def measure_gossip(nodes: int = BESIEGED, transactions: int = 50) -> Spreading:
    """Transactions alone."""
    return Spreading(measure_transactions(Setup(nodes), transactions), _memory_mb())


def measure_sieges(nodes: int = BESIEGED) -> list[tuple[str, Siege]]:
    """The same network calm, with a victim under siege, and with a crowd as large as itself."""
    setup = Setup(nodes, known=KNOWN, inbound_max=INBOUND_MAX)
    middle = nodes // 2
    victim = f"n{middle + 1}"
    attack = eclipse(setup, middle, STRANGERS, GROUPS)
    crowd = sybil(setup, nodes, STAY_S, GROUPS)
    return [
        ("victim, calm", measure_siege(setup, None, Trial(UNTIL_S, victim, RESTART_S))),
        ("victim, eclipse", measure_siege(setup, attack, Trial(UNTIL_S, victim))),
        (
            "victim, eclipse and restart",
            measure_siege(setup, attack, Trial(UNTIL_S, victim, RESTART_S)),
        ),
        ("everybody, calm", measure_siege(setup, None, Trial(UNTIL_S))),
        ("everybody, sybil", measure_siege(setup, crowd, Trial(UNTIL_S))),
    ]


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
