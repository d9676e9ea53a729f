"""A transport within one process: links are pairs of bounded channels, addresses are names."""

from itertools import count

import trio

from p2p.net.transport import (
    LINK_MESSAGE_BYTES_MAX,
    STRANGER_BYTES_MAX,
    Link,
    LinkClosed,
    Listener,
    parse_endpoint,
)
from p2p.peers.contact import Reach

SCHEME = "mem"
# Messages on their way: like a socket's buffers, enough to keep both ends busy.
MESSAGES_BUFFERED = 16
BACKLOG = 128  # links not yet accepted, as a listening socket has


class MemoryLink:
    """One end of a link."""

    def __init__(
        self,
        remote: str,
        outbound: "trio.MemorySendChannel[bytes]",
        inbound: "trio.MemoryReceiveChannel[bytes]",
        message_bytes_max: int,
    ) -> None:
        self.remote = remote
        self._outbound = outbound
        self._inbound = inbound
        self._trusted_bytes_max = message_bytes_max
        self._bytes_max = min(message_bytes_max, STRANGER_BYTES_MAX)
        self._failure = "closed here"

    async def send(self, data: bytes) -> None:
        """See Link."""
        try:
            await self._outbound.send(data)
        except trio.BrokenResourceError:
            raise LinkClosed("closed by the other end") from None
        except trio.ClosedResourceError:
            raise LinkClosed(self._failure) from None

    async def receive(self) -> bytes:
        """See Link."""
        try:
            data = await self._inbound.receive()
        except trio.EndOfChannel:
            raise LinkClosed("closed by the other end") from None
        except trio.ClosedResourceError:
            raise LinkClosed(self._failure) from None
        if len(data) > self._bytes_max:
            self._failure = f"a message of {len(data)} bytes, at most {self._bytes_max}"
            self.close()
            raise LinkClosed(self._failure)
        return data

    def trust(self) -> None:
        """See Link."""
        self._bytes_max = self._trusted_bytes_max

    def close(self) -> None:
        """End the link at once."""
        self._outbound.close()
        self._inbound.close()

    async def aclose(self) -> None:
        """See Link."""
        self.close()
        await trio.lowlevel.checkpoint()


class MemoryListener:
    """Accepts links dialled to its name."""

    def __init__(self, network: "MemoryNetwork", address: str, message_bytes_max: int) -> None:
        self.address = address
        self.message_bytes_max = message_bytes_max
        self.arrivals, self._accepted = trio.open_memory_channel[MemoryLink](BACKLOG)
        self._network = network

    async def accept(self) -> Link:
        """See Listener."""
        try:
            return await self._accepted.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise LinkClosed(f"{self.address} listens no more") from None

    async def aclose(self) -> None:
        """See Listener."""
        if self._network.listeners.get(self.address) is self:
            del self._network.listeners[self.address]
            self._close_waiting()
        await trio.lowlevel.checkpoint()

    def _close_waiting(self) -> None:
        self.arrivals.close()
        for _ in range(self._accepted.statistics().current_buffer_used):
            self._accepted.receive_nowait().close()


class MemoryNetwork:
    """The names of one process's listeners."""

    def __init__(self) -> None:
        self.listeners: dict[str, MemoryListener] = {}
        self._ports = count(1)

    def transport(
        self, host: str, message_bytes_max: int = LINK_MESSAGE_BYTES_MAX
    ) -> "MemoryTransport":
        """The transport of one host, whose links carry its name."""
        return MemoryTransport(self, host, message_bytes_max)

    def free_port(self) -> int:
        """A number no listener had before."""
        return next(self._ports)


class MemoryTransport:
    """Makes links on a MemoryNetwork; addresses are `mem://<host>:<port>`."""

    def __init__(self, network: MemoryNetwork, host: str, message_bytes_max: int) -> None:
        self._network = network
        self._host = host
        self._message_bytes_max = message_bytes_max

    async def dial(self, address: str, reach: Reach = Reach.NOWHERE) -> Link:
        """See Transport."""
        await trio.lowlevel.checkpoint()
        listener = self._network.listeners.get(str(parse_endpoint(address, SCHEME)))
        if listener is None:
            raise LinkClosed(f"{address}: nobody listens there")
        to_them, from_us = trio.open_memory_channel[bytes](MESSAGES_BUFFERED)
        to_us, from_them = trio.open_memory_channel[bytes](MESSAGES_BUFFERED)
        here = f"{SCHEME}://{self._host}"
        try:
            listener.arrivals.send_nowait(
                MemoryLink(here, to_us, from_us, listener.message_bytes_max)
            )
        except trio.WouldBlock:
            raise LinkClosed(f"{address}: {BACKLOG} links wait to be accepted") from None
        return MemoryLink(address, to_them, from_them, self._message_bytes_max)

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        await trio.lowlevel.checkpoint()
        endpoint = parse_endpoint(address, SCHEME)
        port = endpoint.port or self._network.free_port()
        address = f"{SCHEME}://{endpoint.host}:{port}"
        if address in self._network.listeners:
            raise LinkClosed(f"{address} is taken")
        listener = MemoryListener(self._network, address, self._message_bytes_max)
        self._network.listeners[address] = listener
        return listener
