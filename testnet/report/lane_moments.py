"""Moments on the lanes: blocks taken, reorganisations, refusals, troubles, and the finding."""

from collections.abc import Iterator, Sequence

from testnet.outcome import Verdict, Violation
from testnet.report.branches import Tree
from testnet.report.lane_layout import FLAG_HEIGHT, PLOT, Layout, colour
from testnet.report.svg import dots, line, tag, text
from testnet.report.trace import Reorganisation, Trace
from testnet.report.words import clock

DOTS_MAX = 12_000
"""About ten bytes each; beyond it dots of one lane and colour that touch become one."""

MARKS_MAX = 3_000
"""Of each other kind of mark."""

LABELS_MAX = 80
FLAGGED = {
    Verdict.PASS: "held",
    Verdict.NONDETERMINISM: "differs",
    Verdict.SAFETY: "broken",
    Verdict.LIVENESS: "missed",
    Verdict.BOUND: "exceeded",
}
EDGE = 40
"""Pixels from the right edge in which a label stands on the left of its place."""


def points(trace: Trace, tree: Tree, layout: Layout) -> Iterator[str]:
    """A dot for each block a node took."""
    places = [
        (layout.x(step.at_s), row, colour(tree, step.block))
        for row, node in enumerate(layout.rows)
        for step in trace.steps[node]
    ]
    for shade, found in sorted(thinned(places).items()):
        path = dots((x, layout.y(row)) for x, row in found)
        size = "dot" if layout.lane >= 16 else "dot small"
        yield tag("path", d=path, class_=f"{size} s{shade}")


def thinned(
    places: Sequence[tuple[float, int, int]],
) -> dict[int, list[tuple[float, int]]]:
    """Dots by colour; where they are too many, one for each stretch of a lane that has any."""
    grain = 1.0
    kept = {(round(x / grain), row, shade): x for x, row, shade in places}
    while len(kept) > DOTS_MAX:
        grain *= 2
        kept = {(round(x / grain), row, shade): x for x, row, shade in places}
    found = dict[int, list[tuple[float, int]]]()
    for (_, row, shade), x in kept.items():
        found.setdefault(shade, []).append((x, row))
    return found


def reorganisations(trace: Trace, layout: Layout) -> Iterator[str]:
    """A ring for each; a small one where a single block was left."""
    rows = {node: row for row, node in enumerate(layout.rows)}
    drawn = [each for each in trace.reorganisations if each.node in rows]
    for found, class_ in (
        ([each for each in drawn if each.depth == 1], "one"),
        ([each for each in drawn if each.depth > 1], "deep"),
    ):
        path = dots(_places(found, rows, layout))
        if path:
            yield tag("path", d=path, class_=f"ring {class_}")
            yield tag("path", d=path, class_=f"hole {class_}")


def _places(
    found: Sequence[Reorganisation], rows: dict[str, int], layout: Layout
) -> list[tuple[float, float]]:
    """Where they are, each place once."""
    places = dict.fromkeys((round(layout.x(each.at_s)), rows[each.node]) for each in found)
    return [(x, layout.y(row)) for x, row in list(places)[:MARKS_MAX]]


def depths(trace: Trace, layout: Layout) -> Iterator[str]:
    """How deep the deepest reorganisations went."""
    rows = {node: row for row, node in enumerate(layout.rows)}
    deep = sorted(trace.reorganisations, key=lambda each: (-each.depth, each.at_s))
    for each in deep[:LABELS_MAX]:
        if each.node in rows and each.depth > 1 and layout.lane >= 16:
            x, y = layout.x(each.at_s), layout.y(rows[each.node]) + 4
            yield beside(x, y, f"−{each.depth}", "depth", 9)


def beside(x: float, y: float, words: str, class_: str, shift: float) -> str:
    """A label right of a place, or left of it where the picture ends; it moves when one zooms."""
    left = x > PLOT - EDGE
    return text(
        x + (-shift if left else shift),
        y,
        words,
        class_=f"{class_} at",
        text_anchor="end" if left else "start",
        data_x=x,
        data_shift=-shift if left else shift,
    )


def marks(trace: Trace, layout: Layout) -> Iterator[str]:
    """Refusals and troubles, under the dots of their lanes."""
    rows = {node: row for row, node in enumerate(layout.rows)}
    for found, class_ in ((trace.refusals, "refusal"), (trace.troubles, "trouble")):
        places = {
            (round(layout.x(mark.at_s)), rows[mark.node]): None
            for mark in found
            if mark.node in rows
        }
        path = dots((x, layout.y(row) + layout.lane * 0.38) for x, row in list(places)[:MARKS_MAX])
        if path:
            yield tag("path", d=path, class_=class_)


def broke(layout: Layout, violation: Violation) -> Iterator[str]:
    """The line of the finding, and the nodes it is about."""
    x = layout.x(violation.at_s)
    yield line(x, FLAG_HEIGHT - 4, x, layout.bottom, class_="broke")
    concerned = [row for row, node in enumerate(layout.rows) if node in layout.singled]
    if concerned:
        yield tag("path", d=dots((x, layout.y(row)) for row in concerned), class_="brokedot")


def flag(layout: Layout, violation: Violation) -> str:
    """What was found, over its line."""
    x = layout.x(violation.at_s)
    words = f"{violation.check} {FLAGGED[violation.verdict]}, {clock(violation.at_s)}"
    left = x > PLOT / 2
    return text(
        x,
        12,
        words,
        class_="flag at",
        text_anchor="end" if left else "start",
        data_x=x,
    )
