"""The plan tells who, where and when for one seed, and what a tier cannot do."""

from dataclasses import replace

import pytest
from hypothesis import given

from testnet.faults.disk import PowerCut
from testnet.faults.link import Delay
from testnet.faults.people import SlowClient
from testnet.scenario.model import (
    AfterFault,
    AtHeight,
    AtTime,
    Expectation,
    Fault,
    Load,
    Mode,
    NetPlan,
    NodeOverride,
    Scenario,
    Tier,
)
from testnet.scenario.plan import plan
from tests.testnet.scenario.drawing import scenarios

DELAY = Delay(by_ms=200)


def scenario_of(*faults: Fault, **changes: object) -> Scenario:
    base = Scenario("demo", "", 60_000, net=NetPlan(nodes=6), faults=faults)
    return replace(base, **changes)


def fault(name: str, at_ms: int = 10_000, for_ms: int = 5_000, on: str = "n1") -> Fault:
    return Fault(name, AtTime(at_ms), for_ms, DELAY, on, "all")


def test_times_follow_from_each_other() -> None:
    chain = [
        fault("a"),
        replace(fault("b"), at=AfterFault("a", 2_000)),
        replace(fault("c", for_ms=0), at=AfterFault("b", 0)),
    ]
    planned = plan(scenario_of(*chain), 1, Tier.NODE).faults
    assert [(f.when.begin_ms, f.when.end_ms) for f in planned] == [
        (10_000, 15_000),
        (17_000, 22_000),
        (22_000, 60_000),
    ]


def test_what_waits_for_a_height_is_told_by_the_run() -> None:
    chain = [replace(fault("a"), at=AtHeight(9)), replace(fault("b"), at=AfterFault("a", 1))]
    planned = plan(scenario_of(*chain), 1, Tier.NODE).faults
    assert [(f.when.begin_ms, f.when.end_ms) for f in planned] == [(None, None)] * 2
    assert planned[0].when.trigger == "height:9"


def test_a_window_opens_when_the_last_passing_fault_has_ended() -> None:
    expected = (Expectation(Mode.WITHIN, "converged", None, 20_000),)
    lasting = scenario_of(fault("a"), fault("b", 20_000), fault("c", for_ms=0))
    (window,) = plan(replace(lasting, expectations=expected), 1, Tier.NODE).expectations
    assert (window.when.begin_ms, window.when.end_ms) == (25_000, 45_000)


def test_a_load_counts_its_transactions_until_the_end() -> None:
    loads = (Load(AtTime(10_000), 60_000, 20.0), Load(AtHeight(5), 10_000, 3.0))
    planned = plan(scenario_of(loads=loads), 1, Tier.NODE).loads
    assert [load.transactions for load in planned] == [1_000, None]


def test_nodes_are_placed_and_overridden_in_order() -> None:
    net = NetPlan(nodes=4, cities=("Moscow", "Cairo"), uplink_bps=1_000)
    overrides = (
        NodeOverride("city:Cairo", city="Jakarta"),
        NodeOverride("city:Jakarta", uplink_bps=0),
    )
    made = plan(scenario_of(net=net, overrides=overrides), 1, Tier.NODE)
    assert made.cast.cities == (
        ("n1", "Moscow"),
        ("n2", "Jakarta"),
        ("n3", "Moscow"),
        ("n4", "Jakarta"),
    )
    assert [uplink for _, uplink in made.uplinks] == [1_000, 0, 1_000, 0]


def test_a_leader_is_told_by_the_run() -> None:
    (planned,) = plan(scenario_of(fault("a", on="leader")), 1, Tier.NODE).faults
    assert planned.on.nodes == ()
    assert planned.to.nodes == ("n1", "n2", "n3", "n4", "n5", "n6")


def test_seeds_draw_their_own_nodes() -> None:
    drawn = [plan(scenario_of(fault("a", on="rand:2")), seed, Tier.NODE) for seed in range(20)]
    assert len({made.faults[0].on.nodes for made in drawn}) > 5


@pytest.mark.parametrize(
    ("tier", "lacks"),
    [
        (Tier.PROCESS, []),
        (Tier.NODE, ["fault 'slow': the node tier cannot do client.slow-reader; use process"]),
        (
            Tier.ENGINE,
            [
                "fault 'slow': the engine tier cannot do client.slow-reader; use process",
                "fault 'cut': the engine tier cannot do disk.power-cut; use node or process",
            ],
        ),
    ],
)
def test_what_a_tier_cannot_do_is_said(tier: Tier, lacks: list[str]) -> None:
    slow = replace(fault("slow"), kind=SlowClient())
    cut = replace(fault("cut"), kind=PowerCut())
    assert list(plan(scenario_of(slow, cut), 1, tier).lacks) == lacks


def test_too_many_nodes_for_a_tier_are_said() -> None:
    many = scenario_of(net=NetPlan(nodes=5_000))
    assert plan(many, 1, Tier.ENGINE).lacks == ()
    assert "at most" in plan(many, 1, Tier.PROCESS).lacks[0]


@given(scenarios())
def test_every_scenario_has_a_plan_on_every_tier(scenario: Scenario) -> None:
    for tier in Tier:
        made = plan(scenario, scenario.seed, tier)
        assert len(made.faults) + len(made.left_out) == len(scenario.faults)
        assert [each.supported for each in made.faults].count(False) <= len(made.lacks)
