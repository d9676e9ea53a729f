"""Identities that only pretend: the crowd of an eclipse, and that of a sybil attack.

A stranger shakes hands, claims the founding block, names its like when asked for peers, and is
silent about everything else. It costs next to nothing, which is the point of such attacks.
"""

import random
from dataclasses import dataclass
from functools import partial

from chain.primitives.keys import KeyPair
from p2p.peers.addressbook import SAMPLE_MAX
from p2p.peers.peer import PeerId
from p2p.wire.messages import GetPeers, Hello, Peers
from p2p.wire.records import sign_record
from testnet.engines.greeting import hello_of
from testnet.engines.host import Ground
from testnet.engines.net import Party, Way
from testnet.engines.population import PORT, SCHEME
from testnet.rig.behaviour import Item
from testnet.scenario.streams import stream

RETRY_S = 1.0
"""Between two attempts at a host that had no place, or has let the stranger go."""

FIRST_GROUP = 172
"""Strangers are in 172.0.0.0 and above, hosts in 10.0.0.0/8."""

BYTE = 256
DIALS = 8
"""Hosts that an identity of a sybil attack is connected to: as many as an honest node dials."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a crowd is to do. `stay_s` 0: identities stay. `groups`: networks they dial from."""

    fault: str
    seed: int
    city: str
    identities: int
    targets: tuple[str, ...]  # addresses
    dials: int  # targets of one identity at a time
    stay_s: float = 0.0
    groups: int = 1


class Stranger:
    """One identity. Implements testnet.engines.net.Party."""

    __slots__ = (
        "_crowd",
        "address",
        "chance",
        "city",
        "dialling",
        "id",
        "name",
        "record",
        "targets",
        "up",
        "waits",
        "ways",
    )

    def __init__(self, crowd: "Crowd", number: int, targets: tuple[str, ...]) -> None:
        orders = crowd.orders
        self._crowd = crowd
        self.chance: random.Random = stream(orders.seed, "stranger", str(number))
        pair = KeyPair.from_seed(self.chance.randbytes(32))
        self.name = f"{orders.fault}/{number}"
        self.id = PeerId(pair.public)
        self.city = orders.city
        self.address = _address(number, orders.groups)
        self.record = sign_record(pair, crowd.ground.common.genesis.hash, (self.address,), 1).raw
        self.ways: dict[PeerId, Way] = {}
        self.targets = targets
        self.dialling: dict[str, None] = {}
        self.waits = False
        self.up = True

    def hello(self) -> Hello:
        """See Party."""
        common = self._crowd.ground.common
        return hello_of(common.genesis, self.record, 0, common.founding_id)

    def objection(self, other: Party, *, outbound: bool) -> bool:
        """See Party."""
        return False

    def opened(self, way: Way, hello: Hello, *, outbound: bool) -> None:
        """See Party."""
        self.dialling.pop(way.dst.address, None)
        self._crowd.hits += 1

    def closed(self, peer: PeerId) -> None:
        """See Party."""
        self._crowd.again(self)

    def receive(self, peer: PeerId, item: Item) -> None:
        """See Party."""
        way = self.ways.get(peer)
        if way is not None and isinstance(item, GetPeers):
            records = self._crowd.records(self.chance)
            self._crowd.ground.net.send(way, Peers(item.request, records))

    def dial_failed(self, address: str) -> None:
        """See Party."""
        self.dialling.pop(address, None)
        self._crowd.again(self)

    def dialled_known(self, address: str, peer: PeerId) -> None:
        """See Party."""
        self.dialling.pop(address, None)

    def dialled_self(self, address: str) -> None:
        """See Party."""


class Crowd:
    """All strangers of one attack, under one command."""

    def __init__(self, ground: Ground, orders: Orders) -> None:
        self.ground = ground
        self.orders = orders
        self.hits = 0
        self._rng = stream(orders.seed, "crowd")
        self._made = 0
        self._present: dict[PeerId, Stranger] = {}

    def begin(self) -> None:
        """All identities join."""
        for _ in range(self.orders.identities):
            self._join()

    def end(self) -> None:
        """All leave for good."""
        present, self._present = self._present, {}
        for stranger in present.values():
            self._dismiss(stranger)

    @property
    def present(self) -> tuple[PeerId, ...]:
        """The identities there are now."""
        return tuple(self._present)

    def records(self, rng: random.Random) -> tuple[bytes, ...]:
        """Whom a stranger recommends."""
        known = [stranger.record for stranger in self._present.values()]
        return tuple(rng.sample(known, min(len(known), SAMPLE_MAX)))

    def again(self, stranger: Stranger) -> None:
        """Try the stranger's targets once more, a little later."""
        if stranger.up and not stranger.waits:
            stranger.waits = True
            pause_s = RETRY_S * self._rng.uniform(0.5, 1.5)
            self.ground.net.heap.at(
                self.ground.net.heap.now_s + pause_s, partial(self._dial, stranger)
            )

    def _join(self) -> None:
        orders, heap = self.orders, self.ground.net.heap
        self._made += 1
        targets = self._rng.sample(orders.targets, min(orders.dials, len(orders.targets)))
        stranger = Stranger(self, self._made, tuple(targets))
        self._present[stranger.id] = stranger
        self.ground.net.join(stranger)
        self._dial(stranger)
        if orders.stay_s:
            stay_s = orders.stay_s * self._rng.uniform(0.5, 1.5)
            heap.at(heap.now_s + stay_s, partial(self._leave, stranger))

    def _leave(self, stranger: Stranger) -> None:
        """One leaves, and comes back as another."""
        if self._present.pop(stranger.id, None) is not None:
            self._dismiss(stranger)
            self._join()

    def _dismiss(self, stranger: Stranger) -> None:
        stranger.up = False
        self.ground.net.leave(stranger)

    def _dial(self, stranger: Stranger) -> None:
        stranger.waits = False
        if not stranger.up:
            return
        held = [way.dst.address for way in stranger.ways.values()]
        for address in stranger.targets:
            if address not in held and address not in stranger.dialling:
                stranger.dialling[address] = None
                self.ground.net.dial(stranger, address)


def _address(number: int, groups: int) -> str:
    """Where a stranger listens: in one of so many network groups, none of which is a host's."""
    group = number % groups
    high, low = number // BYTE % BYTE, number % BYTE
    return f"{SCHEME}://{FIRST_GROUP + group // BYTE}.{group % BYTE}.{high}.{low}:{PORT}"
