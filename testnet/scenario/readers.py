"""Values of a scenario's sections: durations, bandwidths, words, and the parameters of kinds.

Every reader raises a Refusal that names line, section and key.
"""

from enum import StrEnum
from typing import TypeVar

from chain.toml import Section, nearest
from testnet.faults.parameters import parameters_of, parse_bps, parse_ms, required
from testnet.spec import within

UNLIMITED = "unlimited"
BPS_MIN = 100
BPS_MAX = 100_000_000_000
"""The same range as a fault's bandwidth: below it not one block gets through in a run."""

Word = TypeVar("Word", bound=StrEnum)


def whole(section: Section, key: str, low: int, high: int, default: int | None = None) -> int:
    """An integer between two bounds, both included."""
    value = section.take(key, int, default)
    if not low <= value <= high:
        raise section.refused(key, f"{value} is out of range; it can be {low} to {high}")
    return value


def milliseconds(
    section: Section, key: str, low: int, high: int, default: int | None = None
) -> int:
    """A duration such as "20s", in milliseconds."""
    if key not in section.values and default is not None:
        return default
    text = section.take(key, str)
    with section.at(key):
        value = parse_ms(text)
        within(value, low, high, f"{text!r} in milliseconds")
    return value


def bandwidth(section: Section, key: str) -> int | None:
    """A bandwidth such as "10Mbit/s" in bits a second, 0 for "unlimited"; None when not given."""
    if key not in section.values:
        return None
    text = section.take(key, str)
    if text == UNLIMITED:
        return 0
    with section.at(key):
        value = parse_bps(text)
        within(value, BPS_MIN, BPS_MAX, f"{text!r} in bits a second")
    return value


def word(section: Section, key: str, known: type[Word], default: Word) -> Word:
    """One of an enumeration's words."""
    text = section.take(key, str, default.value)
    words = [member.value for member in known]
    if text not in words:
        raise section.refused(key, f"{text!r} is not known; {nearest(text, words)}")
    return known(text)


def arguments(section: Section, kind: type, keys: tuple[str, ...]) -> dict[str, object]:
    """What a kind is made with, by field; `keys` are those that every kind has besides its own."""
    parameters = parameters_of(kind)
    section.only((*keys, *parameters))
    values = dict[str, object]()
    for key, (field, parameter) in parameters.items():
        if key in section.values:
            with section.at(key):
                values[field.name] = parameter.read(section.values[key])
        elif required(field):
            raise section.refused(key, f"is missing; give {parameter.form}: {parameter.about}")
    return values
