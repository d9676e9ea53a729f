"""A host that writes down what a behaviour does to it."""

import random
from dataclasses import dataclass, field

from chain.consensus.engine import Author
from chain.ledger import Ledger
from chain.primitives.keys import KeyPair
from p2p.net.transport import Link, LinkClosed, Listener, Transport
from p2p.peers.contact import Reach
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.messages import Message
from testnet.rig.behaviour import Item, Job
from tests.chain.founding import AUTHORITIES, ledger

ANN, BOB, EVE = (PeerId(bytes([number]) * 32) for number in (1, 2, 3))


class NoTransport:
    """Nobody can be reached."""

    async def dial(self, address: str, reach: Reach = Reach.NOWHERE) -> Link:
        raise LinkClosed(f"{address}: there is no network in this test")

    async def listen(self, address: str) -> Listener:
        raise LinkClosed(f"{address}: there is no network in this test")


@dataclass
class FakeHost:
    """Implements Host. Ann and Bob are nodes of the testnet, Eve is a stranger."""

    name: str = "n0"
    identity: KeyPair = field(default_factory=lambda: KeyPair.from_seed(bytes(32)))
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    ledger: Ledger = field(default_factory=ledger)
    author: Author | None = field(default_factory=lambda: AUTHORITIES[0].author)
    transport: Transport = field(default_factory=NoTransport)
    s: float = 100.0
    unix_ms: int = 100_000
    connected: list[PeerId] = field(default_factory=lambda: [ANN, BOB, EVE])
    sent: list[tuple[PeerId, Item]] = field(default_factory=list)
    delivered: list[tuple[PeerId, Message]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def now(self) -> Now:
        return Now(self.s, self.unix_ms)

    def passes(self, seconds: float) -> Now:
        """Time goes on."""
        self.s += seconds
        self.unix_ms += round(seconds * 1_000)
        return self.now()

    def peers(self) -> list[PeerId]:
        return list(self.connected)

    def name_of(self, peer: PeerId) -> str:
        return {ANN: "n1", BOB: "n2"}.get(peer, "")

    def address_of(self, name: str) -> str:
        return f"mem://{name}:1"

    def send(self, peer: PeerId, item: Item) -> None:
        self.sent.append((peer, item))

    def deliver(self, peer: PeerId, message: Message) -> None:
        self.delivered.append((peer, message))

    def start(self, job: Job) -> None:
        self.jobs.append(job)
