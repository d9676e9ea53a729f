"""The parameters of faults and checks: read from a scenario's text, written back, explained.

A kind is a frozen dataclass; each field is declared by one of the functions below, which also give
its default. Field names end in their unit (`by_ms`), the scenario's keys do not (`by = "200ms"`).
"""

import dataclasses
import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from chain.primitives.errors import Invalid
from testnet.spec import DURATION_MS

DURATION = re.compile(r"([+-]?[0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)([kKMG]?)bit(?:/s)?")
RATE_UNITS = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
UNITS = ("_ms", "_bps", "_per_s", "_ppm", "_blocks", "_slots")


def parse_ms(text: str) -> int:
    """'200ms', '5s', '-2m' in milliseconds. Raises Invalid."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise Invalid("duration", f"{text!r} is no duration; write 200ms, 5s or 2m")
    return round(float(match[1]) * DURATION_MS[match[2]])


def format_ms(ms: int) -> str:
    """The shortest text that reads back to the same."""
    for unit in ("h", "m", "s"):
        if ms and ms % DURATION_MS[unit] == 0:
            return f"{ms // DURATION_MS[unit]}{unit}"
    return f"{ms}ms" if ms else "0s"


def parse_bps(text: str) -> int:
    """'64kbit/s', '10Mbit/s' in bits a second. Raises Invalid."""
    match = RATE.fullmatch(text)
    if match is None:
        raise Invalid("bandwidth", f"{text!r} is no bandwidth; write 64kbit/s or 10Mbit/s")
    return round(float(match[1]) * RATE_UNITS[match[2]])


def format_bps(bps: int) -> str:
    """The shortest text that reads back to the same."""
    for unit in ("G", "M", "k"):
        if bps and bps % RATE_UNITS[unit] == 0:
            return f"{bps // RATE_UNITS[unit]}{unit}bit/s"
    return f"{bps}bit/s"


@dataclass(frozen=True, slots=True)
class Parameter:
    """How one field is read and written; `read` raises Invalid for what it cannot be."""

    about: str
    form: str  # for people: "a duration such as 200ms"
    read: Callable[[object], object]
    write: Callable[[Any], object]


def _declare(parameter: Parameter, default: object) -> Any:
    metadata = {"parameter": parameter}
    if default is None:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def duration(about: str, default: int | None = None, low: int = 0, high: int = 3_600_000) -> Any:
    """A field in milliseconds; negative ones only where `low` allows."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise Invalid("duration", f"{value!r} is no duration; write it in quotes, as 200ms")
        ms = parse_ms(value)
        _within(ms, low, high, f"{value!r} in milliseconds")
        return ms

    return _declare(Parameter(about, "a duration such as 200ms", read, format_ms), default)


def bandwidth(about: str, default: int | None = None) -> Any:
    """A field in bits a second."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise Invalid(
                "bandwidth", f"{value!r} is no bandwidth; write it in quotes, as 64kbit/s"
            )
        bps = parse_bps(value)
        _within(bps, 100, 100_000_000_000, f"{value!r} in bits a second")
        return bps

    return _declare(Parameter(about, "a bandwidth such as 64kbit/s", read, format_bps), default)


def number(about: str, low: float, high: float, default: float | None = None) -> Any:
    """A field that is a float between two bounds."""

    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid("number", f"{value!r} is no number")
        _within(value, low, high, "it")
        return float(value)

    return _declare(Parameter(about, f"a number from {low:g} to {high:g}", read, _plain), default)


def probability(about: str, default: float | None = 1.0) -> Any:
    """A field between 0 and 1."""
    return number(about, 0.0, 1.0, default)


def integer(about: str, low: int, high: int, default: int | None = None) -> Any:
    """A field that is an integer between two bounds."""

    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid("number", f"{value!r} is no integer")
        _within(value, low, high, "it")
        return value

    return _declare(Parameter(about, f"an integer from {low} to {high}", read, _plain), default)


def choice(about: str, *known: str, default: str | None = None) -> Any:
    """A field that is one of some words."""

    def read(value: object) -> object:
        return _one_of(value, known)

    return _declare(Parameter(about, "one of " + ", ".join(known), read, _plain), default)


def choices(about: str, known: tuple[str, ...], default: tuple[str, ...] = ()) -> Any:
    """A field that is a list of words; empty means all of them."""

    def read(value: object) -> object:
        if not isinstance(value, list):
            raise Invalid("list", f'{value!r} is no list; write ["{known[0]}"]')
        return tuple(_one_of(item, known) for item in value)

    return _declare(Parameter(about, "a list of " + ", ".join(known), read, list), default)


def text(about: str, default: str | None = None) -> Any:
    """A field of free text, such as a selector."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise Invalid("text", f"{value!r} is no text in quotes")
        return value

    return _declare(Parameter(about, "text in quotes", read, _plain), default)


def parameters_of(kind: type) -> dict[str, tuple[dataclasses.Field[Any], Parameter]]:
    """A kind's fields by the key they have in a scenario."""
    return {
        key_of(field.name): (field, cast(Parameter, field.metadata["parameter"]))
        for field in dataclasses.fields(kind)
    }


def key_of(name: str) -> str:
    """A field's key in a scenario: its name without the unit, with dashes."""
    for unit in UNITS:
        name = name.removesuffix(unit)
    return name.replace("_", "-")


def required(field: dataclasses.Field[Any]) -> bool:
    """Whether the field has no default."""
    return field.default is dataclasses.MISSING


def _plain(value: object) -> object:
    return value


def _within(value: float, low: float, high: float, what: str) -> None:
    if not low <= value <= high:
        raise Invalid(
            "out-of-range", f"{what} is {value:.12g}; it can be {low:.12g} to {high:.12g}"
        )


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        near = difflib.get_close_matches(str(value), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise Invalid("choice", f"{value!r} is none of {', '.join(known)}{hint}")
    return value
