"""The node: trio tasks around the engines. It opens, reads, writes and sleeps; it decides nothing.

Tasks: `Peering` accepts, dials and reads connections; one task sleeps until the router's next
deadline; pumps carry signature checks to the verifier in batches. Whatever the router answers is
carried out at once by `_perform`, which never waits.
"""

import random
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import trio

from chain.consensus.engine import Author
from chain.ledger import BlockConnected, FinalityAlarm, Ledger, LedgerEvent
from chain.primitives.errors import StoreFailure
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from p2p.alarm import Alarm
from p2p.checking import SignatureChecks
from p2p.clock import Clock
from p2p.clockwatch import ClockWatch
from p2p.config import NodeConfig
from p2p.events import PeerConnected, PeerDisconnected
from p2p.finality_status import finality_status
from p2p.net.connection import Tap
from p2p.net.transport import Transport
from p2p.observer import Observer
from p2p.peering import AGENT, Peering, PeeringParts
from p2p.peers.addressbook import AddressBook
from p2p.peers.buckets import SECRET_BYTES
from p2p.peers.contact import Contact, own_reach
from p2p.peers.peer import PeerId, short
from p2p.peers.remembered import KEPT_MAX, NOTHING, Remembered, shifted
from p2p.progress import ProgressMeter, SyncProgress, told
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
    Warn,
)
from p2p.protocol.gossip import GossipSettings
from p2p.protocol.instant import Now
from p2p.protocol.router import Router, RouterParts
from p2p.sessions import Session, Sessions, peer_status
from p2p.status import NodeStatus, PeerStatus
from p2p.subscription import EventHub, Subscription
from p2p.verifier import Verifier
from p2p.voter import voter_of
from p2p.wire.messages import Lane, Message
from p2p.wire.records import parse_record

SUBMIT_CHUNK = 200  # transactions decoded before the loop turns: about 4 ms


@dataclass(frozen=True, slots=True)
class NodeParts:
    """Everything a node is given; it makes no clock, socket, store or randomness of its own."""

    config: NodeConfig
    identity: KeyPair
    author: Author | None
    ledger: Ledger
    transport: Transport
    clock: Clock
    rng: random.Random
    verifier: Verifier
    observer: Observer
    tap: Tap | None = None
    remembered: Remembered = NOTHING  # of the peers of an earlier run


class _Submission:
    """A local client waiting for the verdicts on one chunk of transactions."""

    __slots__ = ("done", "results")

    def __init__(self) -> None:
        self.done = trio.Event()
        self.results: tuple[SubmitResult, ...] = ()


class Node:
    """A running participant of the network. `run` owns every task; cancelling it stops all."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._ledger = parts.ledger
        self._id = PeerId(parts.identity.public)
        self._hub = EventHub()
        self._secret = parts.remembered.secret or parts.rng.randbytes(SECRET_BYTES)
        self._book = AddressBook(self._id, self._secret)
        self._recall(parts.remembered)
        self._router = Router(self._router_parts())
        self._sessions = Sessions(
            self._id, parts.config.inbound_max, self._router.uses, self._secret
        )
        self._peering = Peering(self._peering_parts(), self._sessions, self)
        self._checks = SignatureChecks(parts.verifier, self._checked)
        self._tickets = count(1)
        self._submissions: dict[int, _Submission] = {}
        self._block_connected = trio.Event()
        self._alarm = Alarm()
        self._started_s = 0.0
        self._meter = ProgressMeter()
        self._clockwatch = ClockWatch(None if parts.author is None else parts.author.did)

    def _router_parts(self) -> RouterParts:
        parts = self._parts
        config = parts.config
        discovery = DiscoverySettings(
            bootstrap=config.bootstrap,
            outbound_target=config.outbound_target,
            parse=self._contact,
            explore=config.explore,
            feeler_s=config.feeler_s,
            anchors=parts.remembered.anchors,
            reach=config.reach or own_reach(config.advertise or config.listen),
        )
        gossip = GossipSettings(config.eager, self._room)
        return RouterParts(
            self._ledger,
            parts.author,
            self._book,
            discovery,
            parts.rng,
            gossip,
            voter_of(parts.config, self._ledger, parts.author, parts.observer),
        )

    def _room(self, peer: PeerId) -> int:
        return self._peering.room(peer)

    def _peering_parts(self) -> PeeringParts:
        parts = self._parts
        return PeeringParts(
            identity=parts.identity,
            ledger=parts.ledger,
            transport=parts.transport,
            rng=parts.rng,
            observer=parts.observer,
            tap=parts.tap,
            listen=parts.config.listen,
            advertise=parts.config.advertise,
            bootstrap=parts.config.bootstrap,
            unix_ms=lambda: parts.clock.now().unix_ms,
        )

    def _contact(self, raw: bytes) -> Contact:
        record = parse_record(raw, self._ledger.chain)
        return Contact(PeerId(record.peer), record.addresses, record.sequence, raw)

    @property
    def ledger(self) -> Ledger:
        """The ledger, for reading (blocks, accounts, proofs) from the node's own thread."""
        return self._ledger

    @property
    def identity(self) -> KeyPair:
        """What the node proves itself with towards peers."""
        return self._parts.identity

    @property
    def observer(self) -> Observer:
        """The node's log and counters."""
        return self._parts.observer

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until cancelled; `task_status` gets the listening address once peers can dial it."""
        self._started_s = self._now().s
        async with trio.open_nursery() as nursery:
            address = await nursery.start(self._peering.run)
            nursery.start_soon(self._checks.run)
            nursery.start_soon(self._keep_time)
            self._log("info", "node-started", address=address, id=self._id.hex())
            task_status.started(address)

    async def submit(self, raws: Sequence[bytes]) -> list[SubmitResult]:
        """Check each transaction, add it to the mempool, gossip it; verdicts in order."""
        submissions: list[_Submission] = []
        for start in range(0, len(raws), SUBMIT_CHUNK):
            ticket = next(self._tickets)
            submission = self._submissions[ticket] = _Submission()
            submissions.append(submission)
            chunk = list(raws[start : start + SUBMIT_CHUNK])
            self._perform(self._router.submit(ticket, chunk, self._now()))
            await trio.lowlevel.checkpoint()
        for submission in submissions:
            await submission.done.wait()
        return [result for submission in submissions for result in submission.results]

    def status(self) -> NodeStatus:
        """What the node knows of itself now."""
        parts, ledger, now = self._parts, self._ledger, self._now()
        head, syncing = ledger.head, self._router.syncing(now)
        slot = ledger.genesis.slot_at(now.unix_ms)
        return NodeStatus(
            name=parts.config.name,
            id=self._id,
            address=self._peering.address,
            agent=AGENT,
            network=ledger.genesis.network,
            chain=ledger.chain,
            consensus=ledger.genesis.consensus.value,
            height=head.height,
            head=head.id,
            head_slot=head.slot,
            state_root=head.header.state,
            finality=finality_status(ledger, slot, self._clockwatch.ahead(slot)),
            slot=slot,
            syncing=syncing,
            sync=self._progress(now) if syncing else None,
            peers_inbound=self._sessions.count(outbound=False),
            peers_outbound=self._sessions.count(outbound=True),
            peers_known=len(self._book),
            peers_tried=self._book.tried_count,
            mempool_transactions=len(ledger.mempool),
            mempool_bytes=ledger.mempool.bytes,
            producing=parts.author is not None,
            voting=self._router.voting,
            uptime_s=now.s - self._started_s,
            expiry_slots_max=ledger.parameters.expiry_slots_max,
            recoveries=len(ledger.recoveries),
        )

    def peers(self) -> list[PeerStatus]:
        """The connected peers, in order of connection."""
        now, router, nothing = self._now(), self._router, (0, self._ledger.chain)
        return [
            peer_status(s, router.claim(s.peer) or nothing, router.points(s.peer, now), now)
            for s in self._sessions
        ]

    def remember(self) -> Remembered:
        """What of the peers is to be given to the next run."""
        now = self._now()
        ahead_s = now.unix_ms / 1_000 - now.s
        kept = tuple(shifted(kept, ahead_s) for kept in self._book.export(KEPT_MAX))
        return Remembered(self._secret, kept, self._router.anchors(now))

    def _recall(self, remembered: Remembered) -> None:
        now = self._now()
        ahead_s = now.unix_ms / 1_000 - now.s
        self._book.restore((shifted(kept, -ahead_s) for kept in remembered.kept), now.s)

    def put(self, peer: PeerId, encoded: bytes, lane: Lane) -> None:
        """Queue an encoded message for a peer, whatever it is: a laboratory's way to lie."""
        self._peering.put(peer, encoded, lane)

    def subscribe(self) -> Subscription:
        """Events from now on, to be read inside `async with`, by `async for`."""
        return self._hub.subscribe()

    async def wait_included(self, txid: Hash, timeout_s: float) -> bool:
        """True once the transaction is in a block of the head's chain, False after `timeout_s`."""
        with trio.move_on_after(timeout_s):
            while not self._ledger.is_included(txid):
                await self._block_connected.wait()
        return self._ledger.is_included(txid)

    # What peering reports.

    def opened(self, session: Session) -> None:
        """A connection passed the hello and is the peer's session now."""
        new = Connected(
            session.peer,
            session.address,
            session.outbound,
            session.connection.peer_hello,
            session.group,
        )
        peer, address, outbound = session.peer, session.address, session.outbound
        self._log("info", "peer-connected", peer=short(peer), address=address, outbound=outbound)
        self._hub.publish(PeerConnected(peer, address, outbound))
        self._perform(self._router.connected(new, self._now()))

    def closed(self, session: Session, reason: str) -> None:
        """A peer's session ended."""
        self._log("info", "peer-disconnected", peer=short(session.peer), why=reason)
        self._hub.publish(PeerDisconnected(session.peer, reason))
        self._perform(self._router.disconnected(session.peer, self._now(), session.refusal))

    def received(self, peer: PeerId, messages: Iterable[Message]) -> None:
        """One frame's messages from a peer; a bug that one of them finds ends that peer's session.

        Assertions and the disk's failures are not a peer's to cause: they stop the node.
        """
        now = self._now()
        try:
            for message in messages:
                self._perform(self._router.receive(peer, message, now))
        except (AssertionError, StoreFailure):
            raise
        except Exception as error:  # noqa: BLE001 - the one boundary, see above
            where = "".join(traceback.format_tb(error.__traceback__)[-2:])
            self._log("error", "internal-error", peer=short(peer), error=repr(error), where=where)
            self._parts.observer.count("internal-error", type(error).__name__)
            self._peering.close(peer, "internal-error", "a fault of this node, see its log")

    def dial_failed(self, address: str) -> None:
        """A dial did not become a session."""
        self._perform(self._router.dial_failed(address, self._now()))

    def dialled_known(self, address: str, peer: PeerId) -> None:
        """A dial reached a peer whose session is kept instead."""
        self._perform(self._router.dialled_known(address, peer, self._now()))

    def dialled_self(self, address: str) -> None:
        """A dial reached this node."""
        self._perform(self._router.dialled_self(address, self._now()))

    def ban_s(self, peer: PeerId) -> float:
        """Seconds for which a peer is still refused."""
        return self._router.ban_s(peer, self._now())

    # Carrying out what the router says.

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(peer, message):
                    self._peering.send(peer, message)
                case CheckSignatures():
                    self._checks.put(effect)
                case Count(counter, reason, amount):
                    self._parts.observer.count(counter, reason, amount)
                case Notify(event):
                    self._notify(event)
                case Warn(code, reason):
                    self._log("warning", code, why=reason)
                case Dial(address, reach):
                    self._peering.dial(address, reach)
                case Disconnect(peer, code, reason):
                    self._peering.close(peer, code, reason)
                case Penalize(peer, points, code, reason):
                    self._log(
                        "warning", "penalty", peer=short(peer), points=points, code=code, why=reason
                    )
                case Answer(ticket, results):
                    submission = self._submissions.pop(ticket)
                    submission.results = results
                    submission.done.set()
        self._alarm.advance(self._router.deadline_s())

    def _notify(self, event: LedgerEvent) -> None:
        if isinstance(event, BlockConnected):
            self._meter.connected(len(event.transactions))
            ours = self._ledger.genesis.slot_at(self._now().unix_ms)
            if self._clockwatch.came(event.slot, event.author, ours):
                self._log("warning", "clock-ahead", slots=self._clockwatch.ahead(ours))
            self._block_connected.set()
            self._block_connected = trio.Event()
        if isinstance(event, FinalityAlarm):
            self._log("error", "finality-alarm", code=event.code, why=event.reason)
        self._hub.publish(event)

    def _checked(self, job: int, verdicts: list[bool]) -> None:
        self._perform(self._router.signatures_checked(job, verdicts, self._now()))

    async def _keep_time(self) -> None:
        """Tick whenever the router's deadline comes, also when it moves to an earlier moment."""
        while True:
            await self._alarm.sleep_until(self._router.deadline_s())
            await self._parts.clock.running()
            now = self._now()
            self._perform(self._router.tick(now))
            self._tell_progress(now)

    def _progress(self, now: Now) -> SyncProgress:
        """How far the node is on its way to where its peers are."""
        return self._meter.read(self._ledger.head.height, self._router.likely_height(), now.s)

    def _tell_progress(self, now: Now) -> None:
        self._meter.sample(now.s)
        syncing = self._router.syncing(now)
        if self._meter.is_due(now.s, syncing=syncing):
            event, fields = told(self._progress(now), syncing=syncing)
            self._log("info", event, **fields)

    def _now(self) -> Now:
        return self._parts.clock.now()

    def _log(self, level: str, event: str, **fields: str | int | float | bool | None) -> None:
        self._parts.observer.log(level, event, **fields)
