"""Silence, lies, floods and churn: what a network must show, by the files of the library."""

from collections.abc import Iterator
from dataclasses import dataclass

from testnet.checkers.checker import Ground
from testnet.checkers.expulsion import Blame
from testnet.checkers.measures import percentile
from testnet.conditions import spec_of
from testnet.observation import BlockJoined, FaultBegan, FaultEnded, Refused, TransactionOffered
from testnet.outcome import Outcome
from testnet.scenario.casting import cast_of
from testnet.scenario.library import open_scenario
from testnet.simulation.run import genesis_of, simulate

SEEDS = (1, 2, 3)
WAVES = SEEDS[:1]  # of churn, each of which is a trial in itself: one run has enough of them
TRIALS = {
    "silent-10": SEEDS,
    "silent-30": SEEDS,
    "liars-10": SEEDS,
    "liars-30": SEEDS,
    "floods": SEEDS,
    "churn-short": WAVES,
    "churn": WAVES,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One run: its verdict, its figures by name, and p99 of inclusion before and during faults."""

    trial: str
    seed: int
    verdict: str
    figures: dict[str, float]
    before_p99_ms: float
    during_p99_ms: float
    named: dict[str, dict[str, int]]  # hostile node: how often it was blamed for what


def measure_trials() -> Iterator[Shown]:
    """Each trial with each of its seeds, in virtual time."""
    for name, seeds in TRIALS.items():
        for seed in seeds:
            yield shown(simulate(open_scenario(name), seed))


def shown(outcome: Outcome) -> Shown:
    """What a run says of itself."""
    began_s = [seen.at_s for seen in outcome.seen if isinstance(seen.fact, FaultBegan)]
    ended_s = [seen.at_s for seen in outcome.seen if isinstance(seen.fact, FaultEnded)]
    return Shown(
        trial=outcome.scenario.name,
        seed=outcome.seed,
        verdict=outcome.verdict.value,
        figures={figure.name: figure.value for figure in outcome.figures},
        before_p99_ms=inclusion_p99_ms(outcome, 0.0, min(began_s)),
        during_p99_ms=inclusion_p99_ms(outcome, min(began_s), max(ended_s)),
        named=blamed(outcome),
    )


def inclusion_p99_ms(outcome: Outcome, since_s: float, until_s: float) -> float:
    """Of the transactions that were offered then: from the first offer to the first block."""
    offered_s: dict[str, float] = {}
    waits_s: dict[str, float] = {}
    for seen in outcome.seen:
        match seen.fact:
            case TransactionOffered(transaction=transaction) if since_s <= seen.at_s < until_s:
                offered_s.setdefault(transaction, seen.at_s)
            case BlockJoined(transactions=transactions):
                for txid in transactions:
                    if txid in offered_s:
                        waits_s.setdefault(txid, seen.at_s - offered_s[txid])
            case _:
                pass
    return percentile(list(waits_s.values()), 99) * 1_000


def blamed(outcome: Outcome) -> dict[str, dict[str, int]]:
    """Hostile nodes, and what honest ones have blamed them for."""
    scenario, spec = outcome.scenario, spec_of(outcome.scenario)
    hostile = cast_of(scenario, outcome.seed).hostile
    blame = Blame(Ground(scenario, genesis_of(scenario, spec), spec.node_names, (), hostile))
    for seen in outcome.seen:
        if isinstance(seen.fact, Refused):
            blame.see(seen.fact)
    return blame.codes
