"""A plan as JSON, for scripts."""

from testnet.scenario.plan import Plan, PlannedExpectation, PlannedFault, PlannedLoad, When, Who
from testnet.scenario.text import format_scenario

PLAN_FORMAT = 1


def encode_plan(plan: Plan) -> dict[str, object]:
    """The contract of `testnet check --json`; times are milliseconds, null where only a run can
    tell."""
    return {
        "format": PLAN_FORMAT,
        "name": plan.scenario.name,
        "about": plan.scenario.about,
        "seed": plan.seed,
        "tier": plan.tier.value,
        "duration_ms": plan.scenario.duration_ms,
        "nodes": _nodes(plan),
        "loads": [_load(load) for load in plan.loads],
        "faults": [_fault(fault) for fault in plan.faults],
        "expectations": [_expectation(each) for each in plan.expectations],
        "left_out": list(plan.left_out),
        "lacks": list(plan.lacks),
        "scenario": format_scenario(plan.scenario),
    }


def _nodes(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "city": city,
            "uplink_bps": uplink,
            "author": name in plan.cast.authors,
            "honest": name not in plan.cast.hostile,
        }
        for (name, city), (_, uplink) in zip(plan.cast.cities, plan.uplinks, strict=True)
    ]


def _load(load: PlannedLoad) -> dict[str, object]:
    return {
        **_when(load.when),
        **_who("on", load.on),
        "rate_per_s": load.rate,
        "kind": load.kind,
        "transactions": load.transactions,
    }


def _fault(fault: PlannedFault) -> dict[str, object]:
    return {
        "id": fault.id,
        "do": fault.name,
        **_when(fault.when),
        **_who("on", fault.on),
        **_who("to", fault.to),
        "parameters": dict(fault.parameters),
        "tiers": [tier.value for tier in fault.tiers],
        "supported": fault.supported,
        "note": fault.note,
    }


def _expectation(each: PlannedExpectation) -> dict[str, object]:
    return {
        "mode": each.mode.value,
        "check": each.check,
        **_when(each.when),
        **_who("on", each.on),
        "parameters": dict(each.parameters),
    }


def _when(when: When) -> dict[str, object]:
    return {"at": when.trigger, "begin_ms": when.begin_ms, "end_ms": when.end_ms}


def _who(key: str, who: Who) -> dict[str, object]:
    return {key: who.selector, f"{key}_nodes": list(who.nodes)}
