"""The versioned object that scripts read: what `sim --json` and `report --json` print."""

from collections.abc import Iterable

from testnet.outcome import Outcome
from testnet.report.folder import figure_fields, violation_fields

VERSION = 1
"""A key that is added keeps it; a key that goes or changes its meaning raises it."""


def report_fields(outcomes: Iterable[Outcome]) -> dict[str, object]:
    """All runs, in the order given."""
    return {"report": VERSION, "runs": [run_fields(outcome) for outcome in outcomes]}


def run_fields(outcome: Outcome) -> dict[str, object]:
    """One run: times in seconds, `virtual_s` in the network and `wall_s` here."""
    return {
        "scenario": outcome.scenario.name,
        "seed": outcome.seed,
        "tier": outcome.tier.value,
        "verdict": outcome.verdict.value,
        "digest": outcome.digest,
        "failed": list(outcome.failed),
        "virtual_s": round(outcome.virtual_s, 6),
        "wall_s": round(outcome.wall_s, 3),
        "events": len(outcome.seen),
        "violations": [violation_fields(each) for each in outcome.violations],
        "probes": list(outcome.probes),
        "inert": list(outcome.inert),
        "figures": [figure_fields(each) for each in outcome.figures],
    }
