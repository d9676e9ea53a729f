"""A swarm runs some of its faults, each seed others, and nothing waits for what is left out."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from testnet.scenario.library import open_scenario
from testnet.scenario.model import AfterFault, Scenario
from testnet.scenario.source import parse_scenario
from testnet.scenario.swarm import drawn
from testnet.scenario.text import format_scenario
from tests.testnet.scenario.drawing import scenarios


@given(scenarios(), st.integers(0, 2**63 - 1))
def test_what_is_drawn_is_a_scenario_by_itself(scenario: Scenario, seed: int) -> None:
    played = drawn(replace(scenario, swarm=True), seed)
    assert not played.swarm
    assert drawn(played, seed) is played
    assert {*played.faults} <= {*scenario.faults}
    ids = [fault.id for fault in played.faults]
    waiting = [*played.faults, *played.loads, *played.expectations]
    assert all(item.at.fault in ids for item in waiting if isinstance(item.at, AfterFault))


@given(scenarios())
def test_a_scenario_that_is_no_swarm_is_run_whole(scenario: Scenario) -> None:
    whole = replace(scenario, swarm=False)
    assert drawn(whole, 1) is whole


def test_every_fault_takes_part_for_some_seeds_and_not_for_others() -> None:
    swarm = open_scenario("swarm-12")
    counts = dict.fromkeys((fault.id for fault in swarm.faults), 0)
    for seed in range(100):
        for fault in drawn(swarm, seed).faults:
            counts[fault.id] += 1
    assert all(25 < count < 75 for count in counts.values())


def test_each_seed_of_the_library_swarm_can_be_kept_as_a_file() -> None:
    swarm = open_scenario("swarm-12")
    for seed in range(20):
        played = drawn(swarm, seed)
        assert parse_scenario(format_scenario(played)) == played
