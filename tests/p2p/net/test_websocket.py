"""What strangers can do to a websocket node: nothing that anybody else would notice."""

import contextlib
import os
import random
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from p2p.net.transport import Link, LinkClosed, Listener, parse_endpoint
from p2p.net.websocket import (
    EXTRA_FRAMES_BURST,
    HANDSHAKE_S,
    HANDSHAKES_MAX,
    WebSocketTransport,
)

ANYWHERE = "ws://127.0.0.1:0"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
GREETINGS = {
    "nothing": b"",
    "a line": b"hello\r\n\r\n",
    "plain HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "another method": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "a wrong version": UPGRADE.replace(b"Version: 13", b"Version: 99"),
    "a TLS hello": bytes.fromhex("16030100c8010000c40303"),
    "an endless header": b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000,
    "binary noise": random.Random(1).randbytes(5000),
}
FRAMES = {
    "a reserved opcode": bytes([0x83, 0x80, 0, 0, 0, 0]),
    "an unmasked frame": bytes([0x82, 0x01, 0x00]),
    "a stray continuation": bytes([0x80, 0x80, 0, 0, 0, 0]),
    "a compressed frame": bytes([0xC2, 0x81, 0, 0, 0, 0, 0]),
    "an endless length": bytes([0x82, 0xFF]) + b"\xff" * 8 + bytes(4),
    "a long ping": bytes([0x89, 0xFE, 0x01, 0x00]) + bytes(4 + 256),
    "a close with a wrong code": bytes([0x88, 0x82, 0, 0, 0, 0, 0, 1]),
    "a close with half a code": bytes([0x88, 0x81, 0, 0, 0, 0, 3]),
    "text that is not UTF-8": bytes([0x81, 0x81, 0, 0, 0, 0, 0xFF]),
    "text": bytes([0x81, 0x81, 0, 0, 0, 0, 0x41]),
    "binary noise": random.Random(2).randbytes(5000),
}


async def connect(listener: Listener) -> trio.SocketStream:
    """A raw TCP connection to a listener."""
    endpoint = parse_endpoint(listener.address, "ws")
    return await trio.open_tcp_stream(endpoint.host, endpoint.port)


async def drain(stream: trio.SocketStream) -> bytes:
    """Whatever the other side says until it hangs up."""
    said = b""
    try:
        while chunk := await stream.receive_some(65_536):
            said += chunk
    except trio.BrokenResourceError:
        pass  # hung up without reading everything
    return said


async def say(stream: trio.SocketStream, data: bytes) -> None:
    """Send what the other side may have stopped listening to."""
    with contextlib.suppress(trio.BrokenResourceError):
        await stream.send_all(data)


async def check_serves(transport: WebSocketTransport, listener: Listener) -> None:
    """An honest link goes through."""
    link = await transport.dial(listener.address)
    accepted = await listener.accept()
    await link.send(b"honest")
    assert await accepted.receive() == b"honest"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.aclose)
        nursery.start_soon(accepted.aclose)


@pytest.mark.parametrize("greeting", GREETINGS.values(), ids=list(GREETINGS))
async def test_strangers_at_the_listener_end_alone(
    nursery: trio.Nursery, greeting: bytes, impatient_clock: trio.testing.MockClock
) -> None:
    transport = WebSocketTransport(nursery)
    listener = await transport.listen(ANYWHERE)
    async with await connect(listener) as quits, await connect(listener) as stays:
        await say(quits, greeting)
        await quits.aclose()
        await say(stays, greeting)
        began = trio.current_time()
        assert b"101" not in await drain(stays)
        assert trio.current_time() - began <= HANDSHAKE_S + 0.1
    await check_serves(transport, listener)
    await listener.aclose()


@pytest.mark.parametrize("frame", FRAMES.values(), ids=list(FRAMES))
async def test_frames_of_a_stranger_end_its_own_link_alone(
    nursery: trio.Nursery, frame: bytes, impatient_clock: trio.testing.MockClock
) -> None:
    transport = WebSocketTransport(nursery, message_bytes_max=1_000_000)
    listener = await transport.listen(ANYWHERE)
    async with await connect(listener) as stranger:
        await stranger.send_all(UPGRADE)
        link = await listener.accept()
        await say(stranger, frame)
        with trio.move_on_after(60) as waiting, pytest.raises(LinkClosed) as closed:
            await link.receive()
        assert waiting.cancelled_caught or closed.value.reason
        await check_serves(transport, listener)
        await link.aclose()
    await listener.aclose()


async def serve_raw(
    nursery: trio.Nursery, handle: Callable[[trio.SocketStream], Awaitable[None]]
) -> str:
    """A TCP server that is no node; its address."""
    (server,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, [server])
    return f"ws://127.0.0.1:{server.socket.getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "hung up"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP status 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP status 200"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "handshake|Error|hung up"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "Error|hung up"),
        (random.Random(3).randbytes(5000), "Error|hung up"),
    ],
)
async def test_dialling_what_is_no_node_fails_alone(
    nursery: trio.Nursery, answer: bytes, reason: str
) -> None:
    transport = WebSocketTransport(nursery)

    async def handle(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await say(stream, answer)

    address = await serve_raw(nursery, handle)
    with pytest.raises(LinkClosed, match=reason):
        await transport.dial(address)
    nursery.cancel_scope.cancel()


async def test_a_server_that_never_answers_is_given_up(
    nursery: trio.Nursery, impatient_clock: trio.testing.MockClock
) -> None:
    transport = WebSocketTransport(nursery)

    async def handle(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    address = await serve_raw(nursery, handle)
    with pytest.raises(LinkClosed, match="no websocket handshake within 5 s"):
        await transport.dial(address)
    nursery.cancel_scope.cancel()


async def test_nobody_there(nursery: trio.Nursery) -> None:
    transport = WebSocketTransport(nursery)
    for address in ("ws://127.0.0.1:1", f"ws://{'x' * 70}.invalid:1", "ws://127.0.0.256:1"):
        with pytest.raises(LinkClosed, match=address):
            await transport.dial(address)


async def test_a_flood_of_handshakes_does_not_lock_anybody_out(nursery: trio.Nursery) -> None:
    transport = WebSocketTransport(nursery)
    listener = await transport.listen(ANYWHERE)
    flood = [await connect(listener) for _ in range(2 * HANDSHAKES_MAX)]
    await check_serves(transport, listener)
    with trio.fail_after(HANDSHAKE_S / 2):
        for stream in flood[:HANDSHAKES_MAX]:
            assert await drain(stream) == b"", "the oldest made way, each for another one"
    for stream in flood:
        await stream.aclose()
    await listener.aclose()


async def test_a_text_message_ends_the_link(
    nursery: trio.Nursery, impatient_clock: trio.testing.MockClock
) -> None:
    transport = WebSocketTransport(nursery)
    listener = await transport.listen(ANYWHERE)
    async with await connect(listener) as stranger:
        await stranger.send_all(UPGRADE)
        link = await listener.accept()
        async with trio.open_nursery() as tasks:
            tasks.start_soon(drain, stranger)
            await stranger.send_all(FRAMES["text"])
            with pytest.raises(LinkClosed, match="a text message came"):
                await link.receive()
            await stranger.aclose()
        await link.aclose()
    await listener.aclose()


EXTRAS = {
    "pings": bytes([0x89, 0x80, 0, 0, 0, 0]),
    "pongs": bytes([0x8A, 0x80, 0, 0, 0, 0]),
    "pieces": bytes([0x00, 0x80, 0, 0, 0, 0]),
}


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=list(EXTRAS))
async def test_frames_that_carry_no_message_have_a_rate(
    nursery: trio.Nursery, extra: bytes, impatient_clock: trio.testing.MockClock
) -> None:
    transport = WebSocketTransport(nursery)
    listener = await transport.listen(ANYWHERE)
    async with await connect(listener) as stranger:
        await stranger.send_all(UPGRADE)
        link = await listener.accept()
        begun = bytes([0x02, 0x80, 0, 0, 0, 0]) if extra is EXTRAS["pieces"] else b""
        async with trio.open_nursery() as tasks:
            tasks.start_soon(drain, stranger)
            await say(stranger, begun + extra * (EXTRA_FRAMES_BURST + 1))
            with pytest.raises(LinkClosed, match="more than 1 websocket frame a second"):
                await link.receive()
            await link.aclose()
        await check_serves(transport, listener)
    await listener.aclose()


async def test_a_few_pings_are_no_flood(nursery: trio.Nursery) -> None:
    transport = WebSocketTransport(nursery)
    listener = await transport.listen(ANYWHERE)
    async with await connect(listener) as stranger:
        await stranger.send_all(UPGRADE)
        link = await listener.accept()
        message = bytes([0x82, 0x81, 0, 0, 0, 0, 0x41])
        await stranger.send_all(EXTRAS["pings"] * EXTRA_FRAMES_BURST + message)
        assert await link.receive() == b"A"
        await stranger.aclose()
        await link.aclose()
    await listener.aclose()


async def test_ipv6_addresses_have_brackets(nursery: trio.Nursery) -> None:
    transport = WebSocketTransport(nursery)
    try:
        listener = await transport.listen("ws://[::1]:0")
    except LinkClosed:
        pytest.skip("this machine has no IPv6")
    assert listener.address.startswith("ws://[::1]:")
    await check_serves(transport, listener)
    await listener.aclose()


def open_sockets() -> int:
    """Sockets this process has open."""
    links = (os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd"))
    return sum(os.path.islink(link) and os.readlink(link).startswith("socket:") for link in links)


async def test_no_socket_is_left_whatever_happened() -> None:
    before = open_sockets()
    async with trio.open_nursery() as nursery:
        transport = WebSocketTransport(nursery)
        listener = await transport.listen(ANYWHERE)
        kept: list[Link] = []
        for _ in range(5):
            kept.append(await transport.dial(listener.address))
            kept.append(await listener.accept())
        await kept[0].aclose()  # one side closes, the other never does
        with trio.CancelScope() as scope:
            scope.cancel()
            await transport.dial(listener.address)
        for _ in range(3):
            await transport.dial(listener.address)  # never accepted
        assert open_sockets() > before
        nursery.cancel_scope.cancel()  # the node stops in the middle of everything
    assert open_sockets() == before
