"""The transport between processes: binary websocket messages over TCP streams we own.

Rules:
- Each connection lives in a task of its own, with the reading task of the library inside, and
  whatever that raises ends there. *Why:* the library raises what it meets (protocol errors, refused
  handshakes) into the nursery it is given; one stranger's bytes must not end the node.
- We open and close the TCP stream. *Why:* a client that closes only the websocket leaves its
  socket open when the server closed first.
- At most HANDSHAKES_MAX handshakes are open at a listener; one more ends the oldest of the network
  group that has most. *Why:* an honest handshake takes milliseconds, so what is old and many is the
  flood, which is to end itself and nobody else.
- Until a far end is trusted, all bytes from it together are bounded. *Why:* the library knows one
  maximum for the whole life of a connection, and its handshakes are many strangers' at once.
- Frames that carry no whole message have a rate; one more ends the connection. *Why:* the library
  answers pings and keeps pieces by itself, and nobody else's budgets would ever see them.
- A listener outlives accept errors for want of file descriptors (trio.serve_listeners).
"""

from collections.abc import Awaitable, Callable
from typing import NoReturn

import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)

from p2p.net.framing import FrameMeter
from p2p.net.names import LookUp, Names, look_up
from p2p.net.transport import (
    CLOSE_S,
    LINK_MESSAGE_BYTES_MAX,
    STRANGER_BYTES_MAX,
    Endpoint,
    Link,
    LinkClosed,
    Listener,
    parse_endpoint,
)
from p2p.peers.bucket import TokenBucket
from p2p.peers.contact import Reach, group_of
from p2p.peers.gate import oldest_of_most

SCHEME = "ws"
RECEIVE_BUFFER_BYTES = 64 * 1024  # what a socket gives at once; larger only costs memory
HANDSHAKES_MAX = 128
HANDSHAKE_S = 5.0  # a request and an answer, over the slowest link that is of use
EXTRA_FRAMES_RATE = 1.0  # pings, pongs, pieces a second: we send none, another library might
EXTRA_FRAMES_BURST = 64
BACKLOG = 128  # connections the kernel holds for us: a burst of a whole testnet

Shake = Callable[[trio.Nursery, trio.abc.Stream], Awaitable[WebSocketConnection]]


class PacedStream(trio.abc.Stream):
    """A TCP stream that breaks, and says why, when more extra frames come than their rate.

    The same when more than STRANGER_BYTES_MAX come before it is `trusted`.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self.failure: str | None = None
        self.trusted = False
        self._stream = stream
        self._strange = 0
        self._meter = FrameMeter()
        self._extra = TokenBucket(EXTRA_FRAMES_RATE, EXTRA_FRAMES_BURST, trio.current_time())

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See trio.abc.SendStream."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See trio.abc.SendStream."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """See trio.abc.ReceiveStream."""
        data = bytes(await self._stream.receive_some(max_bytes))
        if not self.trusted:
            self._strange += len(data)
            if self._strange > STRANGER_BYTES_MAX:
                self._fail(f"more than {STRANGER_BYTES_MAX} bytes before a handshake was complete")
        extra = self._meter.feed(data, EXTRA_FRAMES_BURST)
        if extra and not self._extra.take(extra, trio.current_time()):
            self._fail(
                f"more than {EXTRA_FRAMES_RATE:.0f} websocket frame a second carried no message"
            )
        return data

    def _fail(self, why: str) -> NoReturn:
        self.failure = why
        raise trio.BrokenResourceError(why)

    async def aclose(self) -> None:
        """See trio.abc.AsyncResource."""
        await self._stream.aclose()


class WebSocketLink:
    """A link over one websocket connection."""

    def __init__(self, remote: str, socket: WebSocketConnection, stream: PacedStream) -> None:
        self.remote = remote
        self.failure: str | None = None
        self._socket = socket
        self._stream = stream

    async def send(self, data: bytes) -> None:
        """See Link."""
        try:
            await self._socket.send_message(data)
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkClosed(self._why(error)) from None

    async def receive(self) -> bytes:
        """See Link."""
        try:
            message = await self._socket.get_message()
        except (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise LinkClosed(self._why(error)) from None
        if isinstance(message, str):
            self.failure = "a text message came; this protocol is binary"
            await self.aclose()
            raise LinkClosed(self.failure)
        return bytes(message)

    def trust(self) -> None:
        """See Link."""
        self._stream.trusted = True

    def _why(self, error: Exception) -> str:
        return self.failure or self._stream.failure or _explain(error)

    async def aclose(self) -> None:
        """See Link."""
        with trio.move_on_after(CLOSE_S):
            await self._socket.aclose()
        await trio.aclose_forcefully(self._stream)


class WebSocketListener:
    """Accepts TCP connections and their websocket handshakes, several at a time."""

    def __init__(
        self, endpoint: Endpoint, listener: trio.SocketListener, carrier: "WebSocketTransport"
    ) -> None:
        self.address = str(endpoint)
        self._listener = listener
        self._carrier = carrier
        self._serving = trio.CancelScope()
        # Connections not yet accepted, by age: those shaking hands, and those waiting.
        self._shaking: dict[trio.CancelScope, str] = {}
        self._arrivals, self._accepted = trio.open_memory_channel[
            tuple[WebSocketLink, trio.CancelScope]
        ](BACKLOG)

    async def serve(self, *, task_status: trio.TaskStatus[list[trio.SocketListener]]) -> None:
        """Accept until closed; connections live in the transport's nursery."""
        with self._serving:
            await trio.serve_listeners(
                self._welcome,
                [self._listener],
                handler_nursery=self._carrier.nursery,
                task_status=task_status,
            )

    async def _welcome(self, stream: trio.SocketStream) -> None:
        """One inbound connection's whole life."""
        scope = trio.CancelScope()
        try:
            host, port = stream.socket.getpeername()[:2]
        except OSError:
            await trio.aclose_forcefully(stream)
            return  # it has left already
        remote = str(Endpoint(SCHEME, host, port))
        self._shaking[scope] = group_of(str(Endpoint(SCHEME, host, 0)))  # its port says nothing
        if len(self._shaking) > HANDSHAKES_MAX:
            oldest = oldest_of_most(self._shaking)
            del self._shaking[oldest]  # now: others may come before it has ended
            oldest.cancel()

        async def shake(home: trio.Nursery, paced: trio.abc.Stream) -> WebSocketConnection:
            limit = self._carrier.message_bytes_max
            request = await wrap_server_stream(
                home, paced, max_message_size=limit, receive_buffer_size=RECEIVE_BUFFER_BYTES
            )
            return await request.accept()

        def opened(link: WebSocketLink) -> None:
            self._shaking.pop(scope, None)
            try:
                self._arrivals.send_nowait((link, scope))
            except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
                scope.cancel()  # nobody accepts any more, or not fast enough

        with scope:
            try:
                await _carry(stream, remote, shake, opened)
            except LinkClosed:
                return  # a stranger that does not speak websocket; nothing is owed to it
            finally:
                self._shaking.pop(scope, None)

    async def accept(self) -> Link:
        """See Listener."""
        try:
            link, _ = await self._accepted.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise LinkClosed(f"{self.address} listens no more") from None
        return link

    async def aclose(self) -> None:
        """See Listener."""
        self._serving.cancel()
        self._arrivals.close()
        for scope in self._shaking:
            scope.cancel()
        for _ in range(self._accepted.statistics().current_buffer_used):
            self._accepted.receive_nowait()[1].cancel()
        await self._listener.aclose()


class WebSocketTransport:
    """Makes websocket links, whose reading tasks live in the nursery given.

    `look_up` resolves the names that strangers gave; see `names`.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        message_bytes_max: int = LINK_MESSAGE_BYTES_MAX,
        look_up: LookUp = look_up,
    ) -> None:
        self.nursery = nursery
        self.message_bytes_max = message_bytes_max
        self._names = Names(look_up)

    async def dial(self, address: str, reach: Reach = Reach.NOWHERE) -> Link:
        """See Transport. The caller bounds the time until there is a TCP connection."""
        endpoint = parse_endpoint(address, SCHEME)
        try:
            if reach is Reach.NOWHERE:
                stream = await trio.open_tcp_stream(endpoint.host, endpoint.port)
            else:
                stream = await self._names.open(endpoint, reach)
        except (OSError, ValueError) as error:
            raise LinkClosed(f"{address}: {error}") from None
        link: WebSocketLink = await self.nursery.start(self._carry_dialled, stream, endpoint)
        return link

    async def _carry_dialled(
        self,
        stream: trio.SocketStream,
        endpoint: Endpoint,
        *,
        task_status: trio.TaskStatus[WebSocketLink],
    ) -> None:
        authority = str(endpoint).removeprefix(f"{SCHEME}://")

        async def shake(home: trio.Nursery, paced: trio.abc.Stream) -> WebSocketConnection:
            return await wrap_client_stream(
                home,
                paced,  # type: ignore[arg-type]  # it takes any stream
                authority,
                "/",
                max_message_size=self.message_bytes_max,
                receive_buffer_size=RECEIVE_BUFFER_BYTES,
            )

        await _carry(stream, str(endpoint), shake, task_status.started)

    async def listen(self, address: str) -> Listener:
        """See Transport."""
        endpoint = parse_endpoint(address, SCHEME)
        try:
            opened = await trio.open_tcp_listeners(
                endpoint.port, host=endpoint.host, backlog=BACKLOG
            )
        except (OSError, ValueError) as error:
            raise LinkClosed(f"cannot listen at {address}: {error}") from None
        first, *others = opened
        for other in others:  # a name with several addresses: one is enough, and has one port
            await other.aclose()
        endpoint = Endpoint(SCHEME, endpoint.host, first.socket.getsockname()[1])
        listener = WebSocketListener(endpoint, first, self)
        await self.nursery.start(listener.serve)
        return listener


async def _carry(
    stream: trio.SocketStream,
    remote: str,
    shake: Shake,
    opened: Callable[[WebSocketLink], None],
) -> None:
    """One connection from its first byte to its last. Raises LinkClosed if it never opens."""
    link: WebSocketLink | None = None
    failure = "the other end hung up during the websocket handshake"
    paced = PacedStream(stream)
    try:
        async with trio.open_nursery() as nursery:
            home, reading = await nursery.start(_read_home, nursery.cancel_scope)
            with trio.move_on_after(HANDSHAKE_S) as handshake:
                reading.set()
                link = WebSocketLink(remote, await shake(home, paced), paced)
                opened(link)
            if handshake.cancelled_caught:
                failure = f"no websocket handshake within {HANDSHAKE_S:.0f} s"
                nursery.cancel_scope.cancel()
    except* Exception as group:  # noqa: BLE001 - the boundary of one connection; its user is told
        failure = "; ".join(_explain(error) for error in _leaves(group))
        if link is not None:
            link.failure = failure
    finally:
        await trio.aclose_forcefully(stream)
    if link is None:
        raise LinkClosed(f"{remote}: {failure}")


async def _read_home(
    connection: trio.CancelScope,
    *,
    task_status: trio.TaskStatus[tuple[trio.Nursery, trio.Event]],
) -> None:
    """A nursery for the library's reading task; when that has ended, so has the connection."""
    async with trio.open_nursery() as home:
        reading = trio.Event()
        task_status.started((home, reading))
        await reading.wait()  # set in the same step of the loop that starts the reading task
    connection.cancel()


def _leaves(group: BaseExceptionGroup[Exception]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _explain(error: Exception) -> str:
    if isinstance(error, ConnectionRejected):
        return f"no websocket there: HTTP status {error.status_code}"
    if not isinstance(error, ConnectionClosed):
        return f"{type(error).__name__}: {error}"
    if error.reason is None:
        return "the connection is gone"
    reason = error.reason
    return f"websocket closed: {reason.code} {reason.name} {reason.reason or ''}".rstrip()
