"""Connections: accepting, dialling, admitting, reading; one task each, and none can hurt another.

Everything here waits; nothing here decides. Links of the transport become connections that have
exchanged hellos; `Sessions` says which of them stay; what they bring goes to the node.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import trio

from chain.ledger import Ledger
from chain.primitives.errors import Refusal
from chain.primitives.keys import KeyPair
from p2p.net.connection import Connection, Tap
from p2p.net.outbox import Waiting
from p2p.net.secure import secure
from p2p.net.transport import Link, LinkClosed, Listener, Transport
from p2p.observer import Observer
from p2p.peers.contact import Reach, group_of, reach_of
from p2p.peers.gate import Gate
from p2p.peers.peer import PeerId, short
from p2p.sessions import Admission, Newcomer, Session, Sessions
from p2p.wire.codec import encode_message
from p2p.wire.messages import PROTOCOL_VERSION, Hello, Lane, Message
from p2p.wire.records import parse_record, sign_record

AGENT = "cornerstone/0.1.0"
CAPABILITIES = ("transactions/1", "blocks/1")
HANDSHAKE_S = 5.0
DIAL_S = 5.0


class Reports(Protocol):
    """Whom peering tells: the node."""

    def opened(self, session: Session) -> None: ...

    def closed(self, session: Session, reason: str) -> None: ...

    def received(self, peer: PeerId, messages: list[Message]) -> None: ...

    def dial_failed(self, address: str) -> None: ...

    def dialled_known(self, address: str, peer: PeerId) -> None: ...

    def dialled_self(self, address: str) -> None: ...

    def ban_s(self, peer: PeerId) -> float: ...


@dataclass(frozen=True, slots=True)
class PeeringParts:
    """What connections are made of; the transport listens at `listen`, others dial `advertise`.

    That an address of `bootstrap` does not lead to a peer is the operator's to know.
    """

    identity: KeyPair
    ledger: Ledger
    transport: Transport
    rng: random.Random
    observer: Observer
    tap: Tap | None
    listen: str
    advertise: str
    bootstrap: tuple[str, ...]
    unix_ms: Callable[[], int]


class Peering:
    """All connections of a node. `run` owns their tasks."""

    def __init__(self, parts: PeeringParts, sessions: Sessions, reports: Reports) -> None:
        self._parts = parts
        self._sessions = sessions
        self._reports = reports
        self._nursery: trio.Nursery | None = None
        self._gate = Gate(0.0)
        self._waiting = Waiting()
        self._shaking: dict[int, trio.CancelScope] = {}
        self._failing: dict[str, str] = {}
        self._record = b""
        self._last: Message | None = None
        self._encoded = b""
        self.address = ""

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, and serve every connection until cancelled; raises LinkClosed if it cannot."""
        listener = await self._parts.transport.listen(self._parts.listen)
        self.address = self._parts.advertise or listener.address
        record = sign_record(
            self._parts.identity,
            self._parts.ledger.chain,
            self._dialled_at(),
            self._parts.unix_ms(),
            CAPABILITIES,
        )
        self._record = record.raw
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                task_status.started(listener.address)
                await self._accept(listener, nursery)
        finally:
            self._nursery = None
            with trio.CancelScope(shield=True):
                await listener.aclose()

    def _dialled_at(self) -> tuple[str, ...]:
        """The address for our record; none, which is said, where it would lead nobody here."""
        if reach_of(self.address) is not Reach.NOWHERE:
            return (self.address,)
        why = (
            f"nobody can dial {self.address}: others are dialled from here, until `advertise` says"
        )
        self._parts.observer.log("warning", "not-advertised", why=f"{why} where this node is")
        return ()

    def dial(self, address: str, reach: Reach) -> None:
        """Start an attempt to reach what is as far away as that; its outcome is reported."""
        assert self._nursery is not None, "nothing is dialled before the node listens"
        self._nursery.start_soon(self._dial, address, reach)

    def send(self, peer: PeerId, message: Message) -> None:
        """Queue a message for a peer; lost if it has just left, as everything else for it.

        One value sent to many peers in a row is encoded once.
        """
        if message is not self._last:
            self._last, self._encoded = message, encode_message(message)
        self.put(peer, self._encoded, message.LANE)

    def room(self, peer: PeerId) -> int:
        """Bytes of transactions that may be queued for a peer."""
        session = self._sessions.get(peer)
        return 0 if session is None else session.connection.room(Lane.TRANSACTION)

    def put(self, peer: PeerId, encoded: bytes, lane: Lane) -> None:
        """Queue a message that has been encoded; see `send`."""
        session = self._sessions.get(peer)
        dropped = 0 if session is None else session.connection.put(encoded, lane)
        if dropped:
            self._parts.observer.count("dropped", lane.name.lower(), dropped)

    def close(self, peer: PeerId, code: str, reason: str) -> None:
        """End a peer's session, telling it why."""
        session = self._sessions.get(peer)
        if session is not None:
            session.connection.close(code, reason)

    async def _accept(self, listener: Listener, nursery: trio.Nursery) -> None:
        while True:
            link = await listener.accept()
            entry = self._gate.enter(group_of(link.remote), trio.current_time())
            if isinstance(entry, str):
                self._parts.observer.count("refused", entry)
                nursery.start_soon(link.aclose)
                continue
            if entry.displaced is not None:
                self._parts.observer.count("refused", "handshake-displaced")
                self._shaking[entry.displaced].cancel()
            self._shaking[entry.ticket] = trio.CancelScope()
            nursery.start_soon(self._serve_inbound, link, entry.ticket)

    async def _serve_inbound(self, link: Link, ticket: int) -> None:
        connection = None
        try:
            with self._shaking[ticket]:
                connection = await self._handshake(link, link.remote, outbound=False)
        finally:
            del self._shaking[ticket]
            self._gate.leave(ticket)
        if connection is not None:
            await self._admit(connection, link.remote, outbound=False)

    async def _dial(self, address: str, reach: Reach) -> None:
        try:
            with trio.fail_after(DIAL_S):
                link = await self._parts.transport.dial(address, reach)
        except trio.TooSlowError:
            self._dial_failed(address, "slow-dial", f"no link within {DIAL_S:.0f} s")
        except LinkClosed as closed:
            self._dial_failed(address, "unreachable", closed.reason)
        else:
            connection = await self._handshake(link, address, outbound=True)
            if connection is not None:
                await self._admit(connection, address, outbound=True)

    async def _handshake(self, link: Link, address: str, *, outbound: bool) -> Connection | None:
        """A connection that has exchanged hellos; if there is none, that is reported."""
        connection = None
        code, reason = "slow-handshake", f"no handshake within {HANDSHAKE_S:.0f} s"
        try:
            with trio.move_on_after(HANDSHAKE_S):
                connection = await self._shake_hands(link, outbound=outbound)
        except LinkClosed as closed:
            code, reason = "link-closed", closed.reason
        except Refusal as refusal:
            code, reason = refusal.code, refusal.reason
        finally:
            if connection is None:
                with trio.CancelScope(shield=True):
                    await link.aclose()
        if connection is None and outbound:
            self._dial_failed(address, code, reason)
        elif connection is None:
            self._refused(address, code, reason)
        return connection

    async def _shake_hands(self, link: Link, *, outbound: bool) -> Connection:
        parts = self._parts
        secured = await secure(
            link, parts.identity, parts.ledger.chain, parts.rng, initiator=outbound
        )
        connection = Connection(secured, parts.rng, self._waiting, parts.tap)
        await connection.exchange(self._hello())
        return connection

    async def _admit(self, connection: Connection, address: str, *, outbound: bool) -> None:
        """Make the connection a session and serve it, or tell the peer why not."""
        peer = PeerId(connection.peer)
        new = Newcomer(peer, group_of(address), outbound)
        admission, advertised = self._judge(connection, new)
        if not admission.welcome:
            self._report_unwelcome(address, new, admission)
            connection.close(admission.code, admission.reason)
            await connection.run(_ignore)
            return
        self._make_way(admission)
        where = address if outbound else advertised
        session = Session(peer, connection, where, new.group, outbound, trio.current_time())
        if outbound:
            self._failing.pop(address, None)
        self._sessions.add(session)
        self._reports.opened(session)

        async def receive(messages: list[Message]) -> None:
            if self._sessions.get(peer) is session:
                self._reports.received(peer, messages)

        self._end(session, await connection.run(receive))

    def _judge(self, connection: Connection, new: Newcomer) -> tuple[Admission, str]:
        """Whether the connection may stay; and the address its peer gives as its own."""
        try:
            record = parse_record(connection.peer_hello.record, self._parts.ledger.chain)
        except Refusal as refusal:
            return Admission(refusal.code, refusal.reason), ""
        if record.peer != new.peer:
            whose = f"the record of {short(record.peer)}, not of {short(new.peer)}"
            return Admission("wrong-record", f"the hello carries {whose}"), ""
        ban_s = self._reports.ban_s(new.peer)
        if ban_s:
            return Admission("banned", f"banned for {ban_s:.0f} s more"), ""
        return self._sessions.judge(new), record.addresses[0] if record.addresses else ""

    def _make_way(self, admission: Admission) -> None:
        older = admission.replaces
        if older is None:
            return
        if admission.evicts:
            self._end(older, "evicted: an inbound slot was needed for another network group")
            older.connection.close("evicted", "all inbound slots are taken, try again later")
        else:
            self._end(older, "replaced by a newer connection")
            older.connection.close("duplicate", "a newer connection takes its place")

    def _end(self, session: Session, reason: str) -> None:
        if self._sessions.remove(session):
            self._parts.observer.count("disconnected", reason.partition(":")[0])
            self._reports.closed(session, reason)

    def _report_unwelcome(self, address: str, new: Newcomer, admission: Admission) -> None:
        if not new.outbound:
            self._refused(address, admission.code, admission.reason)
        elif admission.code == "self":
            self._reports.dialled_self(address)
        elif admission.code == "duplicate":
            self._reports.dialled_known(address, new.peer)
        else:
            self._dial_failed(address, admission.code, admission.reason)

    def _dial_failed(self, address: str, code: str, reason: str) -> None:
        self._parts.observer.count("dial-failed", code)
        level = "debug"
        if address in self._parts.bootstrap and self._failing.get(address) != code:
            self._failing[address] = code  # said once, until it is another or it has been reached
            level = "warning"
        self._parts.observer.log(level, "dial-failed", address=address, code=code, why=reason)
        self._reports.dial_failed(address)

    def _refused(self, address: str, code: str, reason: str) -> None:
        self._parts.observer.count("refused", code)
        self._parts.observer.log("info", "refused", address=address, code=code, why=reason)

    def _hello(self) -> Hello:
        ledger = self._parts.ledger
        final = ledger.finality.finalized.block
        node = ledger.node(final)
        return Hello(
            version_min=PROTOCOL_VERSION,
            version_max=PROTOCOL_VERSION,
            network=ledger.genesis.network,
            genesis=ledger.chain,
            capabilities=CAPABILITIES,
            record=self._record,
            height=ledger.head.height,
            head=ledger.head.id,
            finalized_height=0 if node is None else node.height,
            finalized=final,
            agent=AGENT,
        )


async def _ignore(messages: list[Message]) -> None:
    """What a peer that is being sent away still says."""
