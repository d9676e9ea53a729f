"""How long messages take between cities: named profiles, or one delay for every link.

The profile `brics` holds round-trip times measured between 28 cities (testnet/data/PROVENANCE.md).
Half of a round trip is taken for one way: a ping cannot tell the two ways apart.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from chain.primitives.errors import Invalid
from chain.toml import nearest
from testnet.errors import Unfit
from testnet.faults.parameters import parse_ms
from testnet.scenario.casting import BRICS, PROFILES
from testnet.spec import within

NONE_MS = 0.0
LAN_MS = 0.2
"""One way through one switch and two network stacks."""

LATENCY_MAX_MS = 10_000
"""The longest delay a scenario can give its links: with twice that no hello is in time."""

BRICS_FILE = "brics_cities_rtt_long.csv"


@dataclass(frozen=True, slots=True)
class Line:
    """One way from one city to another: the usual delay, and its scale of jitter (sigma)."""

    one_way_ms: float
    jitter_ms: float


class Latencies:
    """The delays of a profile. Without cities every link is alike, whatever it joins."""

    def __init__(self, uniform: Line, matrix: dict[tuple[str, str], Line] | None = None) -> None:
        self._uniform = uniform
        self._matrix = matrix or {}
        self.cities: tuple[str, ...] = tuple(dict.fromkeys(src for src, _ in self._matrix))

    def line(self, src_city: str, dst_city: str) -> Line:
        """The line between two cities. Raises Unfit for a city that is not of the profile."""
        if not self._matrix:
            return self._uniform
        found = self._matrix.get((src_city, dst_city))
        if found is None:
            unknown = dst_city if src_city in self.cities else src_city
            raise _no_city(unknown, self.cities)
        return found

    def one_way_ms(self, src_city: str, dst_city: str) -> float:
        """The usual delay of one way in milliseconds. Raises Unfit like `line`."""
        return self.line(src_city, dst_city).one_way_ms

    def jitter_ms(self, src_city: str, dst_city: str) -> float:
        """The standard deviation of that delay in milliseconds. Raises Unfit like `line`."""
        return self.line(src_city, dst_city).jitter_ms

    def place(self, names: Sequence[str], cities: Sequence[str] = ()) -> dict[str, str]:
        """A city for each node, dealt in turn; without `cities` all of the profile's.

        Raises Unfit for a city that is not of the profile. A profile that knows no cities takes
        any, and leaves nodes without one where none is given.
        """
        for city in cities:
            if self._matrix and city not in self.cities:
                raise _no_city(city, self.cities)
        dealt = tuple(cities) or self.cities or ("",)
        return {name: dealt[place % len(dealt)] for place, name in enumerate(names)}


def profile(text: str) -> Latencies:
    """`none`, `lan`, `brics`, or one delay for every link ("20ms", one way).

    Raises Unfit, with the nearest profile, for anything else.
    """
    match text:
        case "none":
            return Latencies(Line(NONE_MS, 0.0))
        case "lan":
            return Latencies(Line(LAN_MS, 0.0))
        case _ if text == BRICS:
            return _brics()
    try:
        delay_ms = parse_ms(text)
    except Invalid:
        known = nearest(text, PROFILES)
        reason = f"{text!r} is no profile and no delay such as 20ms; {known}"
        raise Unfit("latency", reason) from None
    within(delay_ms, 0, LATENCY_MAX_MS, f"latency {text!r} in milliseconds")
    return Latencies(Line(float(delay_ms), 0.0))


@cache
def _brics() -> Latencies:
    text = files("testnet").joinpath("data", BRICS_FILE).read_text("utf-8")
    matrix = {
        (row["src"], row["dst"]): Line(
            float(row["rtt_avg_ms"]) / 2, one_way_deviation(float(row["rtt_mdev_ms"]))
        )
        for row in csv.DictReader(text.splitlines())
    }
    return Latencies(Line(NONE_MS, 0.0), matrix)


def one_way_deviation(round_trip: float) -> float:
    """The deviation of one way, when both ways vary alike and apart: variances add."""
    return round_trip / math.sqrt(2)


def _no_city(city: str, known: Sequence[str]) -> Unfit:
    return Unfit("city", f"no city {city!r} in this latency profile; {nearest(city, known)}")
