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
from p2p.net.secure import secure
from p2p.net.transport import Link, LinkClosed, Listener, Transport
from p2p.observer import Observer
from p2p.peers.peer import PeerId, short
from p2p.sessions import Session, Sessions
from p2p.wire.codec import encode_message
from p2p.wire.messages import PROTOCOL_VERSION, Hello, Lane, Message
from p2p.wire.records import parse_record, sign_record

AGENT = "cornerstone/0.1.0"
CAPABILITIES = ("transactions/1", "blocks/1")
# A handshake costs us a millisecond of key agreement; this many at once bound what a flood of
# half-open links can hold, and are far more than an honest network needs after a restart.
HANDSHAKES_MAX = 64
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
    """What connections are made of; the transport listens at `listen`, others dial `advertise`."""

    identity: KeyPair
    ledger: Ledger
    transport: Transport
    rng: random.Random
    observer: Observer
    tap: Tap | None
    listen: str
    advertise: str
    unix_ms: Callable[[], int]


class Peering:
    """All connections of a node. `run` owns their tasks."""

    def __init__(self, parts: PeeringParts, sessions: Sessions, reports: Reports) -> None:
        self._parts = parts
        self._sessions = sessions
        self._reports = reports
        self._nursery: trio.Nursery | None = None
        self._handshakes = trio.CapacityLimiter(HANDSHAKES_MAX)
        self._record = b""
        self.address = ""

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, and serve every connection until cancelled; raises LinkClosed if it cannot."""
        listener = await self._parts.transport.listen(self._parts.listen)
        self.address = self._parts.advertise or listener.address
        record = sign_record(
            self._parts.identity,
            self._parts.ledger.chain,
            (self.address,),
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

    def dial(self, address: str) -> None:
        """Start an attempt; its outcome is reported."""
        assert self._nursery is not None, "nothing is dialled before the node listens"
        self._nursery.start_soon(self._dial, address)

    def send(self, peer: PeerId, message: Message) -> None:
        """Queue a message for a peer; lost if it has just left, as everything else for it."""
        self.put(peer, encode_message(message), message.LANE)

    def put(self, peer: PeerId, encoded: bytes, lane: Lane) -> None:
        """Queue a message that has been encoded; see `send`."""
        session = self._sessions.get(peer)
        if session is not None:
            session.connection.put(encoded, lane)

    def close(self, peer: PeerId, code: str, reason: str) -> None:
        """End a peer's session, telling it why."""
        session = self._sessions.get(peer)
        if session is not None:
            session.connection.close(code, reason)

    async def _accept(self, listener: Listener, nursery: trio.Nursery) -> None:
        while True:
            link = await listener.accept()
            if self._handshakes.available_tokens < 1:
                self._parts.observer.count("refused", "handshakes-full")
                nursery.start_soon(link.aclose)
                continue
            nursery.start_soon(self._serve_inbound, link)

    async def _serve_inbound(self, link: Link) -> None:
        await self._serve(link, link.remote, outbound=False)

    async def _dial(self, address: str) -> None:
        try:
            with trio.fail_after(DIAL_S):
                link = await self._parts.transport.dial(address)
        except trio.TooSlowError:
            self._dial_failed(address, "slow-dial", f"no link within {DIAL_S:.0f} s")
        except LinkClosed as closed:
            self._dial_failed(address, "unreachable", closed.reason)
        else:
            await self._serve(link, address, outbound=True)

    async def _serve(self, link: Link, address: str, *, outbound: bool) -> None:
        """A link's whole life."""
        connection = None
        code, reason = "slow-handshake", f"no handshake within {HANDSHAKE_S:.0f} s"
        try:
            async with self._handshakes:
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
        if connection is not None:
            await self._admit(connection, address, outbound=outbound)
        elif outbound:
            self._dial_failed(address, code, reason)
        else:
            self._refused(address, code, reason)

    async def _shake_hands(self, link: Link, *, outbound: bool) -> Connection:
        parts = self._parts
        secured = await secure(
            link, parts.identity, parts.ledger.chain, parts.rng, initiator=outbound
        )
        connection = Connection(secured, parts.rng, parts.tap)
        await connection.exchange(self._hello())
        return connection

    async def _admit(self, connection: Connection, address: str, *, outbound: bool) -> None:
        """Make the connection a session and serve it, or tell the peer why not."""
        peer = PeerId(connection.peer)
        refusal, advertised = self._objection(connection, outbound=outbound)
        if refusal is not None:
            self._report_unwelcome(address, peer, refusal, outbound=outbound)
            connection.close(refusal.code, refusal.reason)
            await connection.run(_ignore)
            return
        older = self._sessions.get(peer)
        if older is not None:
            self._end(older, "replaced by a newer connection")
            older.connection.close("duplicate", "a newer connection takes its place")
        where = address if outbound else advertised
        session = Session(peer, connection, where, outbound, trio.current_time())
        self._sessions.add(session)
        self._reports.opened(session)

        async def receive(messages: list[Message]) -> None:
            if self._sessions.get(peer) is session:
                self._reports.received(peer, messages)

        self._end(session, await connection.run(receive))

    def _objection(self, connection: Connection, *, outbound: bool) -> tuple[Refusal | None, str]:
        """Why the connection may not stay, if so; and the address its peer gives as its own."""
        peer = PeerId(connection.peer)
        try:
            record = parse_record(connection.peer_hello.record, self._parts.ledger.chain)
        except Refusal as refusal:
            return refusal, ""
        if record.peer != peer:
            reason = f"the hello carries the record of {short(record.peer)}, not of {short(peer)}"
            return Refusal("wrong-record", reason), ""
        ban_s = self._reports.ban_s(peer)
        if ban_s:
            return Refusal("banned", f"banned for {ban_s:.0f} s more"), ""
        admission = self._sessions.judge(peer, outbound=outbound)
        if not admission.welcome:
            return Refusal(admission.code, admission.reason), ""
        return None, record.addresses[0] if record.addresses else ""

    def _end(self, session: Session, reason: str) -> None:
        if self._sessions.remove(session):
            self._parts.observer.count("disconnected", reason.partition(":")[0])
            self._reports.closed(session, reason)

    def _report_unwelcome(
        self, address: str, peer: PeerId, refusal: Refusal, *, outbound: bool
    ) -> None:
        if not outbound:
            self._refused(address, refusal.code, refusal.reason)
        elif refusal.code == "self":
            self._reports.dialled_self(address)
        elif refusal.code == "duplicate":
            self._reports.dialled_known(address, peer)
        else:
            self._dial_failed(address, refusal.code, refusal.reason)

    def _dial_failed(self, address: str, code: str, reason: str) -> None:
        self._parts.observer.count("dial-failed", code)
        self._parts.observer.log("debug", "dial-failed", address=address, code=code, why=reason)
        self._reports.dial_failed(address)

    def _refused(self, address: str, code: str, reason: str) -> None:
        self._parts.observer.count("refused", code)
        self._parts.observer.log("info", "refused", address=address, code=code, why=reason)

    def _hello(self) -> Hello:
        ledger = self._parts.ledger
        founding = ledger.block_id_at(0)
        assert founding is not None, "a chain has a first block"
        return Hello(
            version_min=PROTOCOL_VERSION,
            version_max=PROTOCOL_VERSION,
            network=ledger.genesis.network,
            genesis=ledger.chain,
            capabilities=CAPABILITIES,
            record=self._record,
            height=ledger.head.height,
            head=ledger.head.id,
            finalized_height=0,
            finalized=founding,
            agent=AGENT,
        )


async def _ignore(messages: list[Message]) -> None:
    """What a peer that is being sent away still says."""
