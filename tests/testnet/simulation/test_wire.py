"""The wire of virtual time: order, backpressure, frozen hosts, ends that are heard and unheard."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import trio
import trio.testing

from p2p.net.transport import Link, LinkClosed
from testnet.faults.link import Bandwidth, HalfOpen, Reset, Stall
from testnet.simulation.wire import WINDOW_MESSAGES, Wire, address_of
from testnet.stage import Act
from testnet.weather import Weather, WeatherKind

LATENCY_S = 0.05
HOSTS = ("a", "b")


@dataclass(frozen=True, slots=True)
class Pair:
    """A link that host `a` has dialled to host `b`."""

    wire: Wire
    left: Link
    right: Link

    def begin(self, kind: WeatherKind) -> None:
        act = Act("f", kind, ("a",), ("b",), seed=5)
        self.wire.weather.begin(act, kind, HOSTS, trio.current_time())
        self.wire.changed()

    def end(self) -> None:
        reach = self.wire.weather.reach("f")
        assert reach is not None
        self.wire.weather.end("f")
        self.wire.relieve(reach)
        self.wire.changed()


@asynccontextmanager
async def connected() -> AsyncIterator[Pair]:
    wire = Wire(Weather(lambda src, dst: (LATENCY_S, 0.0), {}, seed=1), random.Random(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wire.run)
        listener = await wire.transport("b").listen(address_of("b"))
        left = await wire.transport("a").dial(address_of("b"))
        yield Pair(wire, left, await listener.accept())
        nursery.cancel_scope.cancel()


async def silent_for(link: Link, seconds: float) -> bool:
    """Whether nothing comes for so long."""
    with trio.move_on_after(seconds) as waiting:
        await link.receive()
    return waiting.cancelled_caught


async def test_messages_arrive_in_order_after_the_latency(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        began_s = trio.current_time()
        assert began_s == pytest.approx(2 * LATENCY_S)  # opening is a round trip
        for number in range(3):
            await pair.left.send(bytes([number]))
        assert [await pair.right.receive() for _ in range(3)] == [b"\0", b"\1", b"\2"]
        assert trio.current_time() == pytest.approx(began_s + LATENCY_S, abs=0.002)
        assert (pair.wire.messages, pair.wire.bytes) == (3, 3)


async def test_a_sender_waits_for_a_peer_that_does_not_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        for _ in range(WINDOW_MESSAGES):
            await pair.left.send(b"x")
        with trio.move_on_after(60) as waiting:
            await pair.left.send(b"one more")
        assert waiting.cancelled_caught
        await pair.right.receive()
        await pair.left.send(b"one more")


async def test_a_frozen_host_gets_everything_when_it_goes_on(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        pair.wire.freeze("b")
        await pair.left.send(b"1")
        await pair.left.send(b"2")
        assert await silent_for(pair.right, 30)
        pair.wire.thaw("b")
        assert [await pair.right.receive(), await pair.right.receive()] == [b"1", b"2"]


async def test_a_stall_holds_and_a_dead_line_loses(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as pair:
        pair.begin(HalfOpen())
        await pair.left.send(b"lost")
        pair.end()
        pair.begin(Stall())
        await pair.left.send(b"held")
        assert await silent_for(pair.right, 30)
        pair.end()
        assert await pair.right.receive() == b"held"


async def test_a_narrow_line_gives_up_its_backlog_when_it_is_wide_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        pair.begin(Bandwidth(rate_bps=80))
        for number in range(3):
            await pair.left.send(bytes([number]) * 1_000)
        assert await silent_for(pair.right, 30)
        ended_s = trio.current_time()
        pair.end()
        await pair.left.send(b"after")
        came = [await pair.right.receive() for _ in range(4)]
        assert came == [*(bytes([number]) * 1_000 for number in range(3)), b"after"]
        assert trio.current_time() == pytest.approx(ended_s + LATENCY_S, abs=0.002)


async def test_an_end_is_heard_after_all_that_was_sent_before(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        await pair.left.send(b"last")
        await pair.left.aclose()
        assert await pair.right.receive() == b"last"
        with pytest.raises(LinkClosed):
            await pair.right.receive()
        assert pair.wire.links_of("a") == 0


async def test_who_is_gone_without_a_word_is_not_missed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        pair.wire.sever("a", silent=True)
        assert await silent_for(pair.right, 60)
        with pytest.raises(LinkClosed, match="gone"):
            await pair.left.send(b"from the grave")


async def test_a_reset_ends_both_sides_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as pair:
        pair.begin(Reset())
        pair.wire.reset("f")
        for link in (pair.left, pair.right):
            with pytest.raises(LinkClosed, match="reset"):
                await link.receive()


async def test_nobody_is_reached_where_nobody_listens(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        with pytest.raises(LinkClosed, match="nobody listens"):
            await pair.wire.transport("b").dial(address_of("a"))
        with pytest.raises(LinkClosed, match="taken"):
            await pair.wire.transport("b").listen(address_of("b"))
