"""A party that writes down what a net does to it, and nets in which nothing takes long."""

import random
from dataclasses import dataclass, field

from chain.primitives.hashing import ZERO_HASH, Hash
from p2p.peers.peer import PeerId
from p2p.wire.messages import Hello
from testnet.engines.heap import Heap
from testnet.engines.net import Net, Party, Way
from testnet.engines.population import calm
from testnet.faults.kinds import Kind
from testnet.latency import profile
from testnet.rig.behaviour import Item
from testnet.stage import Act
from testnet.weather import Weather, WeatherKind

TRIP_S = 0.02


@dataclass(eq=False)
class Player:
    """Implements testnet.engines.net.Party."""

    name: str
    city: str = ""
    up: bool = True
    busy: bool = False  # turns away whoever dials
    ways: dict[PeerId, Way] = field(default_factory=dict)
    told: list[tuple[float, str]] = field(default_factory=list)
    heap: Heap = field(default_factory=Heap)

    def __post_init__(self) -> None:
        self.address = f"engine://{self.name}"
        self.id = PeerId(self.name.encode().ljust(32, b"."))
        self.chance = random.Random(self.name)

    def tell(self, what: str) -> None:
        self.told.append((round(self.heap.now_s, 6), what))

    @property
    def heard(self) -> list[str]:
        return [what for _, what in self.told]

    def hello(self) -> Hello:
        return Hello(1, 1, "net", ZERO_HASH, (), b"", 0, Hash(ZERO_HASH), 0, ZERO_HASH, self.name)

    def objection(self, other: Party, *, outbound: bool) -> bool:
        return self.busy and not outbound

    def opened(self, way: Way, hello: Hello, *, outbound: bool) -> None:
        self.tell(f"{'reached' if outbound else 'reached by'} {hello.agent}")

    def closed(self, peer: PeerId) -> None:
        self.tell(f"lost {_name(peer)}")

    def receive(self, peer: PeerId, item: Item) -> None:
        assert isinstance(item, bytes)
        self.tell(f"{_name(peer)}: {item.decode()}")

    def dial_failed(self, address: str) -> None:
        self.tell(f"failed {address}")

    def dialled_known(self, address: str, peer: PeerId) -> None:
        self.tell(f"known {_name(peer)}")

    def dialled_self(self, address: str) -> None:
        self.tell("itself")


def _name(peer: PeerId) -> str:
    return peer.rstrip(b".").decode()


@dataclass(frozen=True, slots=True)
class Field:
    """Players on one net."""

    heap: Heap
    net: Net
    players: dict[str, Player]

    def dial(self, src: str, dst: str) -> None:
        self.net.dial(self.players[src], self.players[dst].address)
        self.heap.run(self.heap.now_s + 1.0)

    def send(self, src: str, dst: str, text: str) -> None:
        self.net.send(self.players[src].ways[self.players[dst].id], text.encode())

    def begin(self, kind: WeatherKind, on: tuple[str, ...], to: tuple[str, ...]) -> None:
        act = Act("f", _kind(kind), on, to, seed=5)
        self.net.begin(act, kind, tuple(self.players))


def _kind(kind: WeatherKind) -> Kind:
    return kind


def field_of(
    *names: str,
    latency: str = f"{round(TRIP_S * 1_000)}ms",
    uplinks_bps: dict[str, int] | None = None,
) -> Field:
    """A net with these players; nobody has dialled anybody."""
    heap = Heap()
    weather = Weather(calm, uplinks_bps or {}, 1)
    net = Net(heap, profile(latency), weather, metered=bool(uplinks_bps))
    players = {name: Player(name, heap=heap) for name in names}
    for player in players.values():
        party: Party = player
        net.join(party)
    return Field(heap, net, players)
