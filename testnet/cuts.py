"""Ways to make a scenario smaller or simpler, the largest first.

A cut need not make sense: whoever tries it reads it back from its text, which refuses what cannot
be. Every cut lowers something that no other cut raises (how many, how long, how far from the
default), so cutting ends. The windows and parameters of expectations are never touched.
*Why:* a bound that is made tighter fails for a reason nobody looked for.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chain.primitives.errors import Refusal
from testnet.faults.parameters import format_ms
from testnet.narrowing import ALL, clipped, narrowed
from testnet.scenario.casting import usual_to
from testnet.scenario.model import (
    AfterFault,
    AtTime,
    Fault,
    Load,
    NetPlan,
    Scenario,
    Trigger,
)
from testnet.scenario.timeline import begin_ms
from testnet.senders import LoadKind

SECOND_MS = 1_000
"""Times are cut to whole seconds: nobody reads a scenario more easily for 870 ms."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A smaller scenario, and in words what was cut."""

    what: str
    scenario: Scenario


Cuts = Iterator[Cut]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Part:
    """A list of a scenario from which items can be taken."""

    name: str
    labels: Callable[[Scenario], tuple[str, ...]]
    without: Callable[[Scenario, range], Scenario]


def without_faults(scenario: Scenario, gone: Sequence[str]) -> Scenario:
    """The scenario less these faults; what waited for one of them comes at the same time still."""

    def settled(trigger: Trigger) -> Trigger:
        if not isinstance(trigger, AfterFault) or trigger.fault not in gone:
            return trigger
        begin = _begin(trigger, scenario)
        return trigger if begin is None else AtTime(begin)

    kept = [fault for fault in scenario.faults if fault.id not in gone]
    return replace(
        scenario,
        faults=tuple(replace(fault, at=settled(fault.at)) for fault in kept),
        loads=tuple(replace(load, at=settled(load.at)) for load in scenario.loads),
        expectations=tuple(
            each if each.at is None else replace(each, at=settled(each.at))
            for each in scenario.expectations
        ),
    )


def _begin(trigger: Trigger, scenario: Scenario) -> int | None:
    try:
        return begin_ms(trigger, scenario)
    except Refusal:
        return None


def _less(items: tuple[Item, ...], gone: range) -> tuple[Item, ...]:
    return tuple(item for place, item in enumerate(items) if place not in gone)


FAULTS = Part(
    "faults",
    lambda s: tuple(fault.id for fault in s.faults),
    lambda s, gone: without_faults(s, [s.faults[place].id for place in gone]),
)
LOADS = Part(
    "loads",
    lambda s: tuple(f"at {load.rate:g}/s" for load in s.loads),
    lambda s, gone: replace(s, loads=_less(s.loads, gone)),
)
EXPECTATIONS = Part(
    "expectations",
    lambda s: tuple(each.check for each in s.expectations),
    lambda s, gone: replace(s, expectations=_less(s.expectations, gone)),
)
OVERRIDES = Part(
    "overrides",
    lambda s: tuple(override.select for override in s.overrides),
    lambda s, gone: replace(s, overrides=_less(s.overrides, gone)),
)


def fewer_nodes(scenario: Scenario) -> Cuts:
    """A smaller network; selectors keep what is left of them."""
    for nodes in smaller(scenario.net.nodes, 1, 1):
        net = replace(scenario.net, nodes=nodes, authorities=min(scenario.net.authorities, nodes))
        yield Cut(
            f"nodes: {scenario.net.nodes} to {nodes}",
            replace(
                scenario,
                net=net,
                overrides=tuple(
                    replace(each, select=clipped(each.select, nodes)) for each in scenario.overrides
                ),
                loads=tuple(replace(each, on=clipped(each.on, nodes)) for each in scenario.loads),
                faults=tuple(
                    replace(each, on=clipped(each.on, nodes), to=clipped(each.to, nodes))
                    for each in scenario.faults
                ),
                expectations=tuple(
                    replace(each, on=clipped(each.on, nodes)) for each in scenario.expectations
                ),
            ),
        )


def shorter_run(scenario: Scenario) -> Cuts:
    """An earlier end."""
    for ms in smaller(scenario.duration_ms, SECOND_MS, SECOND_MS):
        yield Cut(f"over after {format_ms(ms)}", lasting(scenario, ms))


def lasting(scenario: Scenario, ms: int) -> Scenario:
    """The scenario with an earlier end, which is also the end of loads that last to it."""
    loads = tuple(replace(load, for_ms=min(load.for_ms, ms)) for load in scenario.loads)
    return replace(scenario, duration_ms=ms, loads=loads)


def less_quiet(scenario: Scenario) -> Cuts:
    """Everything earlier by what passes before the first fault."""
    begins = [fault.at.ms for fault in scenario.faults if isinstance(fault.at, AtTime)]
    first = min(begins, default=0)
    for left in smaller(first, 0, SECOND_MS):
        by = first - left

        def earlier(trigger: Trigger, by: int = by) -> Trigger:
            return AtTime(max(0, trigger.ms - by)) if isinstance(trigger, AtTime) else trigger

        moved = replace(
            scenario,
            loads=tuple(replace(load, at=earlier(load.at)) for load in scenario.loads),
            faults=tuple(replace(fault, at=earlier(fault.at)) for fault in scenario.faults),
            expectations=tuple(
                each if each.at is None else replace(each, at=earlier(each.at))
                for each in scenario.expectations
            ),
        )
        left_ms = max(SECOND_MS, scenario.duration_ms - by)
        yield Cut(f"everything {format_ms(by)} earlier", lasting(moved, left_ms))


def shorter_faults(scenario: Scenario) -> Cuts:
    """Faults that last less long and begin earlier."""
    for place, fault in enumerate(scenario.faults):
        for ms in smaller(fault.for_ms, SECOND_MS, SECOND_MS):
            yield Cut(
                f"{fault.id} for {format_ms(ms)}",
                with_fault(scenario, place, replace(fault, for_ms=ms)),
            )
    for place, fault in enumerate(scenario.faults):
        if isinstance(fault.at, AtTime | AfterFault):
            for ms in smaller(fault.at.ms, 0, SECOND_MS):
                moved = replace(fault, at=replace(fault.at, ms=ms))
                yield Cut(f"{fault.id} earlier", with_fault(scenario, place, moved))


def lighter_loads(scenario: Scenario) -> Cuts:
    """Lower rates, shorter loads, plain transfers, offered to all."""
    for place, load in enumerate(scenario.loads):
        for rate in smaller(int(load.rate), 1, 1):
            yield _load_cut(scenario, place, replace(load, rate=float(rate)), f"{rate}/s")
        for ms in smaller(load.for_ms, SECOND_MS, SECOND_MS):
            yield _load_cut(scenario, place, replace(load, for_ms=ms), f"for {format_ms(ms)}")
        if load.kind is not LoadKind.TRANSFER:
            plain = replace(load, kind=LoadKind.TRANSFER)
            yield _load_cut(scenario, place, plain, "transfers only")
        if load.on != ALL:
            yield _load_cut(scenario, place, replace(load, on=ALL), "on all")


def plainer_net(scenario: Scenario) -> Cuts:
    """The network's settings one after another as they are by default."""
    usual = NetPlan()
    for field in dataclasses.fields(NetPlan):
        if field.name != "nodes" and getattr(scenario.net, field.name) != getattr(
            usual, field.name
        ):
            value: Any = getattr(usual, field.name)
            plain = replace(scenario.net, **{field.name: value})
            yield Cut(f"usual {field.name.removesuffix('_ms')}", replace(scenario, net=plain))
    for count in smaller(scenario.net.authorities, 1, 1):
        fewer = replace(scenario.net, authorities=count)
        yield Cut(f"{count} authorities", replace(scenario, net=fewer))


def plainer_parameters(scenario: Scenario) -> Cuts:
    """Parameters of faults as they are by default, or else with one digit that counts."""
    for place, fault in enumerate(scenario.faults):
        for field in dataclasses.fields(fault.kind):
            for value in simpler_values(getattr(fault.kind, field.name), field.default):
                change: Any = {field.name: value}
                plain = replace(fault, kind=replace(fault.kind, **change))
                yield Cut(
                    f"{fault.id} with {field.name} {value}", with_fault(scenario, place, plain)
                )


def simpler_values(value: object, default: object) -> Iterator[object]:
    """The default, or towards zero with one digit that counts; none when it is the default."""
    if value == default:
        return
    if default is not dataclasses.MISSING:
        yield default
    match value:
        case int(number) if rounded(number) != number:
            yield rounded(number)
        case float(number) if float(f"{number:.0e}") != number:
            yield float(f"{number:.0e}")
        case tuple(words) if len(words) > 1:
            yield from ((word,) for word in words)


def rounded(number: int) -> int:
    """Towards zero to one digit that counts: 3217 is 3000."""
    unit: int = 10 ** (len(str(abs(number))) - 1)
    return number // unit * unit if number >= 0 else -(-number // unit * unit)


def narrower_faults(scenario: Scenario) -> Cuts:
    """Faults on fewer nodes, towards the usual side."""
    nodes = scenario.net.nodes
    for place, fault in enumerate(scenario.faults):
        for on in narrowed(fault.on, nodes):
            yield Cut(f"{fault.id} on {on}", with_fault(scenario, place, replace(fault, on=on)))
        usual = usual_to(fault.kind)
        for to in (usual, *narrowed(fault.to, nodes)) if fault.to != usual else ():
            yield Cut(f"{fault.id} to {to}", with_fault(scenario, place, replace(fault, to=to)))


def smaller(value: int, floor: int, grain: int) -> Iterator[int]:
    """Multiples of the grain below a value: the floor, then ever closer to the value."""
    distance, last = value - floor, -1
    while distance > 0:
        found = max(floor, (value - distance) // grain * grain)
        if found not in (last, value):
            yield found
        last, distance = found, distance // 2


def with_fault(scenario: Scenario, place: int, fault: Fault) -> Scenario:
    """The scenario with another fault at that place."""
    faults = (*scenario.faults[:place], fault, *scenario.faults[place + 1 :])
    return replace(scenario, faults=faults)


def _load_cut(scenario: Scenario, place: int, load: Load, what: str) -> Cut:
    loads = (*scenario.loads[:place], load, *scenario.loads[place + 1 :])
    return Cut(f"load {place + 1} {what}", replace(scenario, loads=loads))


SIMPLER: tuple[Callable[[Scenario], Cuts], ...] = (
    fewer_nodes,
    less_quiet,
    shorter_faults,
    shorter_run,
    lighter_loads,
    plainer_net,
    plainer_parameters,
    narrower_faults,
)
"""In this order: what makes later runs cheaper comes first."""
