"""Curves: how fast blocks and transactions went, and what the load and the mempools did."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from testnet.checkers.measures import percentile
from testnet.report.lane_faults import CHARTS, hatch
from testnet.report.svg import Scale, line, picture, plain, polyline, rect, tag, text, ticks
from testnet.report.trace import Trace
from testnet.report.words import lasting

WIDTH, HEIGHT = 540, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 26, 30
BINS = 120
"""Stretches of time a curve is drawn with: four pixels each."""

STEPS_MAX = 160
"""Points of a distribution; more do not show."""

MARKS = (50, 99)
"""The percentiles written beside a distribution."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a chart; `shade` is its colour number."""

    name: str
    shade: int
    values: tuple[float, ...]


def distribution(title: str, about: str, curves: Sequence[Curve]) -> str:
    """The share of values (seconds) that are not above each time, on a scale of tenfolds."""
    known = [curve for curve in curves if curve.values]
    if not known:
        return ""
    positive = [max(value, 0.001) for curve in known for value in curve.values]
    low = math.floor(math.log10(min(positive)))
    high = max(math.ceil(math.log10(max(positive))), low + 1)
    x = Scale(low, high, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    parts = list(_shares(y))
    for power in range(low, high + 1):
        at = x(power)
        parts.append(line(at, TOP, at, HEIGHT - BOTTOM, class_="grid"))
        words = f"{10.0**power:g} s" if power >= 0 else f"{10 ** (power + 3):g} ms"
        parts.append(text(at, HEIGHT - 12, words, class_="soft", text_anchor="middle"))
    for place, curve in enumerate(known):
        parts += _rise(curve, x, y)
        parts.append(_legend(place, curve, _percentiles(curve)))
    return picture(WIDTH, HEIGHT, title, about, "".join(parts), class_="chart")


def _percentiles(curve: Curve) -> str:
    return ", ".join(f"p{each} {lasting(percentile(curve.values, each))}" for each in MARKS)


def _shares(y: Scale) -> Iterator[str]:
    for share in (0.0, 0.5, 0.9, 1.0):
        yield line(LEFT, y(share), WIDTH - RIGHT, y(share), class_="grid")
        yield text(LEFT - 6, y(share) + 4, f"{share:.0%}", class_="soft", text_anchor="end")


def _rise(curve: Curve, x: Scale, y: Scale) -> Iterator[str]:
    ordered = sorted(max(value, 0.001) for value in curve.values)
    places = list[tuple[float, float]]()
    for step in range(STEPS_MAX + 1):
        power = x.low + (x.high - x.low) * step / STEPS_MAX
        share = bisect_right(ordered, 10**power * (1 + 1e-12)) / len(ordered)
        places.append((x(power), y(share)))
    yield tag("path", d=polyline(places), class_=f"curve s{curve.shade}")


def _legend(place: int, curve: Curve, words: str) -> str:
    """Names stand above the chart, in the colours of their lines."""
    x = LEFT + place * (WIDTH - LEFT) / 2
    swatch = rect(x, 4, 10, 10, class_=f"c{curve.shade}", rx=2)
    label = f"{curve.name}  {words}".rstrip()
    return swatch + text(x + 15, 13, label)


def over_time(
    title: str, about: str, trace: Trace, curves: Sequence[Curve], filled: Sequence[Curve] = ()
) -> str:
    """Values in BINS stretches of the run, faults hatched behind them; `filled` are areas."""
    highest = max((value for curve in (*curves, *filled) for value in curve.values), default=0.0)
    if highest <= 0:
        return ""
    x = Scale(0.0, trace.end_s, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, highest * 1.05, HEIGHT - BOTTOM, TOP)
    parts = [*_faults(trace, x), *_levels(highest, y), *_seconds(trace, x)]
    for place, curve in enumerate((*filled, *curves)):
        at = [(x((bin_ + 0.5) * trace.end_s / BINS), y(v)) for bin_, v in enumerate(curve.values)]
        area = place < len(filled)
        if area:
            ground = HEIGHT - BOTTOM
            at = [(at[0][0], ground), *at, (at[-1][0], ground)]
        class_ = f"area c{curve.shade}" if area else f"curve s{curve.shade}"
        parts += [tag("path", d=polyline(at), class_=class_), _legend(place, curve, "")]
    return picture(WIDTH, HEIGHT, title, about, "".join(parts), class_="chart")


def _faults(trace: Trace, x: Scale) -> Iterator[str]:
    for fault in trace.faults[:50]:
        begin = x(fault.begin_s)
        yield rect(
            begin,
            TOP,
            max(x(fault.end_s) - begin, 1),
            HEIGHT - TOP - BOTTOM,
            fault.id,
            class_="band",
            fill=hatch(fault.family, CHARTS),
        )


def _levels(highest: float, y: Scale) -> Iterator[str]:
    for value in ticks(0.0, highest, 4):
        yield line(LEFT, y(value), WIDTH - RIGHT, y(value), class_="grid")
        yield text(LEFT - 6, y(value) + 4, plain(value), class_="soft", text_anchor="end")


def _seconds(trace: Trace, x: Scale) -> Iterator[str]:
    for at_s in ticks(0.0, trace.end_s, 6):
        yield text(x(at_s), HEIGHT - 12, f"{plain(at_s)} s", class_="soft", text_anchor="middle")


def speeds(trace: Trace) -> str:
    """Propagation and inclusion as distributions."""
    return distribution(
        "How fast",
        "Propagation: from the first node that had a block on its chain to each of the others."
        " Inclusion: from a client's first offer to the first block with the transaction.",
        [
            Curve("propagation", 0, tuple(delay for _, _, delay in trace.delays)),
            Curve("inclusion", 3, tuple(waited for _, waited in trace.included)),
        ],
    )


def load(trace: Trace) -> str:
    """Transactions a second, offered and included."""
    return over_time(
        "Transactions a second",
        "Offered to a node for the first time; included in a block for the first time.",
        trace,
        [Curve("included", 3, rates(trace, [at_s for at_s, _ in trace.included]))],
        [Curve("offered", 0, rates(trace, trace.offered_s))],
    )


def mempools(trace: Trace) -> str:
    """Transactions waiting, in the fullest mempool and in the middle one."""
    most, middle = list[float](), list[float]()
    for waiting in _by_bin(trace):
        most.append(max(waiting) if waiting else (most[-1] if most else 0.0))
        middle.append(median_low(waiting) if waiting else (middle[-1] if middle else 0.0))
    return over_time(
        "Transactions waiting",
        "In the fullest mempool and in the median one.",
        trace,
        [Curve("fullest mempool", 1, tuple(most))],
        [Curve("median", 0, tuple(middle))],
    )


def spread(trace: Trace) -> str:
    """The highest and the lowest chain of the running nodes."""
    low, high = list[float](), list[float]()
    for heights in _by_bin(trace, height=True):
        low.append(min(heights) if heights else (low[-1] if low else 0.0))
        high.append(max(heights) if heights else (high[-1] if high else 0.0))
    return over_time(
        "Height",
        "Of the highest chain and of the lowest.",
        trace,
        [Curve("highest", 0, tuple(high)), Curve("lowest", 1, tuple(low))],
    )


def rates(trace: Trace, moments: Sequence[float]) -> tuple[float, ...]:
    """How many a second in each stretch; a stretch is a second or more, to be steady."""
    wide = max(trace.end_s / BINS, 1.0)
    counts = dict[int, int]()
    for at_s in moments:
        counts[int(at_s / wide)] = counts.get(int(at_s / wide), 0) + 1
    step = trace.end_s / BINS
    return tuple(counts.get(int((place + 0.5) * step / wide), 0) / wide for place in range(BINS))


def _by_bin(trace: Trace, *, height: bool = False) -> list[list[float]]:
    """What was glimpsed in each stretch, of all nodes."""
    found: list[list[float]] = [[] for _ in range(BINS)]
    for glimpses in trace.glimpses.values():
        for at_s, glimpse in glimpses:
            place = min(int(at_s / trace.end_s * BINS), BINS - 1)
            found[place].append(glimpse.height if height else glimpse.mempool)
    return found
