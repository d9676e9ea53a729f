"""Swim lanes: a lane for each node, coloured by the branch it was on, with the faults over it.

The plot is drawn once, in its own coordinates, inside a clipped picture: the page zooms it by
stretching one group, which neither dots nor lines notice (vector-effect), and by moving labels.
Within limits whatever the run: lanes, dots and labels have maxima, and what is left out is said.
"""

from collections.abc import Iterator

from testnet.outcome import Violation
from testnet.report.branches import Tree
from testnet.report.lane_faults import HATCHES, bands, strip_bars, strip_labels
from testnet.report.lane_layout import GUTTER, PLOT, WIDTH, Layout, layout_of
from testnet.report.lane_moments import broke, depths, flag, marks, points, reorganisations
from testnet.report.lane_tracks import down_words, tracks
from testnet.report.svg import line, picture, plain, rect, tag, text, ticks
from testnet.report.trace import Trace
from testnet.report.words import clock, counted

CITY_LETTERS_MAX = 14


def lanes(trace: Trace, tree: Tree, violation: Violation | None, cities: dict[str, str]) -> str:
    """The whole drawing."""
    concerned = violation.nodes if violation else ()
    layout = layout_of(trace, concerned, flag=violation is not None)
    height = layout.bottom + 8 + (16 if layout.left_out or layout.strips_left_out else 0)
    plot = tag(
        "svg",
        tag("g", "".join(_moving(trace, tree, layout, violation)), class_="zoom")
        + "".join(_labels(trace, layout, violation)),
        x=GUTTER,
        y=0,
        width=PLOT,
        height=height,
        class_="plot",
    )
    about = (
        f"{counted(len(layout.rows), 'lane')} over {clock(trace.end_s)},"
        f" {counted(len(trace.faults), 'fault')},"
        f" {counted(len(trace.reorganisations), 'reorganisation')}"
    )
    return picture(
        WIDTH,
        height,
        "What each node did",
        about,
        HATCHES + "".join(_names(layout, cities)) + plot + _rest(layout, height),
        class_="lanes",
        data_end=trace.end_s,
        data_gutter=GUTTER,
        data_plot=PLOT,
        data_top=layout.top,
        data_lane=layout.lane,
    )


def _moving(trace: Trace, tree: Tree, layout: Layout, violation: Violation | None) -> Iterator[str]:
    """What is stretched when one zooms, from the ground up."""
    yield from _grid(layout)
    yield from tracks(trace, tree, layout)
    yield from bands(layout, trace.faults)
    yield from points(trace, tree, layout)
    yield from strip_bars(layout)
    yield from reorganisations(trace, layout)
    yield from marks(trace, layout)
    if violation is not None:
        yield from broke(layout, violation)


def _labels(trace: Trace, layout: Layout, violation: Violation | None) -> Iterator[str]:
    """What is only moved."""
    yield from _axis_labels(layout)
    yield from strip_labels(layout)
    yield from depths(trace, layout)
    yield from down_words(trace, layout)
    if violation is not None:
        yield flag(layout, violation)


def _names(layout: Layout, cities: dict[str, str]) -> Iterator[str]:
    size = {"font_size": 10} if layout.lane < 16 else {}
    for row, node in enumerate(layout.rows):
        y = layout.y(row)
        if node in layout.singled:
            yield rect(
                1, y - layout.lane / 2 + 1, GUTTER - 10, layout.lane - 2, class_="concerned", rx=4
            )
        yield text(10, y + 4, node, class_="name", **size)
        if city := cities.get(node, ""):
            yield text(
                GUTTER - 14,
                y + 4,
                city[:CITY_LETTERS_MAX],
                class_="city",
                text_anchor="end",
                **size,
            )


def _grid(layout: Layout) -> Iterator[str]:
    for at_s in ticks(0.0, layout.x.high, 12):
        x = layout.x(at_s)
        yield line(x, layout.strip - 4, x, layout.bottom, class_="grid tick")


def _axis_labels(layout: Layout) -> Iterator[str]:
    for at_s in ticks(0.0, layout.x.high, 12):
        x = layout.x(at_s)
        anchor = "start" if x < 10 else "end" if x > PLOT - 20 else "middle"
        yield text(
            x,
            layout.axis + 12,
            f"{plain(at_s)} s",
            class_="soft at tick",
            data_x=x,
            text_anchor=anchor,
        )


def _rest(layout: Layout, height: float) -> str:
    parts = []
    if layout.left_out:
        parts.append(counted(layout.left_out, "more node"))
    if layout.strips_left_out:
        parts.append(counted(layout.strips_left_out, "more fault"))
    words = f"not drawn: {', '.join(parts)}"
    return text(GUTTER, height - 5, words, class_="soft") if parts else ""
