"""Connections: the hello, the ends they can come to, and what neither may do to anybody else."""

import contextlib
import random
from collections.abc import Callable

import pytest
import trio
import trio.testing

from chain.primitives.errors import Invalid, Malformed, Refusal
from chain.primitives.hashing import Hash
from p2p.net.connection import GOODBYE_S, HELLO_S, WRITE_MAX_S, Connection
from p2p.net.liveness import LOOK_S, SILENT_LOOKS_MAX
from p2p.net.outbox import HIGH_WATER_BYTES, SLOW_S
from p2p.net.transport import CLOSE_S, LinkClosed
from p2p.wire.codec import encode_message
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceTransactions,
    Blocks,
    GetPeers,
    Goodbye,
    Message,
    Peers,
    Ping,
    Pong,
    Transactions,
)
from tests.p2p.net.conftest import Wires, forever
from tests.p2p.net.peers import (
    CHAIN,
    Script,
    end_of,
    ends,
    memory_links,
    scripted,
    secure_links,
)
from tests.p2p.wire.messages import example_hello

SILENCE_S = LOOK_S * (SILENT_LOOKS_MAX + 1)


async def test_both_sides_hear_the_others_hello_and_messages(wires: Wires) -> None:
    hellos = example_hello(agent="left/1"), example_hello(agent="right/1")
    left, right = await ends(await wires.link(), hellos)
    assert left.connection.peer_hello.agent == "right/1"
    assert right.connection.peer_hello.agent == "left/1"
    messages: list[Message] = [Transactions(0, (bytes([n]) * 300,)) for n in range(100)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.run)
        nursery.start_soon(right.run)
        for message in messages:
            left.connection.send(message)
            right.connection.send(message)
        while left.connection.latency_ms is None or right.received != messages:
            await trio.lowlevel.checkpoint()
        left.connection.close("done", "the test is over")
    assert left.received == right.received == messages
    assert left.frames < 10, "what waits goes in one frame"
    assert left.reason == "done: the test is over"
    assert right.reason == "peer-left: done: the test is over"
    assert left.connection.latency_ms is not None
    assert left.connection.bytes_out == right.connection.bytes_in > 30_000


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"network": "other"}, "wrong-network", ("'test'", "'other'")),
        ({"genesis": Hash(b"o" * 32)}, "wrong-genesis", ("67" * 32, "6f" * 32)),
        ({"version_min": 5, "version_max": 6}, "wrong-version", ("1 to 1", "5 to 6")),
    ],
)
async def test_a_mismatch_is_named_on_both_sides(
    wires: Wires, changes: dict[str, object], code: str, values: tuple[str, str]
) -> None:
    theirs = example_hello(**changes)
    links = await wires.link()
    left_link, right_link = await secure_links(links, (CHAIN, theirs.genesis))
    left, right = end_of(left_link), end_of(right_link)
    refusals: list[Refusal] = []

    async def exchange(connection: Connection, hello: object) -> None:
        with pytest.raises(Invalid) as refused:
            await connection.exchange(hello)  # type: ignore[arg-type]
        refusals.append(refused.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(exchange, left.connection, example_hello())
        nursery.start_soon(exchange, right.connection, theirs)
    for refusal in refusals:
        assert refusal.code == code
        assert all(value in refusal.reason for value in values)
    async with trio.open_nursery() as nursery:
        for link in links:
            nursery.start_soon(link.aclose)


async def failing_exchange(*frames: bytes) -> tuple[BaseException, Script]:
    """What becomes of the hello when the peer sends these frames instead."""
    ours, theirs = await secure_links(await memory_links())
    script = Script(theirs)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def say() -> None:
            for frame in frames:
                await theirs.send(frame)

        with pytest.raises((Refusal, LinkClosed)) as failed:
            await end_of(ours).connection.exchange(example_hello())
    await script.hear()
    return failed.value, script


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "frame-messages"),
        (b"\xff", "cbor-non-canonical"),
        (encode_message(Ping(1)), "no-hello"),
        (encode_message(example_hello(genesis=Hash(b"x" * 32))), "false-hello"),
        (encode_message(GetPeers(1)) + encode_message(example_hello()), "no-hello"),
    ],
)
async def test_no_hello_ends_with_a_goodbye_that_says_why(
    frame: bytes, code: str, autojump_clock: trio.testing.MockClock
) -> None:
    error, script = await failing_exchange(frame)
    assert isinstance(error, Malformed)
    assert error.code == code
    assert await script.hear() == [Goodbye(code, error.reason)]


async def test_a_peer_that_refuses_is_quoted_under_a_code_of_ours(
    autojump_clock: trio.testing.MockClock,
) -> None:
    error, _ = await failing_exchange(encode_message(Goodbye("made-up", "for no reason")))
    assert isinstance(error, Invalid)
    assert str(error) == "refused-by-peer: made-up: for no reason"


async def test_no_answer_to_the_hello_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    error, _ = await failing_exchange()
    assert isinstance(error, LinkClosed)
    assert error.reason == "no hello within 5 s"
    assert trio.current_time() == pytest.approx(HELLO_S)


async def test_messages_right_behind_the_hello_are_not_lost(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ours, theirs = await secure_links(await memory_links())
    end, script = end_of(ours), Script(theirs)
    first = AnnounceTransactions((Hash(bytes(32)),))
    await script.say(example_hello(), first)
    await script.say(GetPeers(1))
    await end.connection.exchange(example_hello())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        await trio.testing.wait_all_tasks_blocked()
        assert end.received == [first, GetPeers(1)]
        end.connection.close("done", "")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "frame-messages"),
        (b"\x01", "shape"),
        (encode_message(GetPeers(1)) + b"\x82", "cbor-truncated"),
        (encode_message(example_hello()), "second-hello"),
        (random.Random(1).randbytes(200), "cbor"),
    ],
)
async def test_bad_frames_end_the_connection_with_a_goodbye(
    frame: bytes, code: str, autojump_clock: trio.testing.MockClock
) -> None:
    end, script = await scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        assert isinstance((await script.hear())[0], Ping)
        await script.link.send(frame)
        (goodbye,) = await script.hear()
        assert isinstance(goodbye, Goodbye)
        assert goodbye.code.startswith(code)
    assert end.reason == f"{goodbye.code}: {goodbye.reason}"
    assert end.received == [], "all of a frame or nothing"
    refusal = end.connection.refusal
    assert refusal is not None
    assert refusal.code == goodbye.code
    with pytest.raises(LinkClosed):
        await script.hear()


async def test_a_peer_that_hangs_up_ends_it(autojump_clock: trio.testing.MockClock) -> None:
    end, script = await scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        await script.say(GetPeers(1))
        await script.link.aclose()
    assert end.reason == "link-closed: closed by the other end"
    assert end.connection.refusal is None, "hanging up is no offence"


async def test_pings_are_answered_and_pongs_measured(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, script = await scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        (ping,) = await script.hear()
        assert isinstance(ping, Ping)
        await trio.sleep(0.125)
        await script.say(Pong(ping.nonce + 1), Pong(ping.nonce), Ping(5), Ping(6))
        assert await script.hear() == [Pong(5), Pong(6)]
        assert end.connection.latency_ms == pytest.approx(125)
        end.connection.close("done", "")
    assert end.received == [], "keepalive is nobody else's business"


async def test_a_silent_peer_is_pinged_then_left(autojump_clock: trio.testing.MockClock) -> None:
    end, script = await scripted()
    heard: list[Message] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)

        @nursery.start_soon
        async def listen() -> None:
            while not any(isinstance(message, Goodbye) for message in heard):
                heard.extend(await script.hear())

    assert end.reason == "silent: nothing came for 5 s, three times over"
    assert trio.current_time() == pytest.approx(SILENCE_S, abs=0.1)
    assert [type(message) for message in heard] == [Ping] * 3 + [Goodbye]


async def test_a_busy_handler_holds_the_peer_back_and_is_no_silence(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, script = await scripted()
    done = trio.Event()
    end.wait = lambda: done
    sent = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        with trio.move_on_after(10 * SILENCE_S) as stuck:
            for sent in range(1000):
                await script.say(GetPeers(sent))
        assert stuck.cancelled_caught
        assert end.reason is None, "its own handler was busy, the peer was not silent"
        assert sent < 50, "the peer feels it"
        done.set()
        await trio.testing.wait_all_tasks_blocked()
        assert [message.request for message in end.received] == list(range(sent))  # type: ignore[union-attr]
        end.connection.close("done", "")


async def test_what_a_closing_node_says_last_is_its_goodbye(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, script = await scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(10):
            end.connection.send(Peers(1, (bytes(2000),) * 64))
        end.connection.close("surplus", "9 outbound connections, the target is 8")
        end.connection.close("second", "not said")
        end.connection.send(GetPeers(1))
        heard = [*await script.hear(), *await script.hear()]
    assert heard[-1] == Goodbye("surplus", "9 outbound connections, the target is 8")
    assert [type(message) for message in heard] == [Ping, Goodbye]
    assert end.reason == "surplus: 9 outbound connections, the target is 8"


async def test_closing_before_running_says_goodbye_too(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, script = await scripted()
    end.connection.close("full", "128 of 128 inbound slots are in use")
    await end.run()
    assert await script.hear() == [Goodbye("full", "128 of 128 inbound slots are in use")]
    assert end.reason == "full: 128 of 128 inbound slots are in use"


async def test_a_goodbye_nobody_reads_does_not_hold_up_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, _ = await scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        await stuff(end.connection)
        began = trio.current_time()
        end.connection.close("done", "")
    assert trio.current_time() - began <= GOODBYE_S + CLOSE_S + 0.01


async def stuff(connection: Connection) -> None:
    """Send until the peer, who does not read, holds up the writer."""
    for _ in range(100):
        connection.send(Blocks(1, (bytes(100_000),)))
        await trio.testing.wait_all_tasks_blocked()


async def test_a_peer_that_does_not_read_is_let_go(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, script = await scripted()

    async def keep_talking() -> None:
        while end.reason is None:
            await script.say(GetPeers(1))
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        nursery.start_soon(keep_talking)
        await stuff(end.connection)
        assert end.waiting.bytes > end.connection.queued_bytes, "the frame being written is counted"
        while end.reason is None:
            end.connection.send(AnnounceBlock(bytes(400), bytes(64)))
            await trio.sleep(1)
        assert trio.current_time() <= SLOW_S + 3
        nursery.cancel_scope.cancel()
    assert end.reason.startswith("too-slow: ")
    assert str(HIGH_WATER_BYTES) in end.reason
    assert not end.waiting.bytes, "nothing waits for who has gone"


async def test_one_frame_that_takes_too_long_ends_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    end, script = await scripted()

    async def keep_talking() -> None:
        while end.reason is None:
            await script.say(GetPeers(1))
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        nursery.start_soon(keep_talking)
        for _ in range(40):
            end.connection.send(GetPeers(1))
            await trio.testing.wait_all_tasks_blocked()
        await end.ended.wait()
        nursery.cancel_scope.cancel()
    assert end.reason == "too-slow: one frame took more than 20 s"
    assert trio.current_time() == pytest.approx(WRITE_MAX_S, abs=2)


@pytest.mark.parametrize("kind", [Ping, Pong])
async def test_a_flood_of_control_messages_ends_its_own_connection_alone(
    autojump_clock: trio.testing.MockClock, kind: type[Ping | Pong]
) -> None:
    """Also of somebody who reads every answer: nothing piles up, but it costs us all we have."""
    victim, script = await scripted()
    bystander, other = await scripted()

    async def flood() -> None:
        with contextlib.suppress(LinkClosed):
            await forever(script.say, *(kind(n) for n in range(40)))

    async def read() -> None:
        with contextlib.suppress(LinkClosed):
            await forever(script.hear)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(victim.run)
        nursery.start_soon(bystander.run)
        nursery.start_soon(flood)
        nursery.start_soon(read)
        await victim.ended.wait()
        assert victim.reason is not None
        assert victim.reason.startswith("flood: ")
        assert victim.connection.refusal is not None
        await other.say(GetPeers(9))
        await trio.testing.wait_all_tasks_blocked()
        assert bystander.received == [GetPeers(9)]
        assert bystander.reason is None
        bystander.connection.close("done", "")


async def test_a_stopped_node_says_so(autojump_clock: trio.testing.MockClock) -> None:
    end, script = await scripted()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert [type(message) for message in await script.hear()] == [Ping]
    assert await script.hear() == [Goodbye("shutdown", "this node stops")]
    with pytest.raises(LinkClosed):
        await script.hear()


class Wall:
    """A tap that lets nothing through while it is up."""

    def __init__(self) -> None:
        self.up = True
        self.held = 0

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        return self._pass(frame)

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        return self._pass(frame)

    def _pass(self, frame: bytes) -> bytes:
        self.held += self.up
        return b"" if self.up else frame


async def test_behind_a_tap_a_new_connection_never_gets_past_the_hello(
    autojump_clock: trio.testing.MockClock,
) -> None:
    left, right = await secure_links(await memory_links())
    walled, open_ = end_of(left, Wall()), end_of(right)

    async def fail(connection: Connection) -> None:
        with pytest.raises(LinkClosed, match="no hello within"):
            await connection.exchange(example_hello())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail, walled.connection)
        nursery.start_soon(fail, open_.connection)


async def test_behind_a_tap_an_old_connection_dies_of_silence(
    autojump_clock: trio.testing.MockClock,
) -> None:
    wall = Wall()
    wall.up = False
    left, right = await ends(taps=(wall, None))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.run)
        nursery.start_soon(right.run)
        await trio.sleep(2 * SILENCE_S)
        assert left.reason is None, "peers that are fine stay connected"
        wall.up = True
    assert str(left.reason).startswith("silent: ")
    assert str(right.reason).startswith(("silent: ", "link-closed: "))
    assert trio.current_time() < 4 * SILENCE_S


@pytest.mark.parametrize(
    "breakage",
    [
        lambda end: end.connection.close("done", ""),
        lambda end: None,
    ],
    ids=["closed", "cancelled"],
)
async def test_no_task_outlives_a_connection(
    breakage: Callable[[object], None], autojump_clock: trio.testing.MockClock
) -> None:
    end, _ = await scripted()
    before = trio.lowlevel.current_statistics().tasks_living
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        await trio.testing.wait_all_tasks_blocked()
        breakage(end)
        with trio.move_on_after(GOODBYE_S):
            await end.ended.wait()
        nursery.cancel_scope.cancel()
    assert trio.lowlevel.current_statistics().tasks_living == before
