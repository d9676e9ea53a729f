"""Chance by (seed, purpose, entity): independent, repeatable, the same on every machine."""

from dataclasses import replace

from hypothesis import given

from testnet.scenario.casting import cast_of, sides
from testnet.scenario.model import Scenario
from testnet.scenario.selectors import needs_run
from testnet.scenario.streams import number, stream
from testnet.scenario.swarm import drawn
from tests.testnet.scenario.drawing import scenarios


def test_the_same_names_give_the_same_draws() -> None:
    assert stream(1, "nodes", "cut").random() == stream(1, "nodes", "cut").random()


def test_any_other_name_gives_other_draws() -> None:
    seeds = [number(1, "nodes", "cut"), number(2, "nodes", "cut"), number(1, "node", "scut")]
    seeds += [number(1, "nodes", "cut2"), number(12, "nodes", "cut"), number(1, "nodes")]
    assert len({*seeds}) == len(seeds)


def test_a_stream_is_fixed_for_ever() -> None:
    """A change here would make every recorded seed play another run."""
    assert number(7, "nodes", "cut") == 4055761872469956422
    assert 0 <= number(7, "nodes", "cut") < 2**63


@given(scenarios())
def test_taking_one_fault_out_leaves_what_the_others_drew(scenario: Scenario) -> None:
    for gone in scenario.faults:
        rest = tuple(fault for fault in scenario.faults if fault.id != gone.id)
        smaller = replace(scenario, faults=rest)
        for fault in rest:
            if not needs_run(fault.on):
                before = sides(fault, cast_of(scenario, 7), 7)
                assert sides(fault, cast_of(smaller, 7), 7) == before


@given(scenarios())
def test_a_swarm_draws_each_fault_by_itself(scenario: Scenario) -> None:
    """Whether a fault takes part depends on the seed, its name, and what it waits for."""
    swarm = replace(scenario, swarm=True)
    present = [fault.id for fault in drawn(swarm, 3).faults]
    for gone in scenario.faults:
        rest = tuple(fault for fault in scenario.faults if fault.id != gone.id)
        left = [fault.id for fault in drawn(replace(swarm, faults=rest), 3).faults]
        if gone.id not in present:
            assert left == present
