"""A hundred whole nodes in virtual time: how much faster than the clock, and in how much memory."""

import resource
import time
from dataclasses import dataclass

from testnet.outcome import Verdict
from testnet.scenario.model import AtTime, Load, NetPlan, Scenario
from testnet.simulation.run import simulate

NODES = 100
MINUTES = 10
BLOCK_MS = 5_000
RATE = 1.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """One long calm run."""

    nodes: int
    verdict: str
    blocks: float
    events: int
    virtual_s: float
    wall_s: float
    cpu_s: float  # what the wall time would be on a machine with nothing else to do
    memory_mb: float  # the most the process has used

    @property
    def times_real(self) -> float:
        return self.virtual_s / self.cpu_s


def measure_crowd(nodes: int = NODES, minutes: float = MINUTES) -> Crowd:
    """A calm network under a light load, on the city matrix."""
    duration_ms = round(minutes * 60_000)
    scenario = Scenario(
        name="hundred",
        about="",
        duration_ms=duration_ms,
        net=NetPlan(nodes=nodes, block_ms=BLOCK_MS, latency="brics"),
        loads=(Load(AtTime(0), duration_ms, RATE),),
    )
    began_s = time.process_time()
    outcome = simulate(scenario, 1)
    cpu_s = time.process_time() - began_s
    assert outcome.verdict is Verdict.PASS, [v.statement for v in outcome.violations]
    figures = {figure.name: figure.value for figure in outcome.figures}
    return Crowd(
        nodes=nodes,
        verdict=outcome.verdict.value,
        blocks=figures["blocks"],
        events=len(outcome.seen),
        virtual_s=outcome.virtual_s,
        wall_s=outcome.wall_s,
        cpu_s=cpu_s,
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    )
