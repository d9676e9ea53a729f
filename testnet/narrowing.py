"""Selectors that mean fewer nodes, for a scenario that is made smaller."""

from collections.abc import Iterator

from testnet.scenario.selectors import SPAN, terms

ALL = "all"
FIRST = "n1"
DRAWN = ("minority", "majority", "leader")
"""Words whose nodes nobody can read off: one fixed node is simpler, where it fails as well."""


def narrowed(selector: str, nodes: int) -> Iterator[str]:
    """Simpler selectors of the same kind, the smallest first; none for one that is simple."""
    parts = terms(selector)
    if len(parts) == 1:
        yield from _narrowed_term(parts[0], nodes)
        return
    half = len(parts) // 2
    yield ",".join(parts[:half])
    yield ",".join(parts[half:])
    for place in range(len(parts)):
        yield ",".join(parts[:place] + parts[place + 1 :])
    for place, term in enumerate(parts):
        for fewer in _narrowed_term(term, nodes):
            yield ",".join((*parts[:place], fewer, *parts[place + 1 :]))


def clipped(selector: str, nodes: int) -> str:
    """What is left of a selector when only n1..n<nodes> are; the last of them when nothing is."""
    kept = (_clipped_term(term, nodes) for term in terms(selector))
    return ",".join(term for term in kept if term) or f"n{nodes}"


def _narrowed_term(term: str, nodes: int) -> Iterator[str]:
    word, _, argument = term.partition(":")
    if term == ALL:
        yield from _parts_of_span(1, nodes)
    elif match := SPAN.fullmatch(term):
        yield from _parts_of_span(int(match[1][1:]), int(match[2][1:]))
    elif term == "producer:*":
        yield "producer:1"
    elif word == "rand":
        yield from (f"rand:{count}" for count in _fewer(int(argument)))
        yield FIRST
    elif term in DRAWN:
        yield FIRST


def _parts_of_span(low: int, high: int) -> Iterator[str]:
    if low >= high:
        return
    middle = (low + high) // 2
    yield span(low, middle)
    yield span(middle + 1, high)
    if high - low > 1:
        yield span(low, high - 1)
        yield span(low + 1, high)


def _fewer(count: int) -> Iterator[int]:
    yield from dict.fromkeys(each for each in (1, count // 2, count - 1) if 1 <= each < count)


def _clipped_term(term: str, nodes: int) -> str:
    if match := SPAN.fullmatch(term):
        low, high = int(match[1][1:]), min(int(match[2][1:]), nodes)
        return span(low, high) if low <= high else ""
    if term.startswith("n") and term[1:].isdigit():
        return term if int(term[1:]) <= nodes else ""
    word, _, argument = term.partition(":")
    if word == "rand" and argument.isdigit():
        return f"rand:{min(int(argument), nodes)}"
    return term


def span(low: int, high: int) -> str:
    """n2..n4, or n2 alone."""
    return f"n{low}" if low == high else f"n{low}..n{high}"
