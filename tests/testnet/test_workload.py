"""The load generator on a fake network in virtual time: pace, refusals, deaths, the verdict."""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from chain.primitives.keys import KeyPair
from testnet.errors import LaunchFailure
from testnet.groups import ungrouped
from testnet.senders import LoadKind, Sender
from testnet.tally import LoadResult
from testnet.workload import LoadPlan, Workload, share_out
from tests.testnet.fake_network import CHAIN, FakeNetwork


def senders(count: int) -> list[Sender]:
    keys = [KeyPair.from_seed(bytes([number]) * 32) for number in range(1, count + 1)]
    return [Sender(key, key.public, CHAIN, 0) for key in keys]


async def run(
    network: FakeNetwork,
    plan: LoadPlan,
    meanwhile: Callable[[], None] | None = None,
    at_s: float = 0.0,
) -> LoadResult:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(network.run)

        async def act() -> None:
            await trio.sleep(at_s)
            if meanwhile is not None:
                meanwhile()

        nursery.start_soon(act)
        workload = Workload(plan, 1_000, lambda: 0, network, list(network.nodes))
        result = await workload.run(senders(8), lambda tally: None)
        nursery.cancel_scope.cancel()
    return result


async def test_all_are_included_at_the_rate(autojump_clock: trio.testing.MockClock) -> None:
    network = FakeNetwork("a", "b")
    result = await run(network, LoadPlan(rate=50, seconds=10))
    assert (result.submitted, result.included, result.missing) == (500, 500, 0)
    assert 9 < result.seconds < 12
    assert 0 < result.p50_ms <= 1_000
    assert len(network.blocks) > 9


async def test_what_is_refused_for_now_is_offered_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    network = FakeNetwork("a", "b")
    network.nodes["a"].full = 60
    result = await run(network, LoadPlan(rate=20, seconds=5))
    assert (result.submitted, result.included, result.rejected) == (100, 100, 0)


async def test_what_is_refused_to_the_end_is_rejected(
    autojump_clock: trio.testing.MockClock,
) -> None:
    network = FakeNetwork("a")
    network.nodes["a"].full = 10**9
    result = await run(network, LoadPlan(rate=20, seconds=1))
    assert (result.submitted, result.included, result.rejected) == (20, 0, 20)
    assert result.reasons == (("mempool-full", 20),)


async def test_a_node_that_dies_with_what_it_took(autojump_clock: trio.testing.MockClock) -> None:
    network = FakeNetwork("a", "b", "c")
    network.nodes["b"].hoards = True
    result = await run(network, LoadPlan(rate=60, seconds=6), lambda: network.kill("b"), at_s=3.4)
    assert (result.submitted, result.included, result.missing) == (360, 360, 0)


async def test_the_watched_node_dies(autojump_clock: trio.testing.MockClock) -> None:
    network = FakeNetwork("a", "b")
    result = await run(network, LoadPlan(rate=20, seconds=5), lambda: network.kill("a"), at_s=2.5)
    assert (result.submitted, result.included) == (100, 100)


async def test_no_node_answers(autojump_clock: trio.testing.MockClock) -> None:
    network = FakeNetwork("a")
    with pytest.raises(LaunchFailure, match="no node has answered"), ungrouped(LaunchFailure):
        await run(network, LoadPlan(rate=20, seconds=5), lambda: network.kill("a"), at_s=1.0)


async def test_a_mixed_load_pays_and_publishes(autojump_clock: trio.testing.MockClock) -> None:
    result = await run(FakeNetwork("a"), LoadPlan(rate=40, seconds=1, kind=LoadKind.MIXED))
    assert result.included == 40


def test_shares_are_even_and_complete() -> None:
    shares = share_out(3, senders(8), 100)
    assert [share.total for share in shares] == [33, 33, 34]
    assert sum(len(share.senders) for share in shares) == 8
    assert len(share_out(20, senders(8), 100)) == 8
