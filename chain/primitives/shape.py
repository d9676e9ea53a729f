"""Shapes of decoded values: each function returns the value with its type, or says what it got."""

from enum import StrEnum
from typing import TypeVar

from chain.primitives.cbor import UINT64_MAX, Value
from chain.primitives.errors import Malformed

UINT63_MAX = 2**63 - 1

Choice = TypeVar("Choice", bound=StrEnum)


def _describe(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int():
            return f"the integer {value}"
        case bytes():
            return f"{len(value)} bytes"
        case str():
            return f"text of {len(value)} characters"
        case list():
            return f"an array of {len(value)}"
        case dict():
            return f"a map of {len(value)}"


def _refused(what: str, expected: str, value: Value) -> Malformed:
    return Malformed("shape", f"{what}: expected {expected}, got {_describe(value)}")


def array(value: Value, length: int, what: str) -> list[Value]:
    """An array of exactly `length` items."""
    if type(value) is list and len(value) == length:
        return value
    raise _refused(what, f"an array of {length}", value)


def items(value: Value, maximum: int, what: str) -> list[Value]:
    """An array of at most `maximum` items."""
    if type(value) is list and len(value) <= maximum:
        return value
    raise _refused(what, f"an array of at most {maximum}", value)


def blob(value: Value, size: int, what: str) -> bytes:
    """A byte string of exactly `size` bytes."""
    if type(value) is bytes and len(value) == size:
        return value
    raise _refused(what, f"{size} bytes", value)


def blob_max(value: Value, maximum: int, what: str) -> bytes:
    """A byte string of at most `maximum` bytes."""
    if type(value) is bytes and len(value) <= maximum:
        return value
    raise _refused(what, f"at most {maximum} bytes", value)


def text(value: Value, maximum: int, what: str) -> str:
    """Text of at most `maximum` characters."""
    if type(value) is str and len(value) <= maximum:
        return value
    raise _refused(what, f"text of at most {maximum} characters", value)


def uint(value: Value, maximum: int = UINT64_MAX, what: str = "integer") -> int:
    """An integer from 0 to `maximum`."""
    if type(value) is int and 0 <= value <= maximum:
        return value
    raise _refused(what, f"an integer from 0 to {maximum}", value)


def boolean(value: Value, what: str) -> bool:
    """True or false."""
    if type(value) is bool:
        return value
    raise _refused(what, "true or false", value)


def choice(value: Value, among: type[Choice], what: str) -> Choice:
    """A closed choice by its text."""
    for each in among:
        if type(value) is str and value == each.value:
            return each
    raise _refused(what, f"one of {', '.join(among)}", value)
