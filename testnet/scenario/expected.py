"""`[[expect]]`: which check, in which mode, with which parameters."""

import re

from chain.toml import Section
from testnet.scenario.model import DURATION_MAX_MS, Expectation, Mode, Trigger
from testnet.scenario.readers import milliseconds
from testnet.scenario.triggers import parse_trigger

MODES = tuple(mode.value for mode in Mode)
EXPECT_KEYS = (*MODES, "at", "within", "on")
WINDOW_KEYS = ("at", "within")
BARE = re.compile(r"true|false|-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?(e[+-]?[0-9]+)?")
"""Texts of a parameter that stand in a file without quotes."""


def read_expectation(section: Section) -> Expectation:
    """One section. Raises Invalid with its place."""
    mode = _mode(section)
    check = section.take(mode.value, str)
    if mode is not Mode.WITHIN:
        for key in WINDOW_KEYS:
            if key in section.values:
                raise section.refused(key, f"only a `check` has a window, not `{mode.value}`")
    return Expectation(
        mode=mode,
        check=check,
        at=_trigger(section) if "at" in section.values else None,
        within_ms=_within(section, mode),
        on=section.take("on", str, "honest"),
        parameters=_parameters(section),
    )


def _mode(section: Section) -> Mode:
    given = [mode for mode in Mode if mode.value in section.values]
    if len(given) == 1:
        return given[0]
    if not given:
        section.only(EXPECT_KEYS)
    found = " and ".join(mode.value for mode in given) or "none"
    key = given[-1].value if given else "expectation"
    raise section.refused(key, f"{found} given; give exactly one of {', '.join(MODES)}")


def literal(text: str) -> str | None:
    """A parameter's text as a file has it without quotes; None where it needs them."""
    return text if BARE.fullmatch(text) else None


def _trigger(section: Section) -> Trigger:
    with section.at("at"):
        return parse_trigger(section.take("at", str))


def _within(section: Section, mode: Mode) -> int:
    if mode is not Mode.WITHIN:
        return 0
    if "within" not in section.values:
        raise section.refused("within", "is missing; a `check` has a window such as 30s")
    return milliseconds(section, "within", 1, DURATION_MAX_MS)


def _parameters(section: Section) -> tuple[tuple[str, str], ...]:
    return tuple((key, _text(section, key)) for key in section.values if key not in EXPECT_KEYS)


def _text(section: Section, key: str) -> str:
    match section.values[key]:
        case str(text):
            return text
        case bool(flag):
            return "true" if flag else "false"
        case int(number) | float(number):
            return repr(number)
        case _:
            raise section.refused(key, "expected a text, a number, true or false")
