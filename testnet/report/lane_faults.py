"""Faults in the drawings: hatched bands over what they hit, and a strip of bars with their names.

Faults are hatched, never coloured: colours are the branches'.
"""

from collections.abc import Iterator, Sequence

from testnet.report.lane_layout import PLOT, STRIP_ROW, Layout, stretches
from testnet.report.svg import rect, tag, text
from testnet.report.trace import FaultSpan
from testnet.report.words import clock, counted, nodes_text

LETTER = 6.1
"""Pixels of an average letter of a label."""

CROSSED = {
    "link": "M-2 2L2 -2M0 8L8 0M6 10L10 6",
    "partition": "M-2 2L2 -2M0 8L8 0M6 10L10 6M-2 6L2 10M0 0L8 8M6 -2L10 2",
    "node": "M-2 6L2 10M0 0L8 8M6 -2L10 2",
}
"""Lines one way for what links do, the other way for nodes, both for partitions."""

LANES, CHARTS = "lane", "chart"
"""The lanes have hatches of their own: they are squeezed when one zooms, so as to stay even."""

HATCHES = tag(
    "defs",
    "".join(
        tag(
            "pattern",
            tag("path", d=path, class_="hatch"),
            id=f"{place}-{name}",
            class_=f"{place}-hatch",
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
        )
        for place in (LANES, CHARTS)
        for name, path in CROSSED.items()
    ),
)

LINKS = ("link", "gossip")


def hatch(family: str, place: str) -> str:
    """The hatch of a family of faults, in the LANES or the CHARTS."""
    name = "partition" if family == "partition" else "link" if family in LINKS else "node"
    return f"url(#{place}-{name})"


def fault_title(fault: FaultSpan) -> str:
    """A fault for those who point at it."""
    hits = "still in force at the end" if fault.hits is None else counted(fault.hits, "hit")
    return (
        f"{fault.id}: {fault.kind} on {nodes_text(fault.on)},"
        f" {clock(fault.begin_s)} to {clock(fault.end_s)}, {hits}"
    )


def bands(layout: Layout, faults: Sequence[FaultSpan]) -> Iterator[str]:
    for fault in faults:
        x = layout.x(fault.begin_s)
        wide = max(layout.x(fault.end_s) - x, 1.5)
        for first, last in stretches(layout.rows, fault.on):
            y = layout.top + first * layout.lane
            yield rect(
                x,
                y,
                wide,
                (last - first + 1) * layout.lane,
                fault_title(fault),
                class_="band",
                fill=hatch(fault.family, LANES),
            )


def strip_bars(layout: Layout) -> Iterator[str]:
    for place, row in enumerate(layout.strips):
        y = layout.strip + place * STRIP_ROW
        for fault in row:
            x = layout.x(fault.begin_s)
            wide = max(layout.x(fault.end_s) - x, 3)
            class_ = "fault inert" if fault.hits == 0 else "fault"
            yield rect(x, y, wide, STRIP_ROW - 3, fault_title(fault), class_=class_)


def strip_labels(layout: Layout) -> Iterator[str]:
    for place, row in enumerate(layout.strips):
        y = layout.strip + place * STRIP_ROW + 12
        for number, fault in enumerate(row):
            words = f"{fault.id} · {fault.kind}" + (" · hit nothing" if fault.hits == 0 else "")
            x = layout.x(fault.begin_s)
            room = layout.x(row[number + 1].begin_s) - x if number + 1 < len(row) else PLOT - x
            wide = len(words) * LETTER + 8
            if wide <= room:
                yield text(
                    x + 5,
                    y,
                    words,
                    class_="faultname at",
                    data_x=x,
                    data_shift=5,
                    data_until=layout.x(fault.end_s),
                )
            elif number == 0 and wide <= x:
                yield text(
                    x - 5, y, words, class_="faultname at", text_anchor="end", data_x=x,
                    data_shift=-5,
                )  # fmt: skip
