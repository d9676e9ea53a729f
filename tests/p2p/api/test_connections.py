"""What a client may do to the connection it has: spoil it, and no other."""

import pytest
import trio
import trio.testing
from hypercorn.events import Closed, Event, RawData
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from starlette.types import Receive, Scope, Send

from p2p.api.client import Client
from p2p.api.connections import Connections, Server
from p2p.api.server import KEEP_ALIVE_S, base_url, bind, server_config
from p2p.observer import Observer
from tests.p2p.api.test_server import away, served

WEBSOCKET = (
    b"GET /v1/events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"

ATTACKS = {
    "subprotocol of other than ascii": WEBSOCKET + b"Sec-WebSocket-Protocol: \xff\r\n\r\n",
    "a frame before the handshake's end": WEBSOCKET + b"\r\n\x81\x80abcd",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_a_connection_that_fails_takes_nobody_along(attack: bytes) -> None:
    async with served() as live:
        stream = await trio.open_tcp_stream("127.0.0.1", int(live.url.rpartition(":")[2]))
        await stream.send_all(attack)
        await ends(stream)

        def ask() -> None:
            with Client(live.url) as client:
                assert client.status().name == "n0"

        await away(ask)
        assert live.node.observer.total("api_connection", "failed") == 1


async def test_no_other_protocol_is_spoken() -> None:
    async with served() as live:
        for asked in (PREFACE, UPGRADE + b"HTTP2-Settings: AAEC\r\n\r\n"):
            stream = await trio.open_tcp_stream("127.0.0.1", int(live.url.rpartition(":")[2]))
            await stream.send_all(asked)
            await stream.send_eof()
            assert (await ends(stream)).startswith(b"HTTP/1.1 ")
        assert live.node.observer.total("api_connection", "failed") == 0


async def test_subscribers_are_not_offered_compression() -> None:
    """What unpacks to sixty million bytes was unpacked before its length was asked."""
    async with served() as live:
        stream = await trio.open_tcp_stream("127.0.0.1", int(live.url.rpartition(":")[2]))
        await stream.send_all(WEBSOCKET + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
        answer = await stream.receive_some()
        assert answer.startswith(b"HTTP/1.1 101")
        assert b"deflate" not in answer
        await stream.aclose()


@pytest.mark.parametrize("asked", [b"", b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_what_the_client_has_closed_is_closed(asked: bytes) -> None:
    async with served() as live:
        stream = await trio.open_tcp_stream("127.0.0.1", int(live.url.rpartition(":")[2]))
        await stream.send_all(asked)
        if asked:
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        await trio.testing.wait_all_tasks_blocked()
        await stream.send_eof()
        await ends(stream)


async def test_a_request_is_answered_though_nothing_follows_it() -> None:
    async with served() as live:
        stream = await trio.open_tcp_stream("127.0.0.1", int(live.url.rpartition(":")[2]))
        await stream.send_all(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        await stream.send_eof()
        assert b'"recoveries":0}' in await ends(stream)


async def test_connections_beyond_the_limit_are_closed() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    listener, observer = bind("127.0.0.1", 0), Observer("n0")
    port = int(base_url(listener).rpartition(":")[2])
    connections = Connections(app, server_config(), observer, most=1)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connections.serve, listener)
            first = await trio.open_tcp_stream("127.0.0.1", port)
            await answered(first)
            assert not await answers(port)
            assert observer.total("api_connection", "too-many") == 1
            await answered(first)
            await first.aclose()
            while not await answers(port):
                pass  # until it has heard that the first has gone
            nursery.cancel_scope.cancel()


async def answered(stream: trio.SocketStream) -> None:
    """A request on the connection is answered."""
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 204 " in await stream.receive_some()


async def answers(port: int) -> bool:
    """Whether a new connection is answered."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        try:
            await answered(stream)
        except (AssertionError, trio.BrokenResourceError):
            return False
    return True


async def ends(stream: trio.SocketStream) -> bytes:
    """The other side lets go of the connection, long before its idle time is over; what it said."""
    said = b""
    with trio.fail_after(KEEP_ALIVE_S / 2):
        try:
            while more := await stream.receive_some():
                said += more
        except trio.BrokenResourceError:
            pass
    await stream.aclose()
    return said


class Closing:
    """A stream that is being closed by another task."""

    async def send_all(self, data: bytes) -> None:
        raise trio.BusyResourceError("another task is currently sending data on this SocketStream")


class Heard:
    """A protocol that notes what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def handle(self, event: Event) -> None:
        self.events.append(event)


async def test_what_is_said_while_the_connection_closes_is_no_fault_of_the_node() -> None:
    context, state = WorkerContext(None), ConnectionState({})
    server = Server(None, server_config(), context, state, Closing())  # type: ignore[arg-type]
    server.protocol = heard = Heard()  # type: ignore[assignment]
    await server.protocol_send(RawData(b"answer"))
    assert heard.events == [Closed()]
