"""A light node: follows what is final through a few peers, and keeps no blocks.

It dials addresses it was given and listens to nobody. Rules of the conversation: lightfollowing.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import trio

from chain.block import Header
from chain.genesis import Genesis
from chain.lightclient import LightClient, TrustedCheckpoint
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from p2p.alarm import Alarm
from p2p.clock import Clock
from p2p.net.connection import Connection
from p2p.net.outbox import Waiting
from p2p.net.secure import secure
from p2p.net.transport import LinkClosed, Transport
from p2p.observer import Observer
from p2p.peering import AGENT, DIAL_S, HANDSHAKE_S
from p2p.peers.peer import PeerId, short
from p2p.protocol.effects import Count, Disconnect, Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.lightfollowing import LightFollower
from p2p.protocol.lightserving import FULL, LIGHT
from p2p.wire.messages import PROTOCOL_VERSION, Final, Hello, Message
from p2p.wire.records import sign_record

PEERS_MAX = 3
"""Links a light node keeps: one honest peer is enough, and each costs a ping every 15 s."""
REDIAL_S = 5.0
REDIAL_MAX_S = 300.0
"""How long until an address is dialled again: doubled each time it fails."""


@dataclass(frozen=True, slots=True)
class LightParts:
    """What a light node is given. It starts at the genesis, or at a checkpoint."""

    name: str
    genesis: Genesis
    identity: KeyPair
    addresses: tuple[str, ...]
    transport: Transport
    clock: Clock
    rng: random.Random
    observer: Observer
    checkpoint: TrustedCheckpoint | None = None


@dataclass(frozen=True, slots=True)
class LightStatus:
    """Where a light node stands; bytes are those on its links, encryption included."""

    header: Header | None
    set_id: int
    members: int
    slot: int
    peers: int
    bytes_in: int
    bytes_out: int
    alarm: str
    stranded: str


class LightNode:
    """A running light node; `run` owns its tasks."""

    def __init__(self, parts: LightParts) -> None:
        """Raises Invalid where nobody votes, or for a checkpoint of another network."""
        self._parts = parts
        checkpoint = parts.checkpoint
        if checkpoint is None:
            client = LightClient.from_genesis(parts.genesis)
        else:
            client = LightClient.from_checkpoint(parts.genesis.hash, checkpoint)
        self._follower = LightFollower(client)
        self._connections: dict[PeerId, Connection] = {}
        self._waiting = Waiting()
        self._alarm = Alarm()
        self._ended_bytes = (0, 0)

    @property
    def client(self) -> LightClient:
        """What it follows."""
        return self._follower.client

    @property
    def genesis(self) -> Genesis:
        """What its network was founded on."""
        return self._parts.genesis

    def status(self) -> LightStatus:
        """Where it stands now."""
        client, live = self.client, self._connections.values()
        ended_in, ended_out = self._ended_bytes
        return LightStatus(
            client.header,
            client.authorities.id,
            len(client.authorities.members),
            self.genesis.slot_at(self._now().unix_ms),
            len(self._connections),
            ended_in + sum(connection.bytes_in for connection in live),
            ended_out + sum(connection.bytes_out for connection in live),
            self._follower.alarm,
            self._follower.stranded,
        )

    async def run(self) -> None:
        """Run until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_time)
            for address in self._parts.addresses[:PEERS_MAX]:
                nursery.start_soon(self._keep_link, address)

    async def _keep_link(self, address: str) -> None:
        """Dial an address whenever there is no link to it."""
        wait_s = REDIAL_S
        while True:
            try:
                connection = await self._connect(address)
            except (LinkClosed, Refusal, trio.TooSlowError) as error:
                self._log("info", "dial-failed", address=address, why=str(error))
                wait_s = min(2 * wait_s, REDIAL_MAX_S)
            else:
                wait_s = REDIAL_S
                await self._serve(connection, address)
            await trio.sleep(wait_s)

    async def _connect(self, address: str) -> Connection:
        parts = self._parts
        with trio.fail_after(DIAL_S):
            link = await parts.transport.dial(address)
        connection = None
        try:
            with trio.fail_after(HANDSHAKE_S):
                secured = await secure(
                    link, parts.identity, parts.genesis.hash, parts.rng, initiator=True
                )
                shaken = Connection(secured, parts.rng, self._waiting)
                await shaken.exchange(self._hello())
                connection = shaken
        finally:
            if connection is None:
                with trio.CancelScope(shield=True):
                    await link.aclose()
        return connection

    async def _serve(self, connection: Connection, address: str) -> None:
        peer = PeerId(connection.peer)
        if peer in self._connections or FULL not in connection.peer_hello.capabilities:
            connection.close("not-needed", "connected already, or no node with blocks")
            await connection.run(_ignore)
            return
        self._connections[peer] = connection
        self._log("info", "peer-connected", peer=short(peer), address=address)
        self._perform(self._follower.connected(peer, self._now()))

        async def receive(messages: list[Message]) -> None:
            for message in messages:
                if isinstance(message, Final):
                    self._take(peer, message)

        reason = await connection.run(receive)
        del self._connections[peer]
        before_in, before_out = self._ended_bytes
        self._ended_bytes = (before_in + connection.bytes_in, before_out + connection.bytes_out)
        self._log("info", "peer-disconnected", peer=short(peer), why=reason)
        self._perform(self._follower.disconnected(peer, self._now()))

    def _take(self, peer: PeerId, message: Final) -> None:
        before = self.client.height, self._follower.alarm, self._follower.stranded
        self._perform(self._follower.receive(peer, message, self._now()))
        header = self.client.header
        if self.client.height != before[0] and header is not None:
            self._log("info", "final", height=header.height, set=self.client.authorities.id)
        if self._follower.alarm != before[1]:
            self._log("error", "finality-alarm", why=self._follower.alarm)
        if self._follower.stranded not in ("", before[2]):
            self._log("error", "needs-checkpoint", why=self._follower.stranded)

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(peer, message):
                    self._connections[peer].send(message)
                case Disconnect(peer, code, reason):
                    self._connections[peer].close(code, reason)
                case Count(counter, reason, amount):
                    self._parts.observer.count(counter, reason, amount)
                case _:
                    raise AssertionError(f"a follower asks for nothing else: {effect}")
        self._alarm.advance(self._follower.deadline_s())

    async def _keep_time(self) -> None:
        while True:
            await self._alarm.sleep_until(self._follower.deadline_s())
            self._perform(self._follower.tick(self._now()))

    def _hello(self) -> Hello:
        parts, header = self._parts, self.client.header
        chain = parts.genesis.hash
        height = 0 if header is None else header.height
        known = Hash(bytes(32)) if header is None else header.id
        record = sign_record(parts.identity, chain, (), self._now().unix_ms, (LIGHT,))
        return Hello(
            version_min=PROTOCOL_VERSION,
            version_max=PROTOCOL_VERSION,
            network=parts.genesis.network,
            genesis=chain,
            capabilities=(LIGHT,),
            record=record.raw,
            height=height,
            head=known,
            finalized_height=height,
            finalized=known,
            agent=AGENT,
        )

    def _now(self) -> Now:
        return self._parts.clock.now()

    def _log(self, level: str, event: str, **fields: str | int | float | bool | None) -> None:
        self._parts.observer.log(level, event, **fields)


async def _ignore(messages: list[Message]) -> None:
    """What a peer that is being left still says."""
