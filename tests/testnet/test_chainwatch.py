"""Following a chain from outside, in virtual time."""

import pytest
import trio
from trio.testing import MockClock

from testnet.asking import BlockContent
from testnet.chainwatch import ChainWatch
from testnet.errors import LaunchFailure
from tests.testnet.fake_network import FakeNetwork


def grow(network: FakeNetwork, *names: str, on: BlockContent | None = None) -> None:
    """Blocks with one transaction each, the first on the head or on the given one."""
    for name in names:
        parent = on or network.blocks[-1]
        network.add(BlockContent(name, parent.id, parent.height + 1, (name.encode(),), ()))
        on = None


class Watching:
    """A watch that runs, and what it has told."""

    def __init__(self, network: FakeNetwork, nursery: trio.Nursery) -> None:
        self.watch = ChainWatch(network, list(network.nodes))
        self.told: list[bytes] = []
        self._nursery = nursery

    async def begin(self) -> "Watching":
        await self._nursery.start(self.watch.run, self.told.extend)
        return self


async def test_it_begins_at_the_head_and_tells_each_block_once(autojump_clock: MockClock) -> None:
    network = FakeNetwork("a")
    grow(network, "old")
    async with trio.open_nursery() as nursery:
        watching = await Watching(network, nursery).begin()
        grow(network, "one", "two", "three")  # two of them nobody hears of by themselves
        await watching.watch.wait_block(5.0)
        grow(network, "four")
        await watching.watch.wait_block(5.0)
        assert watching.told == [b"one", b"two", b"three", b"four"]
        nursery.cancel_scope.cancel()


async def test_a_block_on_another_branch_is_told_as_well(autojump_clock: MockClock) -> None:
    network = FakeNetwork("a")
    grow(network, "one")
    async with trio.open_nursery() as nursery:
        watching = await Watching(network, nursery).begin()
        fork = network.blocks[-1]
        grow(network, "left")
        await watching.watch.wait_block(5.0)
        grow(network, "right-1", "right-2", on=fork)
        await watching.watch.wait_block(5.0)
        assert watching.told == [b"left", b"right-1", b"right-2"]
        nursery.cancel_scope.cancel()


async def test_the_next_node_is_asked_when_one_dies(autojump_clock: MockClock) -> None:
    network = FakeNetwork("a", "b")
    async with trio.open_nursery() as nursery:
        watching = await Watching(network, nursery).begin()
        network.kill("a")
        grow(network, "one")
        await watching.watch.wait_block(5.0)
        assert watching.told == [b"one"]
        assert network.nodes["b"].requests
        nursery.cancel_scope.cancel()


async def test_waiting_for_a_block_ends_with_the_time(autojump_clock: MockClock) -> None:
    network = FakeNetwork("a")
    async with trio.open_nursery() as nursery:
        watching = await Watching(network, nursery).begin()
        await watching.watch.wait_block(1.0)  # the head it began at
        began = trio.current_time()
        await watching.watch.wait_block(5.0)
        assert trio.current_time() == pytest.approx(began + 5.0)
        nursery.cancel_scope.cancel()


async def test_a_chain_is_what_came_since_the_beginning(autojump_clock: MockClock) -> None:
    network = FakeNetwork("a")
    grow(network, "old")
    async with trio.open_nursery() as nursery:
        watching = await Watching(network, nursery).begin()
        grow(network, "one", "two")
        found = await watching.watch.chain("a", 3)
        assert found == network.blocks[2:]
        network.kill("a")
        with pytest.raises(LaunchFailure, match="a stopped answering"):
            await watching.watch.chain("a", 3)
        nursery.cancel_scope.cancel()
