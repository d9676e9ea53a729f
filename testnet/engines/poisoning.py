"""One victim's address book under poisoning, a restart, and who its outbound peers are afterwards.

The victim's discovery, book and eviction rule are the node's own; everybody else only answers: the
honest while they are up and not full, attackers always. Nothing else of a node is there, so a run
of three quarters of an hour costs a fifth of a second, and a thousand seeds are affordable.

What the attackers may do here:
- They are `supply` times as many as the honest, in `attacker_groups` networks, and every answer to
  get-peers, also those of the honest, holds them in that ratio; their own hold nobody else.
- They come in by themselves and fill inbound slots, and they are always there to be dialled.
- They bring blocks first as often as all others together, so usefulness does not tell them apart.
- They choose when the victim is restarted.
"""

import math
from dataclasses import dataclass
from functools import partial

from chain.primitives.hashing import ZERO_HASH
from p2p.peers.addressbook import SAMPLE_MAX, AddressBook
from p2p.peers.buckets import SECRET_BYTES
from p2p.peers.contact import Contact
from p2p.peers.peer import PeerId
from p2p.peers.score import ScoreBoard
from p2p.peers.usefulness import Use, Usefulness
from p2p.protocol.discovery import Acquaintances, Connected, Discovery, DiscoverySettings
from p2p.protocol.effects import Dial, Disconnect, Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.messages import PROTOCOL_VERSION, GetPeers, Hello, Peers
from testnet.engines.heap import Heap
from testnet.scenario.streams import stream

SELF = PeerId(bytes(32))
OUTBOUND = 8
DIAL_S = 0.2
ANSWER_S = 0.1
BLOCK_S = 10.0
KNOCK_S = 30.0
"""Between two attackers that come in by themselves."""

INBOUND = 32
"""Attackers connected inbound at a time: each of them may tell of others."""

UNWILLING_SHARE = 0.4
"""Of dials to the honest: to those that are down, or have no inbound slot left."""

PORT = 4_000


@dataclass(frozen=True, slots=True)
class Poisoning:
    """A study: who there is, for how long, and what the victim keeps over its restart."""

    honest: int = 64
    supply: int = 20  # attackers to one honest peer
    attacker_groups: int = 64
    peace_s: float = 600.0
    attack_s: float = 1_800.0
    settle_s: float = 300.0  # after the restart
    anchors: bool = True
    book: bool = True  # without it the victim comes back with its bootstrap address alone


@dataclass(frozen=True, slots=True)
class Captivity:
    """The victim at the end: outbound peers, and how many of them are honest."""

    outbound: int
    honest: int
    groups: int  # network groups of the outbound peers
    known_attackers: float  # share of the book
    tried_attackers: float  # share of its tried contacts


class World:
    """Everybody but the victim: contacts by record, address and identity."""

    def __init__(self, poisoning: Poisoning) -> None:
        self.by_record: dict[bytes, Contact] = {}
        self.by_address: dict[str, Contact] = {}
        count, groups = poisoning.honest, poisoning.attacker_groups
        self.honest = [self._made(n + 1, f"10.{n % 256}.{n // 256}.1") for n in range(count)]
        self.attackers = [
            self._made(count + n + 1, f"{172 + n % groups // 256}.{n % groups % 256}.0.{n % 251}")
            for n in range(count * poisoning.supply)
        ]
        self.good = {contact.peer: None for contact in self.honest}

    def _made(self, number: int, host: str) -> Contact:
        raw = b"%d" % number
        address = f"ws://{host}:{PORT + number}"
        contact = Contact(PeerId(number.to_bytes(32, "big")), (address,), 1, raw)
        self.by_record[raw] = self.by_address[address] = contact
        return contact

    def share_of_attackers(self, contacts: list[Contact]) -> float:
        """How many of these are attackers, of 1."""
        bad = sum(contact.peer not in self.good for contact in contacts)
        return bad / max(1, len(contacts))


class Study:
    """One run."""

    def __init__(self, poisoning: Poisoning, seed: int) -> None:
        self._poisoning = poisoning
        self._heap = Heap()
        self._rng = stream(seed, "poisoning")
        self._world = World(poisoning)
        self._secret = self._rng.randbytes(SECRET_BYTES)
        self._attacked = False
        self._begin(AddressBook(SELF, self._secret), ())
        self._knock()
        self._block()

    def _begin(self, book: AddressBook, anchors: tuple[PeerId, ...]) -> None:
        settings = DiscoverySettings(
            bootstrap=self._world.honest[0].addresses,
            outbound_target=OUTBOUND,
            parse=self._world.by_record.__getitem__,
            anchors=anchors,
        )
        self._book = book
        self._links: dict[PeerId, Connected] = {}
        self._uses = Usefulness()
        known = Acquaintances(book, ScoreBoard(), self._uses)
        self._discovery = Discovery(settings, known, self._rng)
        self._tick_s = math.inf
        self._perform([])

    def run(self) -> Captivity:
        """Peace, attack, restart; then look."""
        poisoning = self._poisoning
        self._heap.run(poisoning.peace_s)
        self._attacked = True
        restart_s = poisoning.peace_s + poisoning.attack_s
        self._heap.run(restart_s)
        self._restart()
        self._heap.run(restart_s + poisoning.settle_s)
        kept = self._book.export()
        outbound = [link for link in self._links.values() if link.outbound]
        return Captivity(
            outbound=len(outbound),
            honest=sum(link.peer in self._world.good for link in outbound),
            groups=len({link.group for link in outbound}),
            known_attackers=self._world.share_of_attackers([k.contact for k in kept]),
            tried_attackers=self._world.share_of_attackers([k.contact for k in kept if k.tried]),
        )

    def _restart(self) -> None:
        anchors = self._discovery.anchors(self._now()) if self._poisoning.anchors else ()
        book = AddressBook(SELF, self._secret)
        if self._poisoning.book:
            book.restore(self._book.export(), self._heap.now_s)
        self._begin(book, anchors)

    def _now(self) -> Now:
        return Now(self._heap.now_s, round(self._heap.now_s * 1_000))

    # What the victim asks for

    def _perform(self, effects: list[Effect]) -> None:
        heap, life = self._heap, self._discovery
        for effect in effects:
            match effect:
                case Dial(address):
                    heap.at(heap.now_s + DIAL_S, partial(self._dialled, life, address))
                case Send(peer, GetPeers(request)):
                    heap.at(heap.now_s + ANSWER_S, partial(self._answer, life, peer, request))
                case Disconnect(peer):
                    self._end(peer)
                case _:
                    pass
        due_s = self._discovery.deadline_s()
        if due_s is not None and due_s < self._tick_s:
            self._tick_s = max(due_s, heap.now_s)
            heap.at(self._tick_s, partial(self._tick, life, self._tick_s))

    def _tick(self, life: Discovery, at_s: float) -> None:
        if life is self._discovery and at_s == self._tick_s:
            self._tick_s = math.inf
            self._perform(life.tick(self._now()))

    def _dialled(self, life: Discovery, address: str) -> None:
        if life is not self._discovery:
            return
        contact = self._world.by_address[address]
        gone = contact.peer in self._world.good and self._rng.random() < UNWILLING_SHARE
        if contact.peer in self._links:
            self._perform(life.dialled_known(address, contact.peer, self._now()))
        elif gone:
            self._perform(life.dial_failed(address, self._now()))
        else:
            self._open(contact, outbound=True)

    def _answer(self, life: Discovery, peer: PeerId, request: int) -> None:
        if life is not self._discovery or peer not in self._links:
            return
        world, rng = self._world, self._rng
        named = world.honest
        if peer not in world.good:
            named = world.attackers
        elif self._attacked:
            named = world.honest + world.attackers
        records = tuple(c.record for c in rng.sample(named, min(SAMPLE_MAX, len(named))))
        self._perform(life.receive(peer, Peers(request, records), self._now()))

    # What others do

    def _open(self, contact: Contact, *, outbound: bool) -> None:
        link = Connected(contact.peer, contact.addresses[0], outbound, _hello(contact.record))
        self._links[contact.peer] = link
        self._uses.connected(contact.peer)
        self._perform(self._discovery.connected(link, self._now()))

    def _end(self, peer: PeerId) -> None:
        if self._links.pop(peer, None) is not None:
            self._uses.disconnected(peer)
            self._perform(self._discovery.disconnected(peer, self._now()))

    def _knock(self) -> None:
        """An attacker comes in, and another leaves."""
        self._heap.at(self._heap.now_s + KNOCK_S, self._knock)
        if not (self._attacked and self._world.attackers):
            return
        new = self._rng.choice(self._world.attackers)
        if new.peer in self._links:
            return
        inbound = [link.peer for link in self._links.values() if not link.outbound]
        if len(inbound) >= INBOUND:
            self._end(inbound[0])
        self._open(new, outbound=False)

    def _block(self) -> None:
        """Somebody brings a block first: every other time an attacker, if one is there."""
        self._heap.at(self._heap.now_s + BLOCK_S, self._block)
        bad = [peer for peer in self._links if peer not in self._world.good]
        good = [peer for peer in self._links if peer in self._world.good]
        either = [side for side in (bad, good) if side]
        if either:
            first = self._rng.choice(self._rng.choice(either))
            self._uses.credit(first, Use.BLOCK, self._heap.now_s)


def captivity(poisoning: Poisoning, seed: int) -> Captivity:
    """Who holds the victim in the end."""
    return Study(poisoning, seed).run()


def _hello(record: bytes) -> Hello:
    return Hello(
        version_min=PROTOCOL_VERSION,
        version_max=PROTOCOL_VERSION,
        network="study",
        genesis=ZERO_HASH,
        capabilities=(),
        record=record,
        height=0,
        head=ZERO_HASH,
        finalized_height=0,
        finalized=ZERO_HASH,
        agent="study",
    )
