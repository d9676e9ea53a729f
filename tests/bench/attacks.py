"""What attacks cost the honest: inclusion and propagation with and without each of them.

The nodes stand in the cities of the `brics` profile. *Why:* on a local network everything arrives
within milliseconds, and an attack that made the way twice as long would hardly be seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from testnet.outcome import Outcome
from testnet.scenario.library import open_scenario
from testnet.scenario.model import Scenario
from testnet.simulation.run import simulate

ATTACKS = (
    "eclipse",
    "sybil",
    "withhold",
    "never-serve",
    "spam-transactions",
    "spam-requests",
    "slow-reader-peer",
    "equivocation",
)
CITIES = "brics"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a run's honest nodes, in milliseconds."""

    inclusion_p99: float
    propagation_p99: float


@dataclass(frozen=True, slots=True)
class Cost:
    """An attack, how the run ended, and what honest nodes measured without it and with it."""

    attack: str
    verdict: str
    peace: Percentiles
    attacked: Percentiles


def measure_attacks() -> Iterator[Cost]:
    """One attack after the other, each against the same run without it."""
    for name in ATTACKS:
        scenario = in_cities(open_scenario(name))
        attacked = simulate(scenario, scenario.seed)
        peace = simulate(without_faults(scenario), scenario.seed)
        yield Cost(name, attacked.verdict.value, percentiles(peace), percentiles(attacked))


def in_cities(scenario: Scenario) -> Scenario:
    """The same scenario over the distances between real cities."""
    return replace(scenario, net=replace(scenario.net, latency=CITIES))


def without_faults(scenario: Scenario) -> Scenario:
    """The same network and load, and nobody breaks anything."""
    return replace(scenario, faults=(), expectations=())


def percentiles(outcome: Outcome) -> Percentiles:
    """What a run's figures say. Raises KeyError for a run that measured nothing."""
    known = {figure.name: figure.value for figure in outcome.figures}
    return Percentiles(known["inclusion p99"], known["block propagation p99"])
