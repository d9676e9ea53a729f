"""An outcome around any facts."""

from collections.abc import Sequence

from testnet.observation import Seen
from testnet.outcome import Outcome, Verdict
from testnet.scenario.model import Scenario, Tier


def run_of(seen: Sequence[Seen]) -> Outcome:
    """A run that saw this and passed."""
    return Outcome(
        scenario=Scenario(name="told", about="", duration_ms=60_000),
        seed=1,
        tier=Tier.NODE,
        verdict=Verdict.PASS,
        digest="0" * 64,
        violations=(),
        probes=(),
        inert=(),
        figures=(),
        virtual_s=0.0,
        wall_s=0.0,
        seen=tuple(seen),
    )
