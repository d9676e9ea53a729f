"""A whole bench, small: real nodes on loopback, in two processes, with blocks."""

import os
import signal
from contextlib import closing
from multiprocessing.connection import Connection, Pipe

import pytest
import trio
from trio.testing import MockClock

from testnet.bench.conductor import bounded, casts, run_gossip, seated
from testnet.bench.host import LINKED_S, Host
from testnet.bench.orders import Cast, Ready
from testnet.bench.plan import GossipPlan
from testnet.errors import LaunchFailure
from testnet.founding import make_genesis
from testnet.ports import PortReservations
from testnet.spec import LaunchSpec


def say_whether_deaf(cast: Cast, pipe: Connection) -> None:
    """A place that has no nodes."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    pipe.send(Ready("deaf" if signal.SIGINT in blocked else "hears Ctrl-C"))


def parts(plan: GossipPlan, ports: PortReservations) -> list[Cast]:
    spec = LaunchSpec("bench", 1, plan.nodes, authorities=plan.nodes)
    return casts(plan, spec, make_genesis(spec, 1_000), ports)


def test_ctrl_c_is_for_the_conductor_alone() -> None:
    with (
        closing(PortReservations()) as ports,
        pytest.raises(LaunchFailure, match="deaf"),
        seated(parts(GossipPlan(2), ports), [say_whether_deaf]),
    ):
        pytest.fail("nobody was ready")


@pytest.mark.parametrize("last_words", [b"", b"\0\0"], ids=["silent", "within an order"])
@pytest.mark.parametrize("processes", [1, 2], ids=["linked", "waits for links"])
async def test_a_host_whose_conductor_is_gone_ends_whatever_it_does(
    processes: int, last_words: bytes, autojump_clock: MockClock
) -> None:
    with closing(PortReservations()) as ports:
        cast, *_ = parts(GossipPlan(2, processes=processes), ports)
    ours, theirs = Pipe()
    os.write(ours.fileno(), last_words)
    ours.close()
    with closing(theirs):
        await Host(cast, theirs).run()
    assert trio.current_time() < LINKED_S


def test_a_small_bench_delivers_everything_and_keeps_the_order_in_blocks() -> None:
    plan = GossipPlan(
        nodes=5,
        burst=60,
        rate=20.0,
        processes=2,
        from_one=True,
        block_ms=500,
        idle_s=0.1,
        unloaded=3,
        steady_s=0.2,
    )
    told: list[str] = []
    run = run_gossip(plan, told.append)
    assert [phase.delivered for phase in (run.unloaded, run.steady, run.burst)] == [1.0, 1.0, 1.0]
    assert (run.unloaded.sent, run.steady.sent, run.burst.sent) == (3, 4, 60)
    assert (run.disconnects, run.bans, run.refused) == (0, 0, ())
    assert run.linked_s > 0
    assert run.burst.copies > 0.5
    assert run.burst.wire_bytes > plan.size
    assert run.burst.cpu_ms > 0
    assert run.blocks is not None
    assert (run.blocks.included, run.blocks.in_order) == (60, True)
    assert told[0] == "settling"


@pytest.mark.parametrize(
    ("nodes", "processes", "block_ms", "most"),
    [(32, 1, 1_000, 31), (32, 2, 1_000, 62), (128, 1, 200, 1), (5, 2, 500, 166)],
)
def test_blocks_are_so_small_that_all_nodes_of_a_process_execute_them_in_a_slot(
    nodes: int, processes: int, block_ms: int, most: int
) -> None:
    plan = GossipPlan(nodes, processes=processes, block_ms=block_ms)
    genesis = make_genesis(LaunchSpec("bench", 1, nodes, authorities=4, block_ms=block_ms), 0)
    parameters = bounded(genesis, plan).parameters
    assert parameters.block_transactions_max == most
    assert parameters.block_bytes_max == genesis.parameters.block_bytes_max
