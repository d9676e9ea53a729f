"""What attacks cost the honest: inclusion and propagation with and without each of them."""

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
FIGURES = ("inclusion-p99", "propagation-p99")


@dataclass(frozen=True, slots=True)
class Cost:
    """The 99th percentiles in milliseconds, in peace and under attack."""

    attack: str
    verdict: str
    peace_ms: tuple[float, ...]
    attack_ms: tuple[float, ...]


def measure_attacks() -> Iterator[Cost]:
    """One attack after the other, each against the same run without it."""
    for name in ATTACKS:
        scenario = open_scenario(name)
        attacked = simulate(scenario, scenario.seed)
        peace = simulate(without_faults(scenario), scenario.seed)
        yield Cost(name, attacked.verdict.value, percentiles(peace), percentiles(attacked))


def without_faults(scenario: Scenario) -> Scenario:
    """The same network and load, and nobody breaks anything."""
    return replace(scenario, faults=(), expectations=())


def percentiles(outcome: Outcome) -> tuple[float, ...]:
    """The figures of FIGURES; a figure that a run does not have is not a number."""
    known = {figure.name: figure.value for figure in outcome.figures}
    return tuple(known.get(name, float("nan")) for name in FIGURES)
