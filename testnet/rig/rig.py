"""The rig of one node: its tap, its bent clock, its disk's switches, and the behaviours in force.

It is the Tap that the node's connections are given and the Host that behaviours act through.
Whatever a behaviour sends by itself leaves the node in the place of a marked ping. *Why:* it then
waits in the peer's outbox like any message, and passes all behaviours untouched.
"""

import random
import time
from collections.abc import Callable, Mapping

import trio

from chain.consensus.engine import Author
from chain.ledger import Ledger
from chain.primitives.errors import Malformed
from chain.primitives.keys import KeyPair
from p2p.alarm import Alarm
from p2p.net.transport import Transport
from p2p.node import Node
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Goodbye, Hello, Lane, Message, Ping
from testnet.errors import Unfit
from testnet.faults.byzantine import ByzantineKind
from testnet.faults.disk import DiskErrors, DiskFull, ReadOnly, SlowDisk
from testnet.faults.gossip import GossipKind
from testnet.faults.people import SharedKey, WrongTimezone
from testnet.faults.process import ClockDrift, ClockStep, ClockStrobe, Crash
from testnet.rig.behaviour import Behaviour, Item, Job
from testnet.rig.behaviours import behaviour_of
from testnet.rig.clock import BentClock
from testnet.rig.crashpoint import CrashPoint, Die
from testnet.rig.switches import DiskSwitches
from testnet.scenario.streams import stream
from testnet.stage import Act, Undone

PARCELS_MAX = 20_000
"""Messages of behaviours that wait in outboxes; a flood beyond it is cut, not queued."""

NONCE_BITS = 63

RiggedKind = (
    GossipKind
    | ByzantineKind
    | SharedKey
    | Crash
    | ClockStep
    | ClockDrift
    | ClockStrobe
    | WrongTimezone
    | DiskFull
    | DiskErrors
    | ReadOnly
    | SlowDisk
)
"""What a rig carries out; link faults are the weather's, the rest is the stage's."""


class Acquaintance:
    """Names and addresses of the testnet's nodes, by node id."""

    def __init__(self, names: Mapping[PeerId, str], addresses: Mapping[str, str]) -> None:
        self.names = names
        self.addresses = addresses


class Rig:
    """Everything the laboratory has inside one node. `run` owns the behaviours' tasks."""

    def __init__(
        self,
        name: str,
        acquaintance: Acquaintance,
        clock: BentClock,
        die: Die,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.clock = clock
        self.disk = DiskSwitches(self._write_point, wait)
        self.acquaintance = acquaintance
        self._die = die
        self.frames_out = 0
        self.crash_point: CrashPoint | None = None
        self._node: Node | None = None
        self._author: Author | None = None
        self._transport: Transport | None = None
        self._seats: dict[str, Seat] = {}
        self._bends: dict[str, None] = {}
        self._parcels: dict[int, bytes] = {}
        self._nonces = stream(0, "parcels", name)
        self._nursery: trio.Nursery | None = None
        self._alarm = Alarm()

    def attach(self, node: Node, author: Author | None, transport: Transport) -> None:
        """The node has been built around this rig; what is in force begins in it anew."""
        self._node, self._author, self._transport = node, author, transport
        self._parcels.clear()

    async def run(self) -> None:
        """Serve the behaviours until cancelled, which ends their tasks but not their force."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                for seat in self._seats.values():
                    seat.begin()
                await self._keep_time()
        finally:
            self._nursery = None

    def begin(self, act: Act) -> None:
        """Put a fault in force within this node. Raises Unfit for one that is not a rig's."""
        match act.kind:
            case ClockStep() | ClockDrift() | ClockStrobe() | WrongTimezone() as kind:
                self.clock.bend(act.id, kind)
                self._bends[act.id] = None
            case DiskFull() | DiskErrors() | ReadOnly() | SlowDisk() as kind:
                self.disk.begin(act.id, kind, stream(act.seed, "disk", self.name))
            case Crash(point):
                self.crash_point = CrashPoint(act.id, point, self._die)
            case kind if isinstance(kind, GossipKind | ByzantineKind | SharedKey):
                seat = Seat(self, act, behaviour_of(kind, act.to))
                self._seats[act.id] = seat
                if self._nursery is not None:
                    seat.begin()
                self._look_again()
            case kind:
                raise Unfit("not-in-a-node", f"{kind.NAME} is not carried out within a node")

    def end(self, act_id: str) -> Undone:
        """Undo a fault; harmless when it has ended."""
        hits = 0
        if act_id in self._bends:
            del self._bends[act_id]
            self.clock.straighten(act_id)
            hits += 1
        hits += self.disk.end(act_id)
        if self.crash_point is not None and self.crash_point.act == act_id:
            hits += self.crash_point.hits
            self.crash_point = None
        seat = self._seats.pop(act_id, None)
        if seat is not None:
            seat.end()
            hits += seat.behaviour.hits
        return Undone(hits, clean=not self.in_force(act_id))

    def in_force(self, act_id: str) -> bool:
        """Whether anything of a fault is left in this node."""
        crash = self.crash_point is not None and self.crash_point.act == act_id
        switched = self.disk.in_force(act_id)
        return act_id in self._seats or act_id in self._bends or crash or switched

    def hits(self, act_id: str) -> int:
        """How often a fault has done anything here so far."""
        seat = self._seats.get(act_id)
        hits = 0 if seat is None else seat.behaviour.hits
        if self.crash_point is not None and self.crash_point.act == act_id:
            hits += self.crash_point.hits
        return hits + self.disk.hits(act_id) + (act_id in self._bends)

    # The tap

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        """See Tap."""
        self.frames_out += 1
        if self.crash_point is not None:
            self.crash_point.sent(frame)
        if not self._seats and not self._parcels:
            return frame
        items: list[Item] = []
        for message in decode_frame(frame):
            parcel = self._parcels.pop(message.nonce, None) if type(message) is Ping else None
            if parcel is not None:
                items.append(parcel)
            elif isinstance(message, Hello | Goodbye):
                items.append(message)
            else:
                items += self._outgoing_item(PeerId(peer), message)
        self._look_again()
        return joined(items)

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        """See Tap."""
        if self.crash_point is not None:
            self.crash_point.received(frame)
        if not self._seats:
            return frame
        try:
            items: list[Item] = list(decode_frame(frame))
        except Malformed:
            return frame  # for the node to refuse
        for seat in self._seats.values():
            items = seat.behaviour.incoming(PeerId(peer), items)
        self._look_again()
        return joined(items)

    def _outgoing_item(self, peer: PeerId, message: Message) -> list[Item]:
        items: list[Item] = [message]
        for seat in self._seats.values():
            items = seat.behaviour.outgoing(peer, items)
        return items

    def _write_point(self, point: str) -> None:
        if self.crash_point is not None:
            self.crash_point.reached(point)

    # For the seats

    def node(self) -> Node:
        """The node this rig is in."""
        assert self._node is not None, "a rig is attached before anything is asked of it"
        return self._node

    def author(self) -> Author | None:
        """Whom the node makes blocks for."""
        return self._author

    def transport(self) -> Transport:
        """What the node dials with."""
        assert self._transport is not None, "a rig is attached before anything is asked of it"
        return self._transport

    def nursery(self) -> trio.Nursery | None:
        """Where behaviours' tasks live; None while the node does not run."""
        return self._nursery

    def post(self, peer: PeerId, item: Item) -> None:
        """Send past all behaviours."""
        if self._node is None or len(self._parcels) >= PARCELS_MAX:
            return
        encoded, lane = (
            (item, Lane.REPLY) if isinstance(item, bytes) else (encode_message(item), item.LANE)
        )
        nonce = self._nonces.getrandbits(NONCE_BITS)
        self._parcels[nonce] = encoded
        self._node.put(peer, encode_message(Ping(nonce)), lane)

    async def _keep_time(self) -> None:
        while True:
            await self._alarm.sleep_until(self._deadline_s())
            await self.clock.running()
            now = self.clock.now()
            for seat in list(self._seats.values()):
                deadline_s = seat.behaviour.deadline_s()
                if deadline_s is not None and deadline_s <= now.s:
                    seat.behaviour.tick(now)

    def _look_again(self) -> None:
        self._alarm.advance(self._deadline_s())

    def _deadline_s(self) -> float | None:
        times = (seat.behaviour.deadline_s() for seat in self._seats.values())
        return min((time for time in times if time is not None), default=None)


class Seat:
    """The Host of one behaviour."""

    def __init__(self, rig: Rig, act: Act, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.rng: random.Random = stream(act.seed, "behaviour", rig.name)
        self._rig = rig
        self._scope = trio.CancelScope()

    @property
    def name(self) -> str:
        """See Host."""
        return self._rig.name

    @property
    def identity(self) -> KeyPair:
        """See Host."""
        return self._rig.node().identity

    @property
    def ledger(self) -> Ledger:
        """See Host."""
        return self._rig.node().ledger

    @property
    def author(self) -> Author | None:
        """See Host."""
        return self._rig.author()

    @property
    def transport(self) -> Transport:
        """See Host."""
        return self._rig.transport()

    def begin(self) -> None:
        """The node runs: the behaviour's first, or next, life begins."""
        self._scope = trio.CancelScope()
        self.behaviour.begin(self)

    def end(self) -> None:
        """The fault is over."""
        self._scope.cancel()
        self.behaviour.end()

    def now(self) -> Now:
        """See Host."""
        return self._rig.clock.now()

    def peers(self) -> list[PeerId]:
        """See Host."""
        return [peer.id for peer in self._rig.node().peers()]

    def name_of(self, peer: PeerId) -> str:
        """See Host."""
        return self._rig.acquaintance.names.get(peer, "")

    def address_of(self, name: str) -> str:
        """See Host."""
        return self._rig.acquaintance.addresses[name]

    def send(self, peer: PeerId, item: Item) -> None:
        """See Host."""
        self._rig.post(peer, item)

    def deliver(self, peer: PeerId, message: Message) -> None:
        """See Host."""
        if peer in self.peers():
            self._rig.node().received(peer, [message])

    def start(self, job: Job) -> None:
        """See Host."""
        nursery = self._rig.nursery()
        if nursery is not None:
            nursery.start_soon(self._within_scope, job)

    async def _within_scope(self, job: Job) -> None:
        with self._scope:
            await job()


def joined(items: list[Item]) -> bytes:
    """The frame of these items."""
    return b"".join(item if isinstance(item, bytes) else encode_message(item) for item in items)
