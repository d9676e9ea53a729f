"""The tracks of the lanes: where a node served, on which branch, and how it went down."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from testnet.report.branches import Tree
from testnet.report.lane_layout import Layout, colour
from testnet.report.svg import line, number, rect, tag, text, title
from testnet.report.trace import Step, Trace, Uptime
from testnet.report.words import clock

STRETCHES_MAX = 4_000
"""About 25 bytes each; where branches change more often the shortest join their neighbours."""

THICK = 0.64
"""Of a lane's height."""

WORD_ROOM = 46
"""Pixels of a gap that has room for the word that says how it came."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one place to another of a lane on one branch."""

    row: int
    begin: float
    end: float
    shade: int


def tracks(trace: Trace, tree: Tree, layout: Layout) -> Iterator[str]:
    """All lanes, in one path for each colour; the gaps and what made them."""
    yield from _downs(trace, layout)
    found = dict[int, list[str]]()
    high = layout.lane * THICK
    for each in joined(stretches_of(trace, tree, layout)):
        path = (
            f"M{number(each.begin)} {number(layout.y(each.row) - high / 2)}"
            f"h{number(max(each.end - each.begin, 0.5))}v{number(high)}"
            f"H{number(each.begin)}z"
        )
        found.setdefault(each.shade, []).append(path)
    for shade, paths in sorted(found.items()):
        yield tag("path", d="".join(paths), class_=f"track c{shade}")
    yield from _ends(trace, layout)


def stretches_of(trace: Trace, tree: Tree, layout: Layout) -> list[Stretch]:
    """Every lane cut where its node changed branches or was down."""
    return [
        Stretch(row, layout.x(begin_s), layout.x(end_s), shade)
        for row, node in enumerate(layout.rows)
        for uptime in trace.uptimes[node]
        for begin_s, end_s, shade in segments(uptime, trace.steps[node], tree)
    ]


def joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The same without the shortest where there are too many."""
    kept, shortest = list(stretches), 0.5
    while len(kept) > STRETCHES_MAX:
        kept, shortest = _absorbed(kept, shortest), shortest * 2
    return kept


def _absorbed(stretches: Sequence[Stretch], shortest: float) -> list[Stretch]:
    """What is shorter goes to the neighbour before it; what has none there is left out."""
    kept = list[Stretch]()
    for each in stretches:
        brief = each.end - each.begin < shortest
        last = kept[-1] if kept else None
        if last is None or (last.row, last.end) != (each.row, each.begin):
            kept += [] if brief else [each]
        elif brief or last.shade == each.shade:
            kept[-1] = replace(last, end=each.end)
        else:
            kept.append(each)
    return kept


def segments(
    uptime: Uptime, steps: Sequence[Step], tree: Tree
) -> Iterator[tuple[float, float, int]]:
    """The stretches of an uptime in which a node was on one branch, with the branch's colour."""
    begin_s, shade = uptime.begin_s, 0
    for step in steps:
        found = colour(tree, step.block)
        if step.at_s <= begin_s:
            shade = found
        elif step.at_s < uptime.end_s and found != shade:
            yield begin_s, step.at_s, shade
            begin_s, shade = step.at_s, found
    yield begin_s, uptime.end_s, shade


def gaps(uptimes: Sequence[Uptime], end_s: float) -> Iterator[tuple[float, float, str]]:
    """When a node did not serve, and how that came; before its first start nothing had to come."""
    last_s, how = 0.0, ""
    for uptime in uptimes:
        if uptime.begin_s > last_s:
            yield last_s, uptime.begin_s, how
        last_s, how = uptime.end_s, uptime.how
    if last_s < end_s:
        yield last_s, end_s, how


def _downs(trace: Trace, layout: Layout) -> Iterator[str]:
    for row, node in enumerate(layout.rows):
        y = layout.y(row)
        for begin_s, end_s, _ in gaps(trace.uptimes[node], trace.end_s):
            yield line(layout.x(begin_s), y, layout.x(end_s), y, class_="down")


def _ends(trace: Trace, layout: Layout) -> Iterator[str]:
    high = layout.lane * THICK
    for row, node in enumerate(layout.rows):
        y = layout.y(row) - high / 2
        for uptime in trace.uptimes[node]:
            x, end = layout.x(uptime.begin_s), layout.x(uptime.end_s)
            if not uptime.honest:
                yield rect(x, y, end - x, high, f"{node} is hostile", class_="hostile")
            if uptime.how:
                bar = tag("path", d=f"M{number(end)} {number(y)}v{number(high)}", class_="stop")
                words = f"{node} {uptime.how} at {clock(uptime.end_s)}"
                yield tag("g", title(words) + bar)


def down_words(trace: Trace, layout: Layout) -> Iterator[str]:
    """How nodes went down, written where there is room."""
    if layout.lane < 16:
        return
    for row, node in enumerate(layout.rows):
        for begin_s, end_s, how in gaps(trace.uptimes[node], trace.end_s):
            x = layout.x(begin_s)
            if how and layout.x(end_s) - x > WORD_ROOM:
                y = layout.y(row) + 4
                yield text(x + 6, y, how, class_="down-word at", data_x=x, data_shift=6)
