"""All transports behind one fixture, so that every contract test runs against each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import pytest
import trio
import trio.testing

from p2p.net.memory import MemoryNetwork
from p2p.net.transport import LINK_MESSAGE_BYTES_MAX, Link, Transport
from p2p.net.websocket import WebSocketTransport
from testnet.processes.shaped import ShapedTransport
from testnet.weather import Weather


async def forever(action: Callable[..., Awaitable[object]], *arguments: object) -> NoReturn:
    """Repeat until it raises."""
    while True:
        await action(*arguments)


KINDS = ("memory", "websocket", "shaped")


def fine_weather() -> Weather:
    """The laboratory's weather without any fault in it."""
    return Weather(lambda src, dst: (0.0, 0.0), {}, seed=0)


@dataclass(frozen=True, slots=True)
class Wires:
    """Makes transports of one kind, all on one network."""

    kind: str
    nursery: trio.Nursery
    network: MemoryNetwork

    def transport(self, host: str, message_bytes_max: int = LINK_MESSAGE_BYTES_MAX) -> Transport:
        """A transport of a host of its own."""
        if self.kind == "memory":
            return self.network.transport(host, message_bytes_max)
        plain = WebSocketTransport(self.nursery, message_bytes_max)
        if self.kind == "websocket":
            return plain
        return ShapedTransport(plain, self.nursery, fine_weather(), host, lambda _: "far")

    @property
    def anywhere(self) -> str:
        """An address that leaves the port to the transport."""
        return "mem://here:0" if self.kind == "memory" else "ws://127.0.0.1:0"

    async def link(
        self,
        left_max: int = LINK_MESSAGE_BYTES_MAX,
        right_max: int = LINK_MESSAGE_BYTES_MAX,
        *,
        trusted: bool = True,
    ) -> tuple[Link, Link]:
        """Both ends of a new link: the dialler's and the acceptor's."""
        listener = await self.transport("right", right_max).listen(self.anywhere)
        left = await self.transport("left", left_max).dial(listener.address)
        right = await listener.accept()
        await listener.aclose()
        if trusted:
            left.trust()
            right.trust()
        return left, right


@pytest.fixture(params=KINDS)
def wires(request: pytest.FixtureRequest, nursery: trio.Nursery) -> Wires:
    """The transport under test."""
    return Wires(request.param, nursery, MemoryNetwork())


@pytest.fixture
def impatient_clock() -> trio.testing.MockClock:
    """Virtual time that jumps only after 20 ms without any I/O, so that sockets keep up with it."""
    return trio.testing.MockClock(autojump_threshold=0.02)
