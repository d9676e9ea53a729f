"""The interface of a transport: links that carry whole byte strings, both ways, in order.

Two implementations pass the same contract tests: websockets between processes, memory within one.
Rules of every link:
- A message arrives whole, once and in order, or the link ends. Nothing is repeated here.
- What was sent before an end is read before the end is seen, unless the end came by force.
- Several tasks may send, and no message mixes with another; one task receives.
- Whoever sends waits while the other end is slow. *Why:* that is all the backpressure there is.
- A message larger than the receiver's maximum ends the link at the receiver, unread. The maximum
  is STRANGER_BYTES_MAX until the link's user trusts the far end. *Why:* whoever has proved nothing
  must not cost us the memory of a frame; anybody may be a hundred of them.
- Everything foreign (sockets, websocket library) becomes LinkClosed, whose reason is for people.
"""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from p2p.peers.contact import Reach

# What a link carries at once; the largest frame and what encryption adds to it.
LINK_MESSAGE_BYTES_MAX = 11 * 1024 * 1024
# What a far end may send before it has proved who it is: an upgrade, two handshake messages and a
# hello take a few kB.
STRANGER_BYTES_MAX = 64 * 1024
# A closing handshake is a courtesy; a dead peer does not get longer.
CLOSE_S = 1.0


class LinkClosed(Exception):
    """The link has ended; `reason` says how, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link(Protocol):
    """One established link."""

    @property
    def remote(self) -> str:
        """Where the other end is, for people."""
        ...

    async def send(self, data: bytes) -> None:
        """Hand over one message. Raises LinkClosed; a cancelled send leaves the link unusable."""
        ...

    async def receive(self) -> bytes:
        """The next message. Raises LinkClosed, then and ever after."""
        ...

    def trust(self) -> None:
        """Take messages of full size from now on: the far end has proved who it is."""
        ...

    async def aclose(self) -> None:
        """End the link on both sides, within CLOSE_S; harmless when it has ended."""
        ...


class Listener(Protocol):
    """Accepts links at an address."""

    @property
    def address(self) -> str:
        """The address to dial, with the real port."""
        ...

    async def accept(self) -> Link:
        """The next link. Raises LinkClosed when the listener has been closed."""
        ...

    async def aclose(self) -> None:
        """Accept no more; accepted links go on, others are closed."""
        ...


class Transport(Protocol):
    """Makes links."""

    async def dial(self, address: str, reach: Reach = Reach.NOWHERE) -> Link:
        """A link to an address. Raises LinkClosed when there is none.

        Where names have to be looked up, it is to an address that reaches at least so far.
        """
        ...

    async def listen(self, address: str) -> Listener:
        """Listen at an address; port 0 takes a free one. Raises LinkClosed when it is taken."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of an address `<scheme>://<host>:<port>`; an IPv6 host without its brackets."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_endpoint(address: str, scheme: str) -> Endpoint:
    """The parts of an address. Raises LinkClosed, saying what is wrong: nobody can be there."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise LinkClosed(f"{address!r} is not an address: {error}") from None
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != scheme or not host or port is None or rest:
        raise LinkClosed(f"{address!r} is not an address of the form {scheme}://host:port")
    return Endpoint(scheme, host, port)
