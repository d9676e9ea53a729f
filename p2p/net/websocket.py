"""The transport between processes: binary websocket messages over TCP streams we own.

We open and close the TCP stream ourselves. *Why:* a client that closes only the websocket leaves
its socket open when the server closed first.
"""

from urllib.parse import urlsplit

import trio
from trio_websocket import (
    ConnectionClosed,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)

from p2p.net.transport import LINK_MESSAGE_BYTES_MAX, Link, LinkClosed, Listener

SCHEME = "ws"
RECEIVE_BUFFER_BYTES = 64 * 1024
# Handshakes in progress at a listener: an honest burst after a restart, not a flood.
HANDSHAKES_MAX = 64
HANDSHAKE_S = 5.0
CLOSE_S = 1.0  # a closing handshake is a courtesy; a dead peer does not get longer
BACKLOG = 128


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `ws://host:port`. Raises LinkClosed, saying what is wrong."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise LinkClosed(f"{address!r} is not an address: {error}") from None
    if parts.scheme != SCHEME or not host or port is None:
        raise LinkClosed(f"{address!r} is not an address of the form ws://host:port")
    return host, port


class WebSocketLink:
    """A link over one websocket connection."""

    def __init__(self, remote: str, socket: WebSocketConnection, stream: trio.SocketStream) -> None:
        self.remote = remote
        self._socket = socket
        self._stream = stream

    async def send(self, data: bytes) -> None:
        """See Link."""
        if len(data) > LINK_MESSAGE_BYTES_MAX:
            raise LinkClosed(f"{len(data)} bytes, a link carries {LINK_MESSAGE_BYTES_MAX} at once")
        try:
            await self._socket.send_message(data)
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkClosed(_explain(error)) from None

    async def receive(self) -> bytes:
        """See Link."""
        try:
            message = await self._socket.get_message()
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkClosed(_explain(error)) from None
        if isinstance(message, str):
            await self.aclose()
            raise LinkClosed("a text message came; this protocol is binary")
        return bytes(message)

    async def aclose(self) -> None:
        """See Link."""
        with trio.move_on_after(CLOSE_S):
            await self._socket.aclose()
        await trio.aclose_forcefully(self._stream)


class WebSocketListener:
    """Accepts TCP connections and their websocket handshakes, several at a time."""

    def __init__(self, host: str, listener: trio.SocketListener) -> None:
        port = listener.socket.getsockname()[1]
        self.address = f"{SCHEME}://{host}:{port}"
        self._listener = listener
        self._arrivals, self._accepted = trio.open_memory_channel[WebSocketLink](0)
        self._handshakes = trio.Semaphore(HANDSHAKES_MAX)

    async def serve(self, nursery: trio.Nursery) -> None:
        """Accept until closed; links live in `nursery`."""
        async with self._arrivals:
            while True:
                await self._handshakes.acquire()
                try:
                    stream = await self._listener.accept()
                except (trio.ClosedResourceError, OSError):
                    return
                nursery.start_soon(self._shake, stream, nursery)

    async def _shake(self, stream: trio.SocketStream, nursery: trio.Nursery) -> None:
        link: WebSocketLink | None = None
        try:
            with trio.move_on_after(HANDSHAKE_S):
                host, port = stream.socket.getpeername()[:2]
                request = await wrap_server_stream(
                    nursery,
                    stream,
                    max_message_size=LINK_MESSAGE_BYTES_MAX,
                    receive_buffer_size=RECEIVE_BUFFER_BYTES,
                )
                socket = await request.accept()
                link = WebSocketLink(f"{SCHEME}://{host}:{port}", socket, stream)
        except (HandshakeError, ConnectionClosed, trio.BrokenResourceError, OSError):
            link = None  # a stranger that does not speak websocket; nothing is owed to it
        finally:
            self._handshakes.release()
            if link is None:
                await trio.aclose_forcefully(stream)
        if link is not None:
            try:
                await self._arrivals.send(link)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                await link.aclose()

    async def accept(self) -> Link:
        """See Listener."""
        try:
            return await self._accepted.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise LinkClosed(f"{self.address} listens no more") from None

    async def aclose(self) -> None:
        """See Listener."""
        await self._listener.aclose()
        await self._accepted.aclose()


class WebSocketTransport:
    """Makes websocket links, whose reading tasks live in the nursery given."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    async def dial(self, address: str) -> Link:
        """See Transport. The caller bounds the time."""
        host, port = split_address(address)
        try:
            stream = await trio.open_tcp_stream(host, port)
        except OSError as error:
            raise LinkClosed(f"{address}: {error}") from None
        linked = False
        try:
            socket = await wrap_client_stream(
                self._nursery,
                stream,
                f"{host}:{port}",
                "/",
                max_message_size=LINK_MESSAGE_BYTES_MAX,
                receive_buffer_size=RECEIVE_BUFFER_BYTES,
            )
            linked = True
        except (HandshakeError, ConnectionClosed, trio.BrokenResourceError, OSError) as error:
            raise LinkClosed(f"{address}: no websocket there ({error})") from None
        finally:
            if not linked:
                await trio.aclose_forcefully(stream)
        return WebSocketLink(address, socket, stream)

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        host, port = split_address(address)
        try:
            listeners = await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
        except OSError as error:
            raise LinkClosed(f"cannot listen at {address}: {error}") from None
        for extra in listeners[1:]:
            await extra.aclose()
        listener = WebSocketListener(host, listeners[0])
        self._nursery.start_soon(listener.serve, self._nursery)
        return listener


def _explain(error: Exception) -> str:
    if isinstance(error, ConnectionClosed) and error.reason is not None:
        reason = error.reason
        return f"websocket closed: {reason.code} {reason.name} {reason.reason or ''}".rstrip()
    return "the connection is gone"
