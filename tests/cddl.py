"""The part of CDDL (RFC 8610) that docs/spec uses: whether a rule admits a value.

*Why not pycddl alone:* it reads the grammars, and is asked whether they are well-formed; but it
looks into no array inside an array, takes a pattern as found anywhere in a text, knows no `.cat` of
names, and gives up on what is in a byte string.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import cbor2

Match = Callable[[object], bool]
Walk = Callable[[Sequence[object], int], Iterator[int]]
"""From a place in an array to the places where what is described may end."""

TOKEN = re.compile(
    r'"(?:[^"\\]|\\.)*"|#6\.\d+|=>|//|\.\.|\.[a-z]+|-?\d+|[A-Za-z][A-Za-z0-9-]*|[\[\]{}():,/=*?]'
)
ENDLESS = 1 << 32
PLAIN: dict[str, Match] = {
    "uint": lambda value: type(value) is int and 0 <= value < 1 << 64,
    "int": lambda value: type(value) is int and -(1 << 64) <= value < 1 << 64,
    "bstr": lambda value: type(value) is bytes,
    "text": lambda value: type(value) is str,
    "tstr": lambda value: type(value) is str,
    "bool": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "nil": lambda value: value is None,
}


class Grammar:
    """The rules of one file."""

    def __init__(self, text: str) -> None:
        self._tokens = [token for line in text.splitlines() for token in _tokens(line)]
        self._at = 0
        self._types: dict[str, Match] = dict(PLAIN)
        self._groups: dict[str, Walk] = {}
        self._texts: dict[str, str] = {}
        while self._at < len(self._tokens):
            self._rule()

    def admits(self, rule: str, data: bytes) -> bool:
        """Whether a rule admits the one value of these bytes."""
        return self._types[rule](cbor2.loads(data))

    def text(self, name: str) -> str:
        """The text that a name stands for."""
        return self._texts[name]

    def _rule(self) -> None:
        name = self._take()
        self._expect("=")
        if self._peek() == "(":
            self._take()
            self._groups[name] = self._group(")")
        else:
            if self._peek().startswith('"') and self._after(1) not in ("/", ".."):
                self._texts[name] = _unquoted(self._peek())
            self._types[name] = self._type()

    def _type(self) -> Match:
        arms = [self._controlled()]
        while self._peek() == "/":
            self._take()
            arms.append(self._controlled())
        return arms[0] if len(arms) == 1 else lambda value: any(arm(value) for arm in arms)

    def _controlled(self) -> Match:
        base = self._simple()
        match self._peek():
            case ".size":
                self._take()
                size = self._simple()
                return lambda value: base(value) and size(_size(value))
            case ".regexp":
                self._take()
                pattern = self._joined()
                return lambda value: base(value) and bool(re.fullmatch(pattern(), str(value)))
            case ".cbor":
                self._take()
                inner = self._simple()
                return lambda value: base(value) and _holds(inner, value)
        return base

    def _joined(self) -> Callable[[], str]:
        """A text, or (NAME .cat TEXT); the name may be explained further down."""
        if self._peek() != "(":
            text = _unquoted(self._take())
            return lambda: text
        self._take()
        name = self._take()
        self._expect(".cat")
        rest = _unquoted(self._take())
        self._expect(")")
        return lambda: self._texts[name] + rest

    def _simple(self) -> Match:
        token = self._take()
        if self._peek() == "..":
            self._take()
            return _between(int(token), int(self._take()))
        if token == "[":
            items = self._group("]")
            return lambda value: (
                isinstance(value, list | tuple)
                and any(end == len(value) for end in items(value, 0))
            )
        if token == "{":
            return self._map()
        if token == "(":
            inner = self._type()
            self._expect(")")
            return inner
        if token.startswith("#"):
            return self._tagged(int(token.partition(".")[2]))
        if token.startswith('"'):
            wanted = _unquoted(token)
            return lambda value: value == wanted
        if token.lstrip("-").isdigit():
            number = int(token)
            return lambda value: type(value) is int and value == number
        return lambda value: self._types[token](value)

    def _tagged(self, number: int) -> Match:
        self._expect("(")
        inner = self._type()
        self._expect(")")
        return lambda value: (
            isinstance(value, cbor2.CBORTag) and value.tag == number and inner(value.value)
        )

    def _map(self) -> Match:
        """Of integers as keys, all of which are there."""
        entries: dict[int, Match] = {}
        while self._peek() != "}":
            key = int(self._take())
            assert self._take() in ("=>", ":")
            entries[key] = self._type()
            if self._peek() == ",":
                self._take()
        self._take()
        return lambda value: (
            isinstance(value, Mapping)
            and value.keys() == entries.keys()
            and all(entry(value[key]) for key, entry in entries.items())
        )

    def _group(self, end: str) -> Walk:
        """What stands in an array, or in parentheses."""
        choices: list[list[Walk]] = [[]]
        while self._peek() != end:
            token = self._peek()
            if token in (",", "//"):
                self._take()
                if token == "//":
                    choices.append([])
            else:
                choices[-1].append(self._entry())
        self._take()
        return lambda items, at: (
            reached for choice in choices for reached in _sequence(choice, items, at)
        )

    def _entry(self) -> Walk:
        least, most = self._occurrence()
        if self._after(1) == ":":
            self._take(), self._take()
        if self._peek() == "(":
            self._take()
            return _repeated(self._group(")"), least, most)
        name = self._peek()
        one = self._type()

        def walk(items: Sequence[object], at: int) -> Iterator[int]:
            if name in self._groups:
                yield from self._groups[name](items, at)
                return
            last = min(len(items), at + most)
            count = next((n for n, item in enumerate(islice(items, at, last)) if not one(item)), -1)
            fitting = last - at if count < 0 else count
            yield from range(at + fitting, at + least - 1, -1)

        return walk

    def _occurrence(self) -> tuple[int, int]:
        token = self._peek()
        if token == "*":
            self._take()
            return 0, ENDLESS
        if token.isdigit() and self._after(1) == "*":
            least, _, most = int(self._take()), self._take(), int(self._take())
            return least, most
        return 1, 1

    def _peek(self) -> str:
        return self._after(0)

    def _after(self, places: int) -> str:
        at = self._at + places
        return self._tokens[at] if at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        found = self._take()
        assert found == token, (
            f"{token!r} expected before {self._tokens[self._at :][:8]}: {found!r}"
        )


def _tokens(line: str) -> list[str]:
    """Those of a line, without its comment."""
    found: list[str] = []
    at = 0
    while at < len(line) and line[at] != ";":
        token = TOKEN.match(line, at)
        assert token or line[at] == " ", f"{line[at:]!r} is not of the CDDL known here"
        at = token.end() if token else at + 1
        found += [token[0]] if token else []
    return found


def _unquoted(token: str) -> str:
    r"""The text of a token, with its own escapes and PCRE's \x{...} resolved."""
    text = token[1:-1].replace(r"\\", "\\")
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), text)


def _between(low: int, high: int) -> Match:
    return lambda value: type(value) is int and low <= value <= high


def _size(value: object) -> int:
    return len(value.encode() if isinstance(value, str) else value)  # type: ignore[arg-type]


def _holds(inner: Match, value: object) -> bool:
    assert isinstance(value, bytes)
    try:
        return inner(cbor2.loads(value))
    except cbor2.CBORDecodeError:
        return False


def _repeated(walk: Walk, least: int, most: int) -> Walk:
    """A group so many times."""

    def again(items: Sequence[object], at: int, done: int = 0) -> Iterator[int]:
        if done < most:
            for reached in walk(items, at):
                if reached > at:
                    yield from again(items, reached, done + 1)
        if done >= least:
            yield at

    return again


def _sequence(entries: list[Walk], items: Sequence[object], at: int) -> Iterator[int]:
    if not entries:
        yield at
        return
    for reached in entries[0](items, at):
        yield from _sequence(entries[1:], items, reached)
