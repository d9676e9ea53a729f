"""What attacks cost the honest: inclusion and propagation with and without each of them.

The nodes stand in the cities of the `brics` profile. *Why:* on a local network everything arrives
within milliseconds, and an attack that made the way twice as long would hardly be seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from testnet.checkers.measures import Measures, percentile
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
# It keeps every rule, so a run counts it among the honest; here it is the attacker, and how late
# things reach it is its own doing.
APART = {"slow-reader-peer": ("n8",)}


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
        apart = APART.get(name, ())
        yield Cost(
            name, attacked.verdict.value, percentiles(peace, apart), percentiles(attacked, apart)
        )


def in_cities(scenario: Scenario) -> Scenario:
    """The same scenario over the distances between real cities."""
    return replace(scenario, net=replace(scenario.net, latency=CITIES))


def without_faults(scenario: Scenario) -> Scenario:
    """The same network and load, and nobody breaks anything."""
    return replace(scenario, faults=(), expectations=())


def percentiles(outcome: Outcome, apart: Sequence[str]) -> Percentiles:
    """What the honest saw, but for those `apart`. Raises IndexError if nothing was measured."""
    measures = Measures(apart)
    for seen in outcome.seen:
        measures.see(seen)
    delays_s = (measures.inclusions_s, measures.blocks.delays_s)
    return Percentiles(*[1_000 * percentile(found_s, 99) for found_s in delays_s])
