"""Studies: what percentiles are, that everybody is reached, that strangers are seen."""

import math

import pytest

from chain.primitives.hashing import Hash
from testnet.engines.study import (
    LEAD_S,
    Percentiles,
    Setup,
    Spread,
    Trial,
    eclipse,
    measure_blocks,
    measure_siege,
    measure_transactions,
    percentiles,
    sybil,
)

NODES = 40
BESIEGED = Setup(24, dials=4, known=12, inbound_max=8)


def test_a_percentile_is_the_delay_within_which_so_many_arrive() -> None:
    assert percentiles([n / 1_000 for n in range(1, 101)]) == Percentiles(50, 90, 99, 100)
    assert percentiles([0.004, 0.002]) == Percentiles(2, 4, 4, 4)
    assert percentiles([0.001, math.inf]) == Percentiles(1, math.inf, math.inf, math.inf)
    assert percentiles([]).p50 == math.inf


def test_delays_count_from_the_first_who_had_it_and_never_is_infinite() -> None:
    one, two = Hash(b"1" * 32), Hash(b"2" * 32)
    spread = Spread(arrivals={one: {"a": 1.0, "b": 1.5}, two: {"b": 4.0}})
    assert spread.delays_s(["a", "b"]) == [0.0, 0.5, math.inf, 0.0]
    assert spread.delays_s(["a"], since_s=2.0) == [math.inf]


def test_a_block_reaches_everybody_in_the_same_time_every_time() -> None:
    first, again = (measure_blocks(Setup(NODES, dials=4)) for _ in range(2))
    assert first.reached == NODES
    assert NODES * 4 / 2 <= first.links <= NODES * 4
    assert 0 < first.delays.p50 <= first.delays.p90 <= first.delays.p99 <= first.delays.max < 2_000
    assert (first.delays, first.messages) == (again.delays, again.messages)
    assert measure_blocks(Setup(NODES, dials=4, seed=2)).delays != first.delays


def test_distance_is_what_makes_it_slow() -> None:
    near = measure_blocks(Setup(NODES, dials=4, latency="2ms"))
    far = measure_blocks(Setup(NODES, dials=4, latency="100ms"))
    assert near.reached == far.reached == NODES
    assert 10 * near.delays.p50 < far.delays.p50


def test_transactions_reach_everybody() -> None:
    spread = measure_transactions(Setup(NODES, dials=4), 5)
    assert spread.reached == 5 * NODES
    assert spread.delays.max < math.inf


def test_in_peace_nobody_is_a_stranger() -> None:
    calm = measure_siege(BESIEGED, None, Trial(LEAD_S + 25.0))
    assert (calm.strangers_known, calm.strangers_inbound, calm.strangers_outbound) == (0, 0, 0)
    assert calm.missed == 0
    assert calm.delays.max < math.inf


@pytest.mark.parametrize("groups", [1, 16])
def test_an_eclipse_fills_the_victims_inbound_slots_and_not_its_outbound(groups: int) -> None:
    siege = measure_siege(BESIEGED, eclipse(BESIEGED, 12, 60, groups), Trial(LEAD_S + 25.0, "n13"))
    assert siege.strangers_inbound > 0.2
    assert siege.strangers_known > 0
    assert siege.strangers_outbound < 1
    assert siege.missed == 0


def test_a_sybil_crowd_is_seen_by_everybody() -> None:
    crowd = sybil(BESIEGED, 60, 5.0, 4)
    siege = measure_siege(BESIEGED, crowd, Trial(LEAD_S + 25.0, transactions=30))
    assert 0 < siege.strangers_inbound < 1
    assert siege.strangers_eager < 1
    assert siege.captured < BESIEGED.nodes
    assert siege.missed < 0.5
