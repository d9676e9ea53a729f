"""A transport within one process: links are pairs of bounded channels, addresses are names."""

import trio

from p2p.net.transport import LINK_MESSAGE_BYTES_MAX, Link, LinkClosed, Listener

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
    ) -> None:
        self.remote = remote
        self._outbound = outbound
        self._inbound = inbound

    async def send(self, data: bytes) -> None:
        """See Link."""
        if len(data) > LINK_MESSAGE_BYTES_MAX:
            raise LinkClosed(f"{len(data)} bytes, a link carries {LINK_MESSAGE_BYTES_MAX} at once")
        try:
            await self._outbound.send(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise LinkClosed("closed by the other end or by this one") from None

    async def receive(self) -> bytes:
        """See Link."""
        try:
            return await self._inbound.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise LinkClosed("closed by the other end or by this one") from None

    async def aclose(self) -> None:
        """See Link."""
        await self._outbound.aclose()
        await self._inbound.aclose()


def memory_link_pair(left: str, right: str) -> tuple[MemoryLink, MemoryLink]:
    """Two ends of one link; `left` is where the first end is."""
    to_right, from_left = trio.open_memory_channel[bytes](MESSAGES_BUFFERED)
    to_left, from_right = trio.open_memory_channel[bytes](MESSAGES_BUFFERED)
    return MemoryLink(right, to_right, from_right), MemoryLink(left, to_left, from_left)


class MemoryListener:
    """Accepts links dialled to its name."""

    def __init__(self, network: "MemoryNetwork", address: str) -> None:
        self.address = address
        self._network = network
        self.arrivals, self._accepted = trio.open_memory_channel[MemoryLink](BACKLOG)

    async def accept(self) -> Link:
        """See Listener."""
        try:
            return await self._accepted.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise LinkClosed(f"{self.address} listens no more") from None

    async def aclose(self) -> None:
        """See Listener."""
        self._network.listeners.pop(self.address, None)
        await self.arrivals.aclose()


class MemoryNetwork:
    """The names of one process's listeners."""

    def __init__(self) -> None:
        self.listeners: dict[str, MemoryListener] = {}
        self._next = 1

    def transport(self, host: str) -> "MemoryTransport":
        """The transport of one host, whose links carry its name."""
        return MemoryTransport(self, host)

    def free_port(self) -> int:
        """A number no listener had before."""
        self._next += 1
        return self._next


class MemoryTransport:
    """Makes links on a MemoryNetwork; addresses are `mem://<host>:<port>`."""

    def __init__(self, network: MemoryNetwork, host: str) -> None:
        self._network = network
        self._host = host

    async def dial(self, address: str) -> Link:
        """See Transport."""
        await trio.lowlevel.checkpoint()
        listener = self._network.listeners.get(address)
        if listener is None:
            raise LinkClosed(f"{address}: nobody listens there")
        ours, theirs = memory_link_pair(f"mem://{self._host}", address)
        try:
            listener.arrivals.send_nowait(theirs)
        except trio.WouldBlock:
            raise LinkClosed(f"{address}: {BACKLOG} links wait to be accepted") from None
        return ours

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        await trio.lowlevel.checkpoint()
        base, _, port = address.rpartition(":")
        if port == "0":
            address = f"{base}:{self._network.free_port()}"
        if address in self._network.listeners:
            raise LinkClosed(f"{address} is taken")
        listener = self._network.listeners[address] = MemoryListener(self._network, address)
        return listener
