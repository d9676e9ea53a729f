"""The interface of a transport: links that carry whole byte strings, both ways, in order.

Two implementations pass the same contract tests: websockets between processes, memory within one.
"""

from typing import Protocol

# What a link carries at once; the largest frame and what encryption adds to it.
LINK_MESSAGE_BYTES_MAX = 11 * 1024 * 1024


class LinkClosed(Exception):
    """The link has ended; `reason` says how, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link(Protocol):
    """One established link. One task sends, one receives."""

    @property
    def remote(self) -> str:
        """Where the other end is, for people."""
        ...

    async def send(self, data: bytes) -> None:
        """Hand over one message; waits when the other end is slow. Raises LinkClosed."""
        ...

    async def receive(self) -> bytes:
        """The next message. Raises LinkClosed."""
        ...

    async def aclose(self) -> None:
        """End the link, at once and on both sides; harmless when it has ended."""
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
        """Accept no more; the links go on."""
        ...


class Transport(Protocol):
    """Makes links."""

    async def dial(self, address: str) -> Link:
        """A link to an address. Raises LinkClosed when there is none."""
        ...

    async def listen(self, address: str) -> Listener:
        """Listen at an address; port 0 takes a free one. Raises LinkClosed when it is taken."""
        ...
