"""TOML read strictly: exact types, no unknown keys, and every refusal with its line and section."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from chain.primitives.errors import Invalid, Malformed, Refusal

HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")
KNOWN_MAX = 12
"""More alternatives than this are not listed in a refusal: nobody reads them."""
TYPES: dict[type, str] = {
    str: "text in quotes",
    int: "an integer",
    bool: "true or false",
    float: "a number",
    list: "an array [...]",
    dict: "a table",
    datetime: "a date and time such as 2026-11-23T08:00:00Z",
}

T = TypeVar("T", str, int, bool, datetime)


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say about a word that is not among the known ones."""
    names = list(known)
    if near := difflib.get_close_matches(word, names, 1):
        return f"did you mean {near[0]!r}?"
    listed = ", ".join(names[:KNOWN_MAX]) + (", ..." if len(names) > KNOWN_MAX else "")
    return f"known: {listed or 'none'}"


def describe(kind: type) -> str:
    """What a value of that type is called in a refusal."""
    return TYPES.get(kind, f"a {kind.__name__}")


class Source:
    """A TOML text, with the line numbers that the parser does not keep."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines()
        self._headers: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines, 1):
            if header := HEADER.fullmatch(line):
                self._headers.setdefault(header[1], []).append(number)

    def parse(self, code: str) -> dict[str, object]:
        """The parsed text. Raises Malformed(code) with the parser's line and column."""
        try:
            return tomllib.loads(self._text)
        except (ValueError, RecursionError) as error:
            raise Malformed(code, f"not TOML: {error}") from None

    def header(self, name: str, index: int) -> int:
        """The line of the index-th (from 0) `[name]` or `[[name]]`; 0 when there is none."""
        found = self._headers.get(name, [])
        return found[index] if index < len(found) else 0

    def key(self, start: int, name: str) -> int:
        """The line of a key in the section that starts at a line; that line when not found."""
        wanted = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=")
        for number, line in enumerate(self._lines[start:], start + 1):
            if wanted.match(line):
                return number
            if HEADER.fullmatch(line):
                break
        return start


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a source that knows where it stands. All methods raise Invalid, with the place."""

    source: Source
    title: str
    line: int  # 0: not known
    values: dict[str, object]

    def refused(self, key: str, reason: str, code: str = "source") -> Invalid:
        """The refusal of a key."""
        return Invalid(code, f"{self._place(self.source.key(self.line, key))}: {key}: {reason}")

    @contextmanager
    def at(self, key: str = "") -> Iterator[None]:
        """Give the place to a refusal from within that does not know it."""
        try:
            yield
        except Refusal as refusal:
            if refusal.code == "source":
                raise
            line = self.source.key(self.line, key) if key else self.line
            place = self._place(line) + (f": {key}" if key else "")
            raise type(refusal)(refusal.code, f"{place}: {refusal.reason}") from None

    def only(self, known: Iterable[str]) -> None:
        """Refuse every key that is not known, with the nearest that is."""
        names = list(known)
        for key in self.values:
            if key not in names:
                raise self.refused(key, f"unknown key; {nearest(key, names)}")

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of a key, of exactly that type; required when there is no default."""
        if key not in self.values and default is not None:
            return default
        value = self._value(key, kind)
        if type(value) is not kind:
            raise self._mistyped(key, kind, value)
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """An array of texts."""
        if key not in self.values:
            return default
        return tuple(self._text_in(key, item) for item in self._array(key))

    def section(self, name: str) -> "Section":
        """The table `[name]`; an empty one when it is not there."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise self._mistyped(name, dict, value)
        return Section(self.source, f"[{name}]", self.source.header(name, 0), value)

    def sections(self, name: str) -> Iterator["Section"]:
        """The tables `[[name]]`, or those of the array `name = [{...}, ...]`; maybe none."""
        if name not in self.values:
            return
        within = "" if self.line == 0 else f"{self.title} "
        if isinstance(self.values[name], dict):
            raise self.refused(name, f"there may be several; write [[{name}]]")
        for index, value in enumerate(self._array(name)):
            if not isinstance(value, dict):
                raise self._mistyped(name, dict, value)
            line = self.source.header(name, index) or self.source.key(self.line, name)
            yield Section(self.source, f"{within}[[{name}]] {index + 1}", line, value)

    def _value(self, key: str, kind: type) -> object:
        if key not in self.values:
            raise self.refused(key, f"is missing; give {describe(kind)}")
        return self.values[key]

    def _array(self, key: str) -> list[object]:
        value = self._value(key, list)
        if not isinstance(value, list):
            raise self._mistyped(key, list, value)
        return value

    def _text_in(self, key: str, item: object) -> str:
        if not isinstance(item, str):
            raise self._mistyped(key, str, item)
        return item

    def _mistyped(self, key: str, kind: type, value: object) -> Invalid:
        return self.refused(key, f"expected {describe(kind)}, got {describe(type(value))}")

    def _place(self, line: int) -> str:
        return f"line {line}, {self.title}" if line else self.title
