"""Peers to download from, each a process of its own: honest, stalling, lying or slow.

All run the very node; the bad ones have a tap that changes what passes, or a slower link.
"""

import os
import random
from dataclasses import dataclass, replace
from enum import Enum, auto
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from chain.block import Block, decode_block, encode_block
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.store import KeyValueStore, RocksStore
from p2p.clock import SystemClock
from p2p.config import NodeConfig
from p2p.net.connection import Tap
from p2p.net.transport import Link, Listener, Transport
from p2p.net.websocket import WebSocketTransport
from p2p.node import Node, NodeParts
from p2p.observer import Observer
from p2p.peers.contact import Reach
from p2p.verifier import ThreadVerifier
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Blocks, GetBlocks, Hello, Message
from tests.bench.founding import World, found

SLOW_BYTES_PER_S = 50_000
CLAIMED_BLOCKS = 10_000  # what the liar says it has beyond what there is
HONEST_BODIES = 200  # what the liar serves truly before its first lie


class Kind(Enum):
    """How a peer behaves."""

    HONEST = auto()
    STALLING = auto()
    LYING = auto()
    SLOW = auto()


@dataclass(frozen=True, slots=True)
class Served:
    """Where a peer finds its copy of the history, and how it is to treat those who ask."""

    name: str
    kind: Kind
    folder: Path


class _Tap:
    """Decodes frames and encodes what is to pass instead."""

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        """See Tap."""
        return b"".join(encode_message(self.said(message)) for message in decode_frame(frame))

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        """See Tap."""
        heard = [message for message in decode_frame(frame) if self.hears(message)]
        return b"".join(map(encode_message, heard))

    def said(self, message: Message) -> Message:
        """What is said in place of a message."""
        return message

    def hears(self, message: Message) -> bool:
        """Whether a message is listened to."""
        return True


class Stalling(_Tap):
    """Serves headers and never a body."""

    def hears(self, message: Message) -> bool:
        """See _Tap."""
        return not isinstance(message, GetBlocks)


class Lying(_Tap):
    """Claims a higher chain than there is; later serves right headers over wrong bodies."""

    def __init__(self) -> None:
        self._bodies = 0

    def said(self, message: Message) -> Message:
        """See _Tap."""
        match message:
            case Hello():
                head = Hash(bytes(32))
                return replace(message, height=message.height + CLAIMED_BLOCKS, head=head)
            case Blocks():
                self._bodies += len(message.raws)
                if self._bodies > HONEST_BODIES:
                    return replace(message, raws=tuple(map(_hollow, message.raws)))
                return message
            case _:
                return message


def _hollow(raw: bytes) -> bytes:
    """The right header over a body that lacks its last transaction."""
    block = decode_block(raw)
    return encode_block(Block(block.header, block.seal, (), block.transactions[:-1]))


class _SlowLink:
    """A link on which sending takes its time."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def remote(self) -> str:
        """See Link."""
        return self._link.remote

    async def send(self, data: bytes) -> None:
        """See Link."""
        await trio.sleep(len(data) / SLOW_BYTES_PER_S)
        await self._link.send(data)

    async def receive(self) -> bytes:
        """See Link."""
        return await self._link.receive()

    def trust(self) -> None:
        """See Link."""
        self._link.trust()

    async def aclose(self) -> None:
        """See Link."""
        await self._link.aclose()


class _SlowListener:
    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @property
    def address(self) -> str:
        """See Listener."""
        return self._listener.address

    async def accept(self) -> Link:
        """See Listener."""
        return _SlowLink(await self._listener.accept())

    async def aclose(self) -> None:
        """See Listener."""
        await self._listener.aclose()


class _SlowTransport:
    """Links of SLOW_BYTES_PER_S."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def dial(self, address: str, reach: Reach = Reach.NOWHERE) -> Link:
        """See Transport."""
        return _SlowLink(await self._transport.dial(address, reach))

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        return _SlowListener(await self._transport.listen(address))


def make_node(
    world: World, store: KeyValueStore, name: str, transport: Transport, bootstrap: tuple[str, ...]
) -> NodeParts:
    """What a node of this benchmark is made of; it listens on loopback."""
    config = NodeConfig(
        name=name,
        data_dir=Path(),
        genesis=Path(),
        genesis_hash=world.genesis.hash,
        listen="ws://127.0.0.1:0",
        bootstrap=bootstrap,
    )
    return NodeParts(
        config=config,
        identity=KeyPair.from_seed(name.encode().ljust(32, b".")),
        author=None,
        ledger=Ledger(world.genesis, store, engine_of(world.genesis)),
        transport=transport,
        clock=SystemClock(),
        rng=random.Random(os.urandom(16)),
        verifier=ThreadVerifier(),
        observer=Observer(name),
    )


def serve(accounts: int, served: Served, pipe: Connection) -> None:
    """Serve a history until the process is ended; the address goes through the pipe."""
    world = found(accounts)

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            transport: Transport = WebSocketTransport(nursery)
            if served.kind is Kind.SLOW:
                transport = _SlowTransport(transport)
            parts = make_node(world, RocksStore(served.folder), served.name, transport, ())
            node = Node(replace(parts, tap=_tap(served.kind)))
            pipe.send(await nursery.start(node.run))

    trio.run(run)


def _tap(kind: Kind) -> Tap | None:
    match kind:
        case Kind.STALLING:
            return Stalling()
        case Kind.LYING:
            return Lying()
        case Kind.HONEST | Kind.SLOW:
            return None
