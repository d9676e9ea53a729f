"""Which function runs a scenario on which tier.

The tiers' modules are imported when they are needed: together they cost two thirds of a second,
which `cornerstone --help` and every look at a running testnet would pay as well.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module

from chain.primitives.keys import SignatureCheck
from testnet.campaign.job import Runner
from testnet.outcome import Outcome, Verdict, Violation
from testnet.scenario.model import Scenario, Tier

INERT_CHECK = "faults-visible"
"""The check that a strict run fails with when a fault hit nothing."""

SIGNATURES_MAX = 200_000
"""Some 50 MB of remembered signatures a worker; seeds of a scenario share most of them."""

MODULES = {
    Tier.NODE: "testnet.simulation.run",
    Tier.ENGINE: "testnet.engines.run",
    Tier.PROCESS: "testnet.processes.run",
}


@dataclass(frozen=True, slots=True)
class NodeRuns:
    """Whole nodes in virtual time; runs of one process share what they know of signatures."""

    strict: bool = False
    signatures: dict[SignatureCheck, bool] = field(default_factory=dict)

    def __call__(self, scenario: Scenario, seed: int) -> Outcome:
        if len(self.signatures) > SIGNATURES_MAX:
            self.signatures.clear()
        simulate = _function(Tier.NODE, "simulate")
        return simulate(scenario, seed, strict=self.strict, signatures=self.signatures)


@dataclass(frozen=True, slots=True)
class EngineRuns:
    """Routers on a heap."""

    strict: bool = False

    def __call__(self, scenario: Scenario, seed: int) -> Outcome:
        outcome = _function(Tier.ENGINE, "simulate_engines")(scenario, seed)
        return strictly(outcome) if self.strict else outcome


@dataclass(frozen=True, slots=True)
class ProcessRuns:
    """Real processes."""

    def __call__(self, scenario: Scenario, seed: int) -> Outcome:
        return _function(Tier.PROCESS, "run_on_processes")(scenario, seed)


def runner_of(tier: Tier, strict: bool = False) -> Runner:
    """What runs a scenario on that tier; it can be sent to other processes."""
    match tier:
        case Tier.NODE:
            return NodeRuns(strict)
        case Tier.ENGINE:
            return EngineRuns(strict)
        case Tier.PROCESS:
            return ProcessRuns()


def strictly(outcome: Outcome) -> Outcome:
    """The outcome in which a fault that hit nothing is a failure."""
    found = tuple(
        Violation(
            check=INERT_CHECK,
            verdict=Verdict.LIVENESS,
            at_s=outcome.virtual_s,
            nodes=(),
            height=0,
            statement=f"the fault {fault!r} hit nothing; aim it elsewhere, or remove it",
        )
        for fault in outcome.inert
    )
    verdict = outcome.verdict
    if found and verdict in (Verdict.PASS, Verdict.BOUND):
        verdict = Verdict.LIVENESS
    return replace(outcome, verdict=verdict, violations=(*outcome.violations, *found))


def simulate_until(scenario: Scenario, seed: int, until_s: float) -> Outcome:
    """Whole nodes in virtual time, stopped early."""
    return _function(Tier.NODE, "simulate")(scenario, seed, until_s=until_s)


def _function(tier: Tier, name: str) -> Callable[..., Outcome]:
    found: Callable[..., Outcome] = getattr(import_module(MODULES[tier]), name)
    return found
