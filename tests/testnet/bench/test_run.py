"""A whole bench, small: real nodes on loopback, in two processes, with blocks."""

from testnet.bench.conductor import run_gossip
from testnet.bench.plan import GossipPlan


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
