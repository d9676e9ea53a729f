"""Views to JSON and back: frozen dataclasses of texts, numbers, tuples, and each other.

The client checks every field of what a node answers, so that a wrong or newer node is a clear
error at the edge and not an AttributeError somewhere inside. What is read can be written again: no
NaN, no infinity, no half of a surrogate pair.
"""

import json
import math
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, cast, get_args, get_origin, get_type_hints

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

T = TypeVar("T")

INTEGER_TEXT_MAX = 40
"""Digits of an integer: no number of ours has more than 20, and reading thousands of long ones
takes quadratic time."""


class WrongJson(ValueError):
    """JSON that is not of the shape that was expected; says where."""


def encode_json(view: object) -> bytes:
    """A view (or plain JSON value) as compact UTF-8 text."""
    return json.dumps(view, separators=(",", ":"), ensure_ascii=False, default=_shallow).encode()


def _shallow(view: object) -> dict[str, object]:
    """One level of a view; the encoder comes back for the next. (asdict copies: 5 times slower.)"""
    kind: Any = type(view)
    return {name: getattr(view, name) for name in _names(kind)}


@lru_cache(64)  # one entry per view class
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def decode_json(kind: type[T], text: bytes) -> T:
    """Read a view of that class. Fields it does not know are ignored: newer nodes may add some.

    Raises WrongJson.
    """
    return cast(T, _read(kind, decode_any(text), kind.__name__))


def decode_any(text: bytes) -> Json:
    """Any JSON value. Raises WrongJson."""
    try:
        value: Json = json.loads(
            text, parse_int=_integer, parse_float=_fraction, parse_constant=_fraction
        )
    except (ValueError, RecursionError) as error:
        raise WrongJson(f"not JSON: {text[:80]!r}") from error
    return value


def _integer(text: str) -> int:
    if len(text) > INTEGER_TEXT_MAX:
        raise ValueError(f"an integer of {len(text)} digits, at most {INTEGER_TEXT_MAX} are read")
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:INTEGER_TEXT_MAX]} is no number of JSON")
    return value


def _is_whole(text: str) -> bool:
    """Whether a text holds characters only: JSON can escape half of one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# `Any` below is the type of a type hint, for which Python has no better name.
def _read(kind: Any, value: Json, where: str) -> object:
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind)[0], value, where)
    if get_origin(kind) is UnionType:
        return _read_union(get_args(kind), value, where)
    if _is_view(kind):
        return _read_view(kind, value, where)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is kind and (kind is not str or _is_whole(str(value))):
        return value
    raise WrongJson(f"{where}: expected {kind.__name__}, got {str(value)[:80]!r}")


def _read_tuple(kind: Any, value: Json, where: str) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise WrongJson(f"{where}: expected a list, got {str(value)[:80]!r}")
    return tuple(_read(kind, item, f"{where}[{at}]") for at, item in enumerate(value))


def _read_union(arms: tuple[Any, ...], value: Json, where: str) -> object:
    """The first arm that fits: null, or the view whose fields are all there, or the last."""
    if value is None and NoneType in arms:
        return None
    views = [arm for arm in arms if arm is not NoneType]
    if isinstance(value, dict):
        fitting = [v for v in views if _is_view(v) and _hints(v).keys() <= value.keys()]
        views = fitting or views
    return _read(views[0], value, where)


def _read_view(kind: Any, value: Json, where: str) -> object:
    if not isinstance(value, dict):
        raise WrongJson(f"{where}: expected an object, got {str(value)[:80]!r}")
    found = {
        name: _read(hint, value[name], f"{where}.{name}")
        for name, hint in _hints(kind).items()
        if name in value
    }
    missing = [f.name for f in fields(kind) if f.default is MISSING and f.name not in found]
    if missing:
        raise WrongJson(f"{where}: without {', '.join(missing)}; is it a node of this version?")
    return kind(**found)


def _is_view(kind: Any) -> bool:
    return is_dataclass(kind)


@lru_cache(64)  # one entry per view class
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
