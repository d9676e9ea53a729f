"""What every transport must do; the same conversations over memory and over websockets."""

import random

import pytest
import trio
import trio.testing

from p2p.net.transport import CLOSE_S, STRANGER_BYTES_MAX, Link, LinkClosed
from tests.p2p.net.conftest import Wires, forever

SIZES = (0, 1, 125, 126, 65_535, 65_536, 1_000_000)


async def ended(link: Link) -> str:
    """The reason a link gives for its end, which is the same however often it is asked."""
    with pytest.raises(LinkClosed) as first:
        await link.receive()
    with pytest.raises(LinkClosed) as second:
        await link.receive()
    assert first.value.reason == second.value.reason
    return first.value.reason


async def test_messages_arrive_whole_and_in_order_both_ways(wires: Wires) -> None:
    left, right = await wires.link()
    messages = [random.Random(size).randbytes(size) for size in SIZES]
    for sender, receiver in ((left, right), (right, left)):
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def send(sender: Link = sender) -> None:
                for message in messages:
                    await sender.send(message)

            assert [await receiver.receive() for _ in messages] == messages
    await left.aclose()
    await right.aclose()


async def test_messages_of_concurrent_senders_stay_whole(wires: Wires) -> None:
    left, right = await wires.link()
    senders, each, size = 8, 20, 20_000

    async def send(number: int) -> None:
        for index in range(each):
            await left.send(bytes([number, index]) * size)

    async with trio.open_nursery() as nursery:
        for number in range(senders):
            nursery.start_soon(send, number)
        seen: dict[int, int] = dict.fromkeys(range(senders), 0)
        for _ in range(senders * each):
            message = await right.receive()
            number, index = message[:2]
            assert message == bytes([number, index]) * size
            assert index == seen[number], "one sender's messages keep their order"
            seen[number] += 1
    await left.aclose()
    await right.aclose()


@pytest.mark.parametrize("closer", ["dialler", "acceptor"])
async def test_what_was_sent_before_a_close_is_read_before_it_is_seen(
    wires: Wires, closer: str
) -> None:
    left, right = await wires.link()
    closing, other = (left, right) if closer == "dialler" else (right, left)
    async with trio.open_nursery() as nursery:
        for number in range(10):
            await closing.send(bytes([number]))
        nursery.start_soon(closing.aclose)
        assert [await other.receive() for _ in range(10)] == [bytes([n]) for n in range(10)]
        assert await ended(other)
    await other.aclose()


async def test_both_ends_may_close_at_once_and_more_than_once(wires: Wires) -> None:
    left, right = await wires.link()
    async with trio.open_nursery() as nursery:
        for link in (left, right, left, right):
            nursery.start_soon(link.aclose)
    await left.aclose()
    assert await ended(left)
    assert await ended(right)


async def test_closing_wakes_whoever_receives(wires: Wires) -> None:
    left, right = await wires.link()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ended, left)
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.start_soon(left.aclose)
        nursery.start_soon(ended, right)
    await right.aclose()


async def test_sending_on_a_closed_link_is_refused(wires: Wires) -> None:
    left, right = await wires.link()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.aclose)
        await ended(right)
    for link in (left, right):
        with pytest.raises(LinkClosed):
            await link.send(b"late")
    await right.aclose()


@pytest.mark.parametrize("sender", ["dialler", "acceptor"])
async def test_a_huge_message_ends_the_link_at_its_receiver(wires: Wires, sender: str) -> None:
    limit = 100_000
    maxima = {"right_max": limit} if sender == "dialler" else {"left_max": limit}
    left, right = await wires.link(**maxima)
    sending, receiving = (left, right) if sender == "dialler" else (right, left)
    await sending.send(bytes(limit))
    assert len(await receiving.receive()) == limit
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def send() -> None:
            with pytest.raises(LinkClosed):
                await forever(sending.send, bytes(limit + 1))

        assert str(limit) in await ended(receiving)
        await receiving.aclose()
    await ended(sending)
    await sending.aclose()


async def test_an_unproven_end_sends_little_and_a_trusted_one_much(wires: Wires) -> None:
    left, right = await wires.link(trusted=False)
    await left.send(bytes(STRANGER_BYTES_MAX // 2))
    assert len(await right.receive()) == STRANGER_BYTES_MAX // 2
    right.trust()
    await left.send(bytes(STRANGER_BYTES_MAX + 1))
    assert len(await right.receive()) == STRANGER_BYTES_MAX + 1
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def send() -> None:
            with pytest.raises(LinkClosed):
                await forever(right.send, bytes(STRANGER_BYTES_MAX + 1))

        assert str(STRANGER_BYTES_MAX) in await ended(left)
        await left.aclose()
    await ended(right)
    await right.aclose()


async def test_a_half_open_link_can_be_given_up(
    wires: Wires, impatient_clock: trio.testing.MockClock
) -> None:
    left, right = await wires.link()  # `right` neither reads, writes nor closes
    with trio.move_on_after(3600) as waiting:
        await left.receive()
    assert waiting.cancelled_caught
    began = trio.current_time()
    await left.aclose()
    assert trio.current_time() - began <= CLOSE_S + 0.01
    await right.aclose()


async def test_a_sender_waits_for_a_slow_receiver(
    wires: Wires, impatient_clock: trio.testing.MockClock
) -> None:
    left, right = await wires.link()
    with trio.move_on_after(60) as stuck:
        for _ in range(10_000):
            await left.send(bytes(65_536))
    assert stuck.cancelled_caught, "600 MB went nowhere"
    await right.receive()
    await left.aclose()
    await right.aclose()


async def test_port_0_becomes_a_real_one_and_two_listeners_get_two(wires: Wires) -> None:
    transport = wires.transport("here")
    one, two = [await transport.listen(wires.anywhere) for _ in range(2)]
    assert one.address != two.address
    assert not one.address.endswith(":0")
    with pytest.raises(LinkClosed, match=one.address):
        await transport.listen(one.address)
    for listener in (one, two):
        link = await transport.dial(listener.address)
        accepted = await listener.accept()
        await link.send(listener.address.encode())
        assert await accepted.receive() == listener.address.encode()
        await listener.aclose()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.aclose)
            nursery.start_soon(accepted.aclose)


async def test_a_closed_listener_accepts_no_more_and_its_links_go_on(wires: Wires) -> None:
    transport = wires.transport("here")
    listener = await transport.listen(wires.anywhere)
    left = await transport.dial(listener.address)
    right = await listener.accept()
    unaccepted = await transport.dial(listener.address)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def accept() -> None:
            with pytest.raises(LinkClosed, match="listens no more"):
                await forever(listener.accept)

        await trio.testing.wait_all_tasks_blocked(0.01)
        await listener.aclose()
    await listener.aclose()
    with pytest.raises(LinkClosed, match=listener.address):
        await transport.dial(listener.address)
    await left.send(b"still here")
    assert await right.receive() == b"still here"
    for link in (left, right, unaccepted):
        await link.aclose()


async def test_links_nobody_accepted_end_with_the_listener(wires: Wires) -> None:
    transport = wires.transport("here")
    listener = await transport.listen(wires.anywhere)
    link = await transport.dial(listener.address)
    await listener.aclose()
    assert await ended(link)
    await link.aclose()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "http://127.0.0.1:80",
        "{}://",
        "{}://127.0.0.1",
        "{}://127.0.0.1:port",
        "{}://127.0.0.1:70000",
        "{}://127.0.0.1:80/path",
        "{}://127.0.0.1:80?query",
        "{}://user@127.0.0.1:80",
        "{}://[::1:80",
    ],
)
async def test_what_is_no_address_is_said_to_be_none(wires: Wires, address: str) -> None:
    address = address.format("mem" if wires.kind == "memory" else "ws")
    transport = wires.transport("here")
    with pytest.raises(LinkClosed, match="not an address"):
        await transport.dial(address)
    with pytest.raises(LinkClosed, match="not an address"):
        await transport.listen(address)


async def test_fifty_links_at_one_listener(wires: Wires) -> None:
    transport = wires.transport("here")
    listener = await transport.listen(wires.anywhere)
    links: list[Link] = []

    async def dial() -> None:
        links.append(await transport.dial(listener.address))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(dial)
        accepted = [await listener.accept() for _ in range(50)]
    for number, link in enumerate(links):
        await link.send(bytes([number]))
    assert sorted([await link.receive() for link in accepted]) == [bytes([n]) for n in range(50)]
    await listener.aclose()
    async with trio.open_nursery() as nursery:
        for link in (*links, *accepted):
            nursery.start_soon(link.aclose)


async def test_a_cancelled_receive_loses_nothing(wires: Wires) -> None:
    left, right = await wires.link()
    with trio.CancelScope() as scope:
        scope.cancel()
        await right.receive()
    await left.send(b"kept")
    assert await right.receive() == b"kept"
    await left.aclose()
    await right.aclose()
