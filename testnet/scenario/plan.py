"""A scenario unfolded for one seed: who, where, when; and what of it a tier cannot do."""

import random
from dataclasses import dataclass, replace

from testnet.faults.kinds import about
from testnet.faults.parameters import parameters_of
from testnet.faults.tiers import note, supports, tiers_of
from testnet.scenario.casting import cast_of, nodes_stream, uplinks_of
from testnet.scenario.model import Expectation, Fault, Load, Mode, Scenario, Tier, Trigger
from testnet.scenario.selectors import Cast, needs_run, resolve, terms
from testnet.scenario.swarm import drawn
from testnet.scenario.timeline import begin_ms, end_ms, open_ms
from testnet.scenario.triggers import format_trigger
from testnet.spec import NODES_MAX

SIMULATED_NODES_MAX = 1_000
"""Each node of the node tier keeps its whole ledger in one process's memory."""

CALM = "calm"
"""How a plan names the moment when the last fault has ended."""


@dataclass(frozen=True, slots=True)
class Who:
    """A selector with its nodes for the seed; none where only the run can tell (`leader`)."""

    selector: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class When:
    """A stretch of time; None where only the run can tell."""

    trigger: str
    begin_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class PlannedLoad:
    """A load; `transactions` is how many it offers, None where only the run can tell."""

    when: When
    on: Who
    rate: float
    kind: str
    transactions: int | None


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault; `parameters` are (key, text) pairs, `changed` those of them that are no default."""

    id: str
    name: str
    about: str
    parameters: tuple[tuple[str, str], ...]
    changed: tuple[tuple[str, str], ...]
    when: When
    on: Who
    to: Who
    tiers: tuple[Tier, ...]
    supported: bool
    note: str


@dataclass(frozen=True, slots=True)
class PlannedExpectation:
    """An expectation with the window in which it is judged."""

    mode: Mode
    check: str
    parameters: tuple[tuple[str, str], ...]
    when: When
    on: Who


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed runs. `left_out` are the faults a swarm did not draw; `lacks` what the tier
    cannot do, a sentence each."""

    scenario: Scenario
    seed: int
    tier: Tier
    cast: Cast
    uplinks: tuple[tuple[str, int], ...]
    loads: tuple[PlannedLoad, ...]
    faults: tuple[PlannedFault, ...]
    expectations: tuple[PlannedExpectation, ...]
    left_out: tuple[str, ...]
    lacks: tuple[str, ...]


def plan(scenario: Scenario, seed: int, tier: Tier) -> Plan:
    """The expanded timeline. Raises Unfit when a selector of this seed means nobody."""
    taken = drawn(scenario, seed)
    cast = cast_of(taken, seed)
    faults = tuple(_fault(fault, taken, cast, seed, tier) for fault in taken.faults)
    present = [fault.id for fault in faults]
    return Plan(
        scenario=taken,
        seed=seed,
        tier=tier,
        cast=cast,
        uplinks=uplinks_of(taken, seed),
        loads=tuple(_load(load, n, taken, cast, seed) for n, load in enumerate(taken.loads)),
        faults=faults,
        expectations=tuple(
            _expectation(each, n, taken, cast, seed) for n, each in enumerate(taken.expectations)
        ),
        left_out=tuple(fault.id for fault in scenario.faults if fault.id not in present),
        lacks=lacks(taken, tier),
    )


def lacks(scenario: Scenario, tier: Tier) -> tuple[str, ...]:
    """What of a scenario a tier cannot do, a sentence each."""
    most = {Tier.PROCESS: NODES_MAX, Tier.NODE: SIMULATED_NODES_MAX}.get(tier)
    found = []
    if most is not None and scenario.net.nodes > most:
        found.append(f"{scenario.net.nodes} nodes are too many for the {tier} tier: {most} at most")
    for fault in scenario.faults:
        if not supports(tier, type(fault.kind)):
            able = " or ".join(tiers_of(type(fault.kind)))
            found.append(
                f"fault {fault.id!r}: the {tier} tier cannot do {fault.kind.NAME}; use {able}"
            )
    return tuple(found)


def _fault(fault: Fault, scenario: Scenario, cast: Cast, seed: int, tier: Tier) -> PlannedFault:
    on = _who(fault.on, cast, nodes_stream(seed, fault.id))
    beside = replace(cast, beside=on.nodes)
    unknown = needs_run(fault.on) and "others" in terms(fault.to)
    kind = type(fault.kind)
    return PlannedFault(
        id=fault.id,
        name=fault.kind.NAME,
        about=about(kind),
        parameters=_parameters(fault),
        changed=_parameters(fault, changed_only=True),
        when=_when(fault.at, fault.for_ms, scenario, (fault.id,)),
        on=on,
        to=Who(fault.to, ()) if unknown else _who(fault.to, beside, nodes_stream(seed, fault.id)),
        tiers=tiers_of(kind),
        supported=supports(tier, kind),
        note=note(kind, tier),
    )


def _parameters(fault: Fault, *, changed_only: bool = False) -> tuple[tuple[str, str], ...]:
    return tuple(
        (key, _shown(parameter.write(getattr(fault.kind, field.name))))
        for key, (field, parameter) in parameters_of(type(fault.kind)).items()
        if not changed_only or getattr(fault.kind, field.name) != field.default
    )


def _shown(value: object) -> str:
    match value:
        case list(items):
            return ", ".join(map(str, items)) or "all"
        case float(number):
            return f"{number:g}"
        case _:
            return str(value)


def _load(load: Load, place: int, scenario: Scenario, cast: Cast, seed: int) -> PlannedLoad:
    when = _when(load.at, load.for_ms, scenario)
    transactions = None
    if when.begin_ms is not None and when.end_ms is not None:
        transactions = round(load.rate * (when.end_ms - when.begin_ms) / 1_000)
    return PlannedLoad(
        when=when,
        on=_who(load.on, cast, nodes_stream(seed, f"load-{place}")),
        rate=load.rate,
        kind=load.kind.value,
        transactions=transactions,
    )


def _expectation(
    each: Expectation, place: int, scenario: Scenario, cast: Cast, seed: int
) -> PlannedExpectation:
    opens = open_ms(each, scenario)
    return PlannedExpectation(
        mode=each.mode,
        check=each.check,
        parameters=each.parameters,
        when=When(
            trigger=CALM if each.at is None else format_trigger(each.at),
            begin_ms=opens,
            end_ms=end_ms(opens, each.within_ms, scenario),
        ),
        on=_who(each.on, cast, nodes_stream(seed, f"expect-{place}")),
    )


def _when(trigger: Trigger, for_ms: int, scenario: Scenario, above: tuple[str, ...] = ()) -> When:
    begin = begin_ms(trigger, scenario, above)
    return When(format_trigger(trigger), begin, end_ms(begin, for_ms, scenario))


def _who(selector: str, cast: Cast, rng: random.Random) -> Who:
    known = not needs_run(selector)
    return Who(selector, resolve(selector, cast, rng) if known else ())
