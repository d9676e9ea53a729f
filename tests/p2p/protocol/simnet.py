"""A small network of routers on a plain heap: no trio, no sockets, one seed, one story."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.cbor import decode as cbor_decode
from chain.primitives.hashing import Hash
from chain.primitives.keys import SignatureCheck, verify_all
from chain.store import KeyValueStore, MemoryStore
from p2p.peers.addressbook import AddressBook
from p2p.peers.contact import Contact
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
from p2p.protocol.gossip import EAGER, GossipSettings
from p2p.protocol.instant import Now
from p2p.protocol.router import Router, RouterParts
from p2p.protocol.voting import open_voter
from p2p.wire.codec import decode_message, encode_message
from p2p.wire.messages import Hello, Message
from tests.p2p.founding import GENESIS_TIME_MS, Founding, Party

LATENCY_S = (0.002, 0.03)
CHECK_S = 0.001


def address(name: str) -> str:
    return f"mem://{name}"


@dataclass
class Host:
    """One node: its router, its links, what it said."""

    name: str
    id: PeerId
    router: Router
    ledger: Ledger
    store: KeyValueStore
    links: dict[PeerId, bool] = field(default_factory=dict)
    answers: dict[int, tuple[SubmitResult, ...]] = field(default_factory=dict)
    penalties: list[Penalize] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    checked: list[SignatureCheck] = field(default_factory=list)
    alive: bool = True
    skew_ms: int = 0


class SimNet:
    """Hosts, links with latency, and time. Partitioned hosts cannot reach each other."""

    def __init__(self, founding: Founding, seed: int = 1) -> None:
        self.founding = founding
        self.rng = random.Random(seed)
        self.hosts: dict[PeerId, Host] = {}
        self.now_s = 0.0
        self.groups: dict[PeerId, int] = {}
        self.loses: Callable[[Message], bool] = lambda message: False
        self._events: list[tuple[float, int, str, PeerId, PeerId, object]] = []
        self._order = count()
        self._tickets = count(1)
        self._last: dict[tuple[PeerId, PeerId], float] = {}

    def add(
        self,
        name: str,
        author: Party | None = None,
        bootstrap: tuple[str, ...] = (),
        store: KeyValueStore | None = None,
        eager: int = EAGER,
    ) -> Host:
        """A new host, or one that comes back with its old store."""
        peer = PeerId(name.encode().ljust(32, b"."))
        store = store or MemoryStore()
        ledger = Ledger(self.founding.genesis, store, engine_of(self.founding.genesis))
        settings = DiscoverySettings(tuple(map(address, bootstrap)), 8, self._parse)
        router = Router(
            RouterParts(
                ledger=ledger,
                author=None if author is None else author.author,
                book=AddressBook(peer, bytes(32)),
                discovery=settings,
                rng=random.Random(self.rng.random()),
                gossip=GossipSettings(eager),
                voter=None if author is None else open_voter(ledger, author.author),
            )
        )
        host = self.hosts[peer] = Host(name, peer, router, ledger, store)
        return host

    def kill(self, host: Host) -> None:
        """The host stops; its peers notice."""
        host.alive = False
        for other in list(host.links):
            self._unlink(host, self.hosts[other])

    def split(self, *groups: list[Host]) -> None:
        """Only hosts of one group reach each other; links between groups end."""
        self.groups = {host.id: index for index, hosts in enumerate(groups) for host in hosts}
        for host in list(self.hosts.values()):
            for other in list(host.links):
                if not self._reach(host.id, other):
                    self._unlink(host, self.hosts[other])

    def heal(self) -> None:
        """Everybody reaches everybody again."""
        self.groups = {}

    def submit(self, host: Host, raws: list[bytes]) -> int:
        """Transactions of a local client of the host; the ticket under which answers appear."""
        ticket = next(self._tickets)
        self._perform(host, host.router.submit(ticket, raws, self.now(host)))
        return ticket

    def deliver(self, sender: PeerId, host: Host, message: Message) -> list[Effect]:
        """A message from anywhere, now; for hostile peers. Returns what the router answered."""
        effects = host.router.receive(sender, message, self.now(host))
        self._perform(host, effects)
        return effects

    def now(self, host: Host | None = None) -> Now:
        """The time, by a host's own clock."""
        skew_ms = 0 if host is None else host.skew_ms
        return Now(self.now_s, GENESIS_TIME_MS + skew_ms + round(self.now_s * 1000))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now_s + seconds
        while True:
            ticks = [
                (max(deadline, self.now_s), host.id)
                for host in self.hosts.values()
                if host.alive and (deadline := host.router.deadline_s()) is not None
            ]
            next_tick = min(ticks, default=(end + 1, b""))
            next_event = self._events[0][0] if self._events else end + 1
            moment = min(next_tick[0], next_event)
            if moment > end:
                self.now_s = end
                return
            self.now_s = max(self.now_s, moment)
            if next_event <= next_tick[0]:
                self._happen(heapq.heappop(self._events))
            else:
                host = self.hosts[PeerId(next_tick[1])]
                self.now_s += 1e-6
                self._perform(host, host.router.tick(self.now(host)))

    def heads(self) -> set[Hash]:
        return {host.ledger.head.id for host in self.hosts.values() if host.alive}

    def _parse(self, raw: bytes) -> Contact:
        name = raw.decode()
        return Contact(PeerId(name.encode().ljust(32, b".")), (address(name),), 1, raw)

    def _hello(self, host: Host) -> Hello:
        return Hello(
            version_min=1,
            version_max=1,
            network="test",
            genesis=self.founding.genesis.hash,
            capabilities=(),
            record=host.name.encode(),
            height=host.ledger.head.height,
            head=host.ledger.head.id,
            finalized_height=0,
            finalized=self.founding.genesis.hash,
            agent="test",
        )

    def _reach(self, one: PeerId, other: PeerId) -> bool:
        return self.groups.get(one) == self.groups.get(other)

    def _later(self, delay: float, kind: str, to: PeerId, by: PeerId, what: object) -> None:
        at = self.now_s + delay
        if kind == "message":
            at = self._last[by, to] = max(at, self._last.get((by, to), 0.0))
        heapq.heappush(self._events, (at, next(self._order), kind, to, by, what))

    def _happen(self, event: tuple[float, int, str, PeerId, PeerId, object]) -> None:
        _, _, kind, to, by, what = event
        host = self.hosts[to]
        if not host.alive:
            return
        match kind, what:
            case "message", bytes() as raw if by in host.links:
                message = self._decoded(raw)
                self._perform(host, host.router.receive(by, message, self.now(host)))
            case "checked", CheckSignatures(job, checks):
                verdicts = verify_all(checks)
                self._perform(host, host.router.signatures_checked(job, verdicts, self.now(host)))
            case "dial", str(where):
                self._dial(host, where)

    def _decoded(self, raw: bytes) -> Message:
        return decode_message(cbor_decode(raw))

    def _dial(self, host: Host, where: str) -> None:
        other = self.hosts.get(PeerId(where.removeprefix("mem://").encode().ljust(32, b".")))
        if other is host:
            self._perform(host, host.router.dialled_self(where, self.now(host)))
        elif other is None or not other.alive or not self._reach(host.id, other.id):
            self._perform(host, host.router.dial_failed(where, self.now(host)))
        elif other.id in host.links:
            self._perform(host, host.router.dialled_known(where, other.id, self.now(host)))
        elif other.router.ban_s(host.id, self.now(other)):
            self._perform(host, host.router.dial_failed(where, self.now(host)))
        else:
            host.links[other.id], other.links[host.id] = True, False
            mine = Connected(other.id, where, True, self._hello(other))
            theirs = Connected(host.id, address(host.name), False, self._hello(host))
            self._perform(host, host.router.connected(mine, self.now(host)))
            self._perform(other, other.router.connected(theirs, self.now(other)))

    def _unlink(self, one: Host, other: Host) -> None:
        for host, peer in ((one, other.id), (other, one.id)):
            if host.links.pop(peer, None) is not None and host.alive:
                self._perform(host, host.router.disconnected(peer, self.now(host)))

    def _perform(self, host: Host, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(peer, message):
                    kind = type(message).__name__
                    host.sent[kind] = host.sent.get(kind, 0) + 1
                    if self.loses(message):
                        continue
                    delay = self.rng.uniform(*LATENCY_S)
                    self._later(delay, "message", peer, host.id, encode_message(message))
                case CheckSignatures():
                    host.checked.extend(effect.checks)
                    self._later(CHECK_S, "checked", host.id, host.id, effect)
                case Dial(where):
                    self._later(self.rng.uniform(*LATENCY_S), "dial", host.id, host.id, where)
                case Disconnect(peer):
                    if peer in self.hosts:
                        self._unlink(host, self.hosts[peer])
                    else:
                        self._perform(host, host.router.disconnected(peer, self.now(host)))
                case Answer(ticket, results):
                    host.answers[ticket] = results
                case Penalize():
                    host.penalties.append(effect)
                case Count(counter, reason, amount):
                    key = (counter, reason)
                    host.counts[key] = host.counts.get(key, 0) + amount
                case Notify():
                    pass
