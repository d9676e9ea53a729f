"""A host: one router with its ledger, and what it asks for carried out on the net.

The same work as p2p.node does for a router, without tasks: signatures are checked at once, ticks
are events of the heap.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from chain.consensus.engine import Author
from chain.ledger import LedgerEvent
from chain.primitives.errors import Malformed
from p2p.peers.addressbook import AddressBook
from p2p.peers.buckets import SECRET_BYTES
from p2p.peers.contact import group_of
from p2p.peers.peer import PeerId
from p2p.protocol.discovery import Connected, DiscoverySettings
from p2p.protocol.effects import (
    Answer,
    CheckSignatures,
    Count,
    Dial,
    Disconnect,
    Effect,
    Notify,
    Penalize,
    Send,
    SubmitResult,
)
from p2p.protocol.instant import Now
from p2p.protocol.router import Router, RouterParts
from p2p.wire.codec import decode_frame
from p2p.wire.messages import Hello, Message
from testnet.engines.greeting import hello_of
from testnet.engines.lodging import who_leaves
from testnet.engines.net import SILENCE_S, Net, Party, Way
from testnet.engines.shared import Shared, SharedLedger
from testnet.engines.versions import Version, VersionStore
from testnet.nodefile import FEELER_S
from testnet.rig.behaviour import Item
from testnet.scenario.streams import stream

TICK_MIN_S = 0.001
"""Between two ticks of a router that has more to do at once: about what a step of import takes."""


class Witness(Protocol):
    """Who is told what happens in hosts."""

    def told(self, host: "Host", event: LedgerEvent) -> None:
        """The ledger has changed."""
        ...

    def penalized(self, host: "Host", penalty: Penalize) -> None:
        """A peer has misbehaved."""
        ...


class Seat(Protocol):
    """A fault inside a host, which sees its messages pass."""

    def begin(self) -> None:
        """The host lives, or lives again."""
        ...

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """What is sent in place of `items`."""
        ...

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """What is read in place of `items`."""
        ...


@dataclass(frozen=True, slots=True)
class Card:
    """What a host is: who, where, and how it finds others."""

    name: str
    id: PeerId
    address: str
    city: str
    record: bytes
    author: Author | None
    bootstrap: tuple[str, ...]
    outbound_target: int
    explore: bool
    inbound_max: int


@dataclass(frozen=True, slots=True)
class Ground:
    """Where all hosts stand: the net, what they share, chance, and the wall time at the start."""

    net: Net
    common: Shared
    seed: int
    epoch_ms: int
    witness: Witness


class Host:
    """One node of the engine tier. Implements testnet.engines.net.Party."""

    __slots__ = (
        "_answer",
        "_dropped",
        "_frozen",
        "_heap",
        "_inbox",
        "_lives",
        "_secret",
        "_tick_s",
        "_tickets",
        "address",
        "book",
        "card",
        "chance",
        "city",
        "ground",
        "id",
        "inbound",
        "ledger",
        "messages_out",
        "name",
        "router",
        "seats",
        "store",
        "up",
        "ways",
    )

    def __init__(self, card: Card, ground: Ground) -> None:
        self.card = card
        self.ground = ground
        self.name, self.id, self.address, self.city = card.name, card.id, card.address, card.city
        self.chance = stream(ground.seed, "jitter", card.name)
        self.store = VersionStore(ground.common.founded)
        self._secret = stream(ground.seed, "secret", card.name).randbytes(SECRET_BYTES)
        self.book = AddressBook(card.id, self._secret)
        self.ways: dict[PeerId, Way] = {}
        self.inbound: dict[PeerId, float] = {}  # since when
        self.seats: dict[str, Seat] = {}
        self.messages_out = 0
        self.up = False
        self._heap = ground.net.heap
        self._frozen: dict[str, None] = {}
        self._inbox: deque[Callable[[], None]] = deque()
        self._lives = 0
        self._tickets = 0
        self._answer: tuple[SubmitResult, ...] = ()
        self._live(())

    # Life

    def _live(self, anchors: tuple[PeerId, ...]) -> None:
        """A router on what the store holds."""
        self._lives += 1
        card, ground = self.card, self.ground
        self.ledger: SharedLedger = ground.common.ledger(self.store)
        settings = DiscoverySettings(
            card.bootstrap,
            card.outbound_target,
            ground.common.contact,
            card.explore,
            FEELER_S,
            anchors,
        )
        rng = stream(ground.seed, "node", f"{card.name}/{self._lives}")
        self.router = Router(RouterParts(self.ledger, card.author, self.book, settings, rng))

    def start(self) -> None:
        """Serve: others can dial, the router gets its first tick."""
        self.up = True
        self._tick_s = math.inf
        self.ground.net.join(self)
        self._schedule()

    def kill(self) -> None:
        """The process ends at once."""
        self.up = False
        self._tick_s = math.inf
        self._inbox.clear()
        self.inbound.clear()
        self.ground.net.leave(self)

    def restart(self, version: Version | None = None) -> None:
        """Start again on the store as it is, or as it was at a version."""
        if version is not None:
            self.store = VersionStore(version)
        kept, anchors = self.book.export(), self.router.anchors(self.now())
        self.book = AddressBook(self.id, self._secret)
        self.book.restore(kept, self._heap.now_s)
        self._live(anchors)
        self.start()
        for seat in self.seats.values():
            seat.begin()

    def freeze(self, act: str) -> None:
        """No processor: nothing is read, no deadline is met."""
        self._frozen[act] = None
        self._heap.at(self._heap.now_s + SILENCE_S, partial(self._given_up, act))

    def _given_up(self, act: str) -> None:
        """The peers of a host that has been frozen for long let it go."""
        if act in self._frozen:
            for way in list(self.ways.values()):
                self.ground.net.drop(way.back)

    def thaw(self, act: str) -> None:
        """Go on, unless another act freezes the host."""
        self._frozen.pop(act, None)
        if self._frozen or not self.up:
            return
        waiting, self._inbox = self._inbox, deque()
        for event in waiting:
            event()
        for way in list(self.ways.values()):
            if not way.back.open:
                self.ground.net.drop(way)
        self._tick_s = math.inf
        self._schedule()

    @property
    def frozen(self) -> bool:
        """Whether the host gets no processor."""
        return bool(self._frozen)

    def now(self) -> Now:
        """Both clocks."""
        now_s = self._heap.now_s
        return Now(now_s, self.ground.epoch_ms + int(now_s * 1_000))

    # As a party

    def hello(self) -> Hello:
        """See Party."""
        head = self.ledger.head
        return hello_of(self.ledger.genesis, self.card.record, head.height, head.id)

    def objection(self, other: Party, *, outbound: bool) -> bool:
        """See Party."""
        if self.frozen or self.router.ban_s(other.id, self.now()):
            return True
        if outbound or len(self.inbound) < self.card.inbound_max:
            return False
        inbound = {peer: (self.ways[peer], since_s) for peer, since_s in self.inbound.items()}
        leaves = who_leaves(inbound, self.router.uses, group_of(other.address), self._secret)
        if leaves is not None:
            self.ground.net.close(self.ways[leaves])
        return leaves is None

    def opened(self, way: Way, hello: Hello, *, outbound: bool) -> None:
        """See Party."""
        peer = way.dst.id
        if not outbound:
            self.inbound[peer] = self._heap.now_s
        new = Connected(peer, way.dst.address, outbound, hello)
        self._perform(self.router.connected(new, self.now()))

    def closed(self, peer: PeerId) -> None:
        """See Party."""
        if self._frozen:
            self._inbox.append(partial(self.closed, peer))
            return
        self.inbound.pop(peer, None)
        self._perform(self.router.disconnected(peer, self.now()))

    def receive(self, peer: PeerId, item: Item) -> None:
        """See Party."""
        if self._frozen:
            self._inbox.append(partial(self.receive, peer, item))
            return
        items = [item]
        for seat in list(self.seats.values()):
            items = seat.incoming(peer, items)
        for each in items:
            if isinstance(each, bytes):
                self._decode(peer, each)
            else:
                self.read(peer, each)

    def read(self, peer: PeerId, message: Message) -> None:
        """Let the router have a message, past all seats."""
        if peer in self.ways:
            self._perform(self.router.receive(peer, message, self.now()))

    def _decode(self, peer: PeerId, frame: bytes) -> None:
        """Bytes of a behaviour; what does not decode ends the line, as it would a connection."""
        try:
            messages = decode_frame(frame)
        except Malformed:
            way = self.ways.get(peer)
            if way is not None:
                self.ground.net.close(way)
            return
        for message in messages:
            self.read(peer, message)

    def dial_failed(self, address: str) -> None:
        """See Party."""
        self._perform(self.router.dial_failed(address, self.now()))

    def dialled_known(self, address: str, peer: PeerId) -> None:
        """See Party."""
        self._perform(self.router.dialled_known(address, peer, self.now()))

    def dialled_self(self, address: str) -> None:
        """See Party."""
        self._perform(self.router.dialled_self(address, self.now()))

    # A local client

    def submit(self, raws: Sequence[bytes]) -> tuple[SubmitResult, ...]:
        """Transactions of a client; the verdicts, which are known at once here."""
        self._tickets += 1
        self._answer = ()
        self._perform(self.router.submit(self._tickets, list(raws), self.now()))
        return self._answer

    # What the router asks for

    def post(self, peer: PeerId, item: Item) -> None:
        """Send past all seats; lost when the peer has left."""
        way = self.ways.get(peer)
        if way is not None:
            self.messages_out += 1
            self.ground.net.send(way, item)

    def _send(self, peer: PeerId, message: Message) -> None:
        items: list[Item] = [message]
        for seat in list(self.seats.values()):
            items = seat.outgoing(peer, items)
        for item in items:
            self.post(peer, item)

    def _perform(self, effects: list[Effect]) -> None:
        if effects:
            self._carry_out(effects)
        self._schedule()

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(peer, message):
                    if self.seats:
                        self._send(peer, message)
                    else:
                        self.post(peer, message)
                case Count():
                    pass
                case Notify(event):
                    self.ground.witness.told(self, event)
                case CheckSignatures(job, checks):
                    verdicts = self.ground.common.verdicts(checks)
                    self._carry_out(self.router.signatures_checked(job, verdicts, self.now()))
                case Dial(address):
                    self.ground.net.dial(self, address)
                case Disconnect(peer):
                    way = self.ways.get(peer)
                    if way is not None:
                        self.ground.net.close(way)
                case Penalize():
                    self.ground.witness.penalized(self, effect)
                case Answer(_, results):
                    self._answer = results

    def _schedule(self) -> None:
        """See that the router ticks by its deadline."""
        deadline_s = self.router.deadline_s()
        if deadline_s is not None and deadline_s < self._tick_s and self.up:
            self._tick_s = max(deadline_s, self._heap.now_s)
            self._heap.at(self._tick_s, partial(self._tick, self._tick_s))

    def _tick(self, at_s: float) -> None:
        if at_s != self._tick_s or self._frozen or not self.up:
            return  # another tick has taken its place, or there is nobody
        self._tick_s = math.inf
        deadline_s = self.router.deadline_s()
        if deadline_s is not None and deadline_s <= self._heap.now_s:
            soonest_s = self._heap.now_s + TICK_MIN_S
            self._tick_s = -math.inf  # what is sent to itself in between schedules nothing
            self._carry_out(self.router.tick(self.now()))
            self._tick_s = math.inf
            deadline_s = self.router.deadline_s()
            if deadline_s is not None:
                self._tick_s = max(deadline_s, soonest_s)
                self._heap.at(self._tick_s, partial(self._tick, self._tick_s))
        else:
            self._schedule()
