"""Which function runs a scenario on which tier."""

from dataclasses import dataclass, field

from chain.primitives.keys import SignatureCheck
from testnet.campaign.job import Runner
from testnet.engines.run import simulate_engines
from testnet.outcome import Outcome
from testnet.processes.run import run_on_processes
from testnet.scenario.model import Scenario, Tier
from testnet.simulation.run import simulate

INERT_CHECK = "faults-visible"
"""The check that a strict run fails with when a fault hit nothing."""

SIGNATURES_MAX = 200_000
"""Some 50 MB of remembered signatures a worker; seeds of a scenario share most of them."""


@dataclass(frozen=True, slots=True)
class NodeRuns:
    """Whole nodes in virtual time; runs of one process share what they know of signatures."""

    strict: bool = False
    signatures: dict[SignatureCheck, bool] = field(default_factory=dict)

    def __call__(self, scenario: Scenario, seed: int) -> Outcome:
        if len(self.signatures) > SIGNATURES_MAX:
            self.signatures.clear()
        return simulate(scenario, seed, strict=self.strict, signatures=self.signatures)


def runner_of(tier: Tier, strict: bool = False) -> Runner:
    """What runs a scenario on that tier; it can be sent to other processes."""
    match tier:
        case Tier.NODE:
            return NodeRuns(strict)
        case Tier.ENGINE:
            return simulate_engines
        case Tier.PROCESS:
            return run_on_processes
