"""A scenario written for people: TOML that reads back to the same, without what is a default."""

import json
from collections.abc import Iterator

from testnet.faults.parameters import format_bps, format_ms, parameters_of
from testnet.scenario.casting import usual_to
from testnet.scenario.expected import literal
from testnet.scenario.model import (
    FORMAT,
    AtTime,
    Expectation,
    Fault,
    Load,
    NetPlan,
    NodeOverride,
    Scenario,
)
from testnet.scenario.readers import UNLIMITED
from testnet.scenario.triggers import format_trigger
from testnet.senders import LoadKind

Line = tuple[str, object]
"""A key and its value, as Python has it."""

DELETE = "\x7f"


def format_scenario(scenario: Scenario) -> str:
    """The file: `parse_scenario(format_scenario(scenario)) == scenario`, in a stable order."""
    sections = [_section("", _head(scenario))]
    if net := list(_net(scenario.net)):
        sections.append(_section("[net]", net))
    sections += [_section("[[node]]", _override(override)) for override in scenario.overrides]
    sections += [_section("[[load]]", _load(load, scenario.duration_ms)) for load in scenario.loads]
    sections += [
        _section("[[fault]]", _fault(fault, f"f{number}"))
        for number, fault in enumerate(scenario.faults, 1)
    ]
    sections += [_section("[[expect]]", _expectation(e)) for e in scenario.expectations]
    return "\n".join(sections)


def _section(title: str, lines: Iterator[Line] | list[Line]) -> str:
    text = [title] if title else []
    return "\n".join([*text, *(f"{key} = {value_text(value)}" for key, value in lines), ""])


def value_text(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case bool(flag):
            return "true" if flag else "false"
        case str(text):
            return quoted(text)
        case list(items) | tuple(items):
            return f"[{', '.join(map(value_text, items))}]"
        case _:
            return str(value)


def quoted(text: str) -> str:
    """A text in quotes. JSON's escapes are TOML's, except that TOML also forbids DEL."""
    return json.dumps(text, ensure_ascii=False).replace(DELETE, "\\u007f")


def _head(scenario: Scenario) -> Iterator[Line]:
    yield "scenario", FORMAT
    yield "name", scenario.name
    if scenario.about:
        yield "about", scenario.about
    yield "duration", format_ms(scenario.duration_ms)
    if scenario.seed != 1:
        yield "seed", scenario.seed
    if scenario.swarm:
        yield "swarm", True


def _net(net: NetPlan) -> Iterator[Line]:
    usual = NetPlan()
    lines: tuple[tuple[str, object, object, object], ...] = (
        ("nodes", net.nodes, usual.nodes, net.nodes),
        ("authorities", net.authorities, usual.authorities, net.authorities),
        ("consensus", net.consensus, usual.consensus, net.consensus.value),
        ("block-time", net.block_ms, usual.block_ms, format_ms(net.block_ms)),
        ("topology", net.wiring, usual.wiring, net.wiring.value),
        ("durability", net.durability, usual.durability, net.durability.value),
        ("latency", net.latency, usual.latency, net.latency),
        ("cities", net.cities, usual.cities, net.cities),
        ("uplink", net.uplink_bps, usual.uplink_bps, format_bps(net.uplink_bps)),
    )
    return ((key, shown) for key, value, default, shown in lines if value != default)


def _override(override: NodeOverride) -> Iterator[Line]:
    yield "select", override.select
    if override.city:
        yield "city", override.city
    if override.uplink_bps is not None:
        yield "uplink", format_bps(override.uplink_bps) if override.uplink_bps else UNLIMITED


def _load(load: Load, duration_ms: int) -> Iterator[Line]:
    if load.at != AtTime(0):
        yield "at", format_trigger(load.at)
    if load.for_ms != duration_ms:
        yield "for", format_ms(load.for_ms)
    yield "rate", format_rate(load.rate)
    if load.kind is not LoadKind.TRANSFER:
        yield "kind", load.kind.value
    if load.on != "all":
        yield "on", load.on


def format_rate(rate: float) -> str:
    """The shortest text that reads back to the same."""
    return f"{int(rate) if rate == int(rate) else rate!r}/s"


def _fault(fault: Fault, usual_id: str) -> Iterator[Line]:
    if fault.id != usual_id:
        yield "id", fault.id
    yield "at", format_trigger(fault.at)
    if fault.for_ms:
        yield "for", format_ms(fault.for_ms)
    yield "do", fault.kind.NAME
    for key, (field, parameter) in parameters_of(type(fault.kind)).items():
        value = getattr(fault.kind, field.name)
        if value != field.default:
            yield key, parameter.write(value)
    yield "on", fault.on
    if fault.to != usual_to(fault.kind):
        yield "to", fault.to


def _expectation(expectation: Expectation) -> Iterator[Line]:
    yield expectation.mode.value, expectation.check
    if expectation.at is not None:
        yield "at", format_trigger(expectation.at)
    if expectation.within_ms:
        yield "within", format_ms(expectation.within_ms)
    if expectation.on != "honest":
        yield "on", expectation.on
    for key, text in expectation.parameters:
        yield key, Bare(text) if literal(text) else text


class Bare:
    """A text that stands in a file without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text
