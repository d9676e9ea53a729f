"""Swarm testing: each seed draws which of a scenario's faults take part.

Leaving features out finds bugs that having all of them on hides, because faults suppress each other
(Groce et al., "Swarm Testing", ISSTA 2012).
"""

from dataclasses import replace

from testnet.scenario.model import AfterFault, Expectation, Fault, Scenario, Trigger
from testnet.scenario.streams import stream

CHANCE = 0.5
"""Every subset of the faults is equally likely."""


def drawn(scenario: Scenario, seed: int) -> Scenario:
    """The scenario one seed runs: of a swarm some of its faults, unchanged; else all of it.

    What waits for a fault that is left out is left out with it; an expectation then opens when the
    last fault has ended. The result is no swarm, so drawing again changes nothing.
    """
    if not scenario.swarm:
        return scenario
    chosen = [fault for fault in scenario.faults if takes_part(fault, seed)]
    scenario = replace(scenario, swarm=False)
    while (kept := [fault for fault in chosen if can_come(fault.at, chosen)]) != chosen:
        chosen = kept
    return replace(
        scenario,
        faults=tuple(chosen),
        loads=tuple(load for load in scenario.loads if can_come(load.at, chosen)),
        expectations=tuple(reopened(each, chosen) for each in scenario.expectations),
    )


def takes_part(fault: Fault, seed: int) -> bool:
    """The draw of one fault, which no other fault's presence changes."""
    return stream(seed, "swarm", fault.id).random() < CHANCE


def can_come(trigger: Trigger, faults: list[Fault]) -> bool:
    """Whether what the trigger waits for is among the faults."""
    if not isinstance(trigger, AfterFault):
        return True
    return trigger.fault in [fault.id for fault in faults]


def reopened(expectation: Expectation, faults: list[Fault]) -> Expectation:
    """The expectation without a trigger that cannot come."""
    if expectation.at is None or can_come(expectation.at, faults):
        return expectation
    return replace(expectation, at=None)
