"""Links in bad weather, over memory and in virtual time; in fine weather see the contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import trio
import trio.testing

from p2p.net.memory import MemoryNetwork
from p2p.net.transport import CLOSE_S, Link, LinkClosed, Listener
from testnet.faults.kinds import Kind
from testnet.faults.link import Bandwidth, CorruptBytes, Delay, HalfOpen, Reset, Stall
from testnet.faults.partition import Partition
from testnet.processes.shaped import HELD_MAX_S, ShapedTransport
from testnet.stage import Act
from testnet.weather import Weather, WeatherKind

LATENCY_S = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """A node `near` that has dialled a node `far`, and the weather between them."""

    weather: Weather
    transport: ShapedTransport
    listener: Listener
    left: Link
    right: Link

    def begin(self, kind: WeatherKind) -> None:
        act = Act("f", kind, ("near",), ("far",), seed=5)
        self.weather.begin(act, kind, ("near", "far"), trio.current_time())
        self.transport.changed()

    def end(self) -> int:
        reach = self.weather.reach("f")
        hits = self.weather.end("f")
        assert reach is not None
        self.transport.relieve(reach)
        self.transport.changed()
        return hits


@asynccontextmanager
async def connected(latency_s: float = 0.0) -> AsyncIterator[Pair]:
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork()
        listener = await network.transport("far").listen("mem://far:1")
        weather = Weather(lambda src, dst: (latency_s, 0.0), {}, seed=1)
        name_of = {listener.address: "far"}.get
        near = ShapedTransport(network.transport("near"), nursery, weather, "near", name_of)
        left = await near.dial(listener.address)
        right = await listener.accept()
        yield Pair(weather, near, listener, left, right)
        nursery.cancel_scope.cancel()


async def arrival_s(link: Link) -> float:
    await link.receive()
    return trio.current_time()


async def test_latency_takes_its_time_each_way_and_for_opening(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected(LATENCY_S) as pair:
        began_s = trio.current_time()
        assert began_s == pytest.approx(2 * LATENCY_S)
        await pair.left.send(b"there")
        assert await arrival_s(pair.right) == pytest.approx(began_s + LATENCY_S)
        await pair.right.send(b"back")
        assert await arrival_s(pair.left) == pytest.approx(began_s + 2 * LATENCY_S)


async def test_messages_on_a_late_line_do_not_wait_for_each_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        pair.begin(Delay(by_ms=1_000))
        for number in range(10):
            await pair.left.send(bytes([number]))
        assert [await pair.right.receive() for _ in range(10)] == [bytes([n]) for n in range(10)]
        assert trio.current_time() == pytest.approx(1.0)
        assert pair.end() == 10


async def test_a_narrow_line_takes_bits_one_after_the_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        pair.begin(Bandwidth(rate_bps=80_000))
        for _ in range(3):
            await pair.left.send(bytes(10_000))
        for _ in range(3):
            await pair.right.receive()
        assert trio.current_time() == pytest.approx(3.0)


async def test_what_a_narrow_line_holds_comes_at_once_when_it_is_wide_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected(LATENCY_S) as pair:
        began_s = trio.current_time()
        pair.begin(Bandwidth(rate_bps=80))
        for number in range(3):
            await pair.left.send(bytes([number]) * 1_000)
        await trio.sleep(10)
        pair.end()
        await pair.left.send(b"after")
        came = [await pair.right.receive() for _ in range(4)]
        assert came == [*(bytes([number]) * 1_000 for number in range(3)), b"after"]
        assert trio.current_time() == pytest.approx(began_s + 10 + LATENCY_S)


@pytest.mark.parametrize("kind", [Stall(), Partition()])
async def test_a_closed_line_holds_what_is_on_it_until_it_opens(
    kind: WeatherKind, autojump_clock: trio.testing.MockClock
) -> None:
    async with connected() as pair:
        pair.begin(kind)
        await pair.left.send(b"held")
        await pair.right.send(b"held as well")
        with trio.move_on_after(30) as waiting:
            await pair.right.receive()
        assert waiting.cancelled_caught
        pair.end()
        assert await pair.right.receive() == b"held"
        assert await pair.left.receive() == b"held as well"


async def test_one_way_cuts_one_way(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as pair:
        pair.begin(Partition(shape="one-way"))
        await pair.left.send(b"cut")
        await pair.right.send(b"passes")
        assert await pair.left.receive() == b"passes"
        with trio.move_on_after(30) as waiting:
            await pair.right.receive()
        assert waiting.cancelled_caught


async def test_half_open_swallows_messages_and_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair:
        pair.begin(HalfOpen())
        await pair.left.send(b"swallowed")
        await pair.right.send(b"swallowed")
        began_s = trio.current_time()
        await pair.left.aclose()
        assert trio.current_time() - began_s == pytest.approx(CLOSE_S)
        with pytest.raises(LinkClosed):  # only when the dialler's kernel gives up as well
            await pair.right.receive()
        assert trio.current_time() - began_s == pytest.approx(HELD_MAX_S)


async def test_a_cut_holds_the_end_of_a_link_too(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as pair:
        pair.begin(Partition())
        await pair.left.aclose()
        with trio.move_on_after(20) as waiting:
            await pair.right.receive()
        assert waiting.cancelled_caught, "nobody at the other side knows"
        pair.end()
        with pytest.raises(LinkClosed):
            await pair.right.receive()


async def test_a_reset_ends_both_sides_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async with connected(LATENCY_S) as pair:
        await pair.left.send(b"lost on the way")
        pair.begin(Reset())
        pair.transport.reset("f")
        with pytest.raises(LinkClosed, match="reset by the network"):
            await pair.left.receive()
        with pytest.raises(LinkClosed):
            await pair.right.receive()
        with pytest.raises(LinkClosed):
            await pair.left.send(b"late")
        assert pair.end() == 1


async def test_damage_is_one_bit(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as pair:
        pair.begin(CorruptBytes(probability=1.0))
        sent = bytes(100)
        await pair.left.send(sent)
        got = await pair.right.receive()
        assert sum(byte.bit_count() for byte in got) == 1
        assert len(got) == len(sent)


@pytest.mark.parametrize(
    ("kind", "passes"),
    [(Partition(), False), (HalfOpen(), False), (Stall(), False), (Delay(by_ms=100), True)],
)
async def test_who_cannot_reach_cannot_dial(
    kind: Kind, passes: bool, autojump_clock: trio.testing.MockClock
) -> None:
    async with connected() as pair:
        assert isinstance(kind, WeatherKind)
        pair.begin(kind)
        with trio.move_on_after(10):
            await pair.transport.dial(pair.listener.address)
            assert passes
            return
        assert not passes


async def test_who_waits_to_dial_gets_through_when_the_cut_ends(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected() as pair, trio.open_nursery() as nursery:
        pair.begin(Partition())
        nursery.start_soon(pair.transport.dial, pair.listener.address)
        await trio.sleep(3)
        pair.end()
        with trio.fail_after(1):
            await pair.listener.accept()


async def test_strangers_have_no_weather(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork()
        listener = await network.transport("far").listen("mem://far:1")
        weather = Weather(lambda src, dst: (10.0, 0.0), {}, seed=1)
        near = ShapedTransport(
            network.transport("near"), nursery, weather, "near", lambda address: None
        )
        await near.dial(listener.address)
        assert trio.current_time() == 0


async def test_a_sender_feels_a_narrow_line(autojump_clock: trio.testing.MockClock) -> None:
    async with connected() as pair, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            while True:
                await pair.right.receive()

        pair.begin(Bandwidth(rate_bps=8_000_000))
        for _ in range(100):
            await pair.left.send(bytes(10_000))
        assert trio.current_time() > 0.5, "a megabyte at a megabyte a second, less the window"
        nursery.cancel_scope.cancel()
