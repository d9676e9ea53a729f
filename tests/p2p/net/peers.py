"""Two connections over one link, or a connection and a script that plays the peer."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair
from p2p.net.connection import Connection, Tap
from p2p.net.memory import MemoryNetwork
from p2p.net.outbox import Waiting
from p2p.net.secure import SecureLink, secure
from p2p.net.transport import Link
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import Hello, Message
from tests.p2p.wire.messages import example_hello

LEFT, RIGHT = (KeyPair.from_seed(sha256(name)) for name in (b"left", b"right"))
CHAIN = Hash(b"g" * 32)


async def memory_links() -> tuple[Link, Link]:
    """Both ends of a memory link."""
    network = MemoryNetwork()
    listener = await network.transport("right").listen("mem://right:0")
    left = await network.transport("left").dial(listener.address)
    right = await listener.accept()
    await listener.aclose()
    return left, right


async def secure_links(
    links: tuple[Link, Link], chains: tuple[Hash, Hash] = (CHAIN, CHAIN)
) -> tuple[SecureLink, SecureLink]:
    """Secure links between `LEFT`, who dials, and `RIGHT`."""
    found: dict[KeyPair, SecureLink] = {}

    async def shake(link: Link, key: KeyPair, chain: Hash) -> None:
        rng = random.Random(key.public)
        found[key] = await secure(link, key, chain, rng, initiator=key is LEFT)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shake, links[0], LEFT, chains[0])
        nursery.start_soon(shake, links[1], RIGHT, chains[1])
    return found[LEFT], found[RIGHT]


@dataclass
class End:
    """A connection with what came of it."""

    connection: Connection
    waiting: Waiting
    received: list[Message] = field(default_factory=list)
    frames: int = 0
    reason: str | None = None
    ended: trio.Event = field(default_factory=trio.Event)
    wait: Callable[[], trio.Event] | None = None

    async def receive(self, messages: list[Message]) -> None:
        """Note what came; wait for `wait` first, as a busy node does."""
        if self.wait is not None:
            await self.wait().wait()
        self.frames += 1
        self.received += messages

    async def run(self) -> None:
        """Run the connection to its end."""
        self.reason = await self.connection.run(self.receive)
        self.ended.set()


def end_of(link: SecureLink, tap: Tap | None = None) -> End:
    """A connection over a link."""
    waiting = Waiting()
    return End(Connection(link, random.Random(link.peer), waiting, tap), waiting)


async def ends(
    links: tuple[Link, Link] | None = None,
    hellos: tuple[Hello, Hello] | None = None,
    taps: tuple[Tap | None, Tap | None] = (None, None),
) -> tuple[End, End]:
    """Two connections that have exchanged hellos."""
    secured = await secure_links(links or await memory_links())
    left, right = (end_of(link, tap) for link, tap in zip(secured, taps, strict=True))
    ours, theirs = hellos or (example_hello(), example_hello())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.connection.exchange, ours)
        nursery.start_soon(right.connection.exchange, theirs)
    return left, right


@dataclass
class Script:
    """A peer that says exactly what a test tells it to."""

    link: SecureLink

    async def say(self, *messages: Message) -> None:
        """One frame."""
        await self.link.send(b"".join(map(encode_message, messages)))

    async def hear(self) -> list[Message]:
        """The messages of one frame."""
        return decode_frame(await self.link.receive())


async def scripted() -> tuple[End, Script]:
    """A connection that has exchanged hellos with a scripted peer."""
    ours, theirs = await secure_links(await memory_links())
    end, script = end_of(ours), Script(theirs)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.connection.exchange, example_hello())
        await script.hear()
        await script.say(example_hello())
    return end, script
