"""Triggers: when something begins. `20s`, `height:20`, `after:cut`, `after:cut+5s`."""

import re

from chain.primitives.errors import Invalid
from testnet.faults.parameters import format_ms, parse_ms
from testnet.scenario.model import AfterFault, AtHeight, AtTime, Trigger

ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
HEIGHT = re.compile(r"height:([0-9]{1,9})")
AFTER = re.compile(rf"after:({ID.pattern})(?:\+([0-9.]+(?:ms|s|m|h)))?")


def parse_trigger(text: str) -> Trigger:
    """Reads a trigger. Raises Invalid for anything else."""
    if match := HEIGHT.fullmatch(text):
        return AtHeight(int(match[1]))
    if match := AFTER.fullmatch(text):
        return AfterFault(match[1], parse_ms(match[2]) if match[2] else 0)
    if ":" in text:
        raise Invalid(
            "trigger", f"{text!r} is no trigger; write 20s, height:20, after:ID or after:ID+5s"
        )
    ms = parse_ms(text)
    if ms < 0:
        raise Invalid("trigger", f"{text!r} is before the start; write 0s or later")
    return AtTime(ms)


def format_trigger(trigger: Trigger) -> str:
    """What parse_trigger reads back to the same."""
    match trigger:
        case AtTime(ms):
            return format_ms(ms)
        case AtHeight(height):
            return f"height:{height}"
        case AfterFault(fault, 0):
            return f"after:{fault}"
        case AfterFault(fault, ms):
            return f"after:{fault}+{format_ms(ms)}"
