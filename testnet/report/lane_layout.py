"""Where things are in the swim lanes: which nodes get a lane, how high, where a second is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from testnet.report.branches import Tree
from testnet.report.svg import Scale
from testnet.report.trace import FaultSpan, Trace

WIDTH = 1_100
GUTTER = 136
PLOT = WIDTH - GUTTER - 8
LANES_MAX = 100
"""More lanes than these no screen shows; those of the finding and the faults come first."""

STRIP_ROWS_MAX = 12
COLOURS = 6
"""Branch colours: the winner's, and five that the forks take in turn."""

FLAG_HEIGHT, AXIS_HEIGHT, STRIP_ROW = 20, 22, 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: `rows` are the nodes drawn, `top` the upper edge of the first lane.

    `singled` are the nodes a finding is about, unless it is about most of them.

    From the top down: the flag of a finding, the axis (at `axis`), the strip of faults (from
    `strip`), the lanes.
    """

    rows: tuple[str, ...]
    singled: tuple[str, ...]
    left_out: int
    lane: float
    axis: float
    top: float
    strips: tuple[tuple[FaultSpan, ...], ...]
    strips_left_out: int
    x: Scale

    @property
    def strip(self) -> float:
        return self.axis + AXIS_HEIGHT

    @property
    def bottom(self) -> float:
        return self.top + self.lane * len(self.rows)

    def y(self, row: int) -> float:
        """The middle of a lane."""
        return self.top + self.lane * (row + 0.5)


def layout_of(trace: Trace, concerned: Sequence[str], *, flag: bool) -> Layout:
    """Decides which nodes and faults are drawn, and how high the lanes are."""
    rows = chosen_rows(trace, concerned)
    strips = packed(trace.faults)
    shown = strips[:STRIP_ROWS_MAX]
    axis = FLAG_HEIGHT if flag else 0
    return Layout(
        rows=rows,
        singled=tuple(concerned) if 2 * len(concerned) <= len(trace.nodes) else (),
        left_out=len(trace.nodes) - len(rows),
        lane=28 if len(rows) <= 12 else 20 if len(rows) <= 30 else 13,
        axis=axis,
        top=axis + AXIS_HEIGHT + STRIP_ROW * len(shown) + (8 if shown else 2),
        strips=shown,
        strips_left_out=sum(map(len, strips[STRIP_ROWS_MAX:])),
        x=Scale(0.0, trace.end_s, 0.0, PLOT),
    )


def chosen_rows(trace: Trace, concerned: Sequence[str]) -> tuple[str, ...]:
    """All nodes, or where they are too many those that matter, in the order of their names."""
    if len(trace.nodes) <= LANES_MAX:
        return trace.nodes
    hit = [node for fault in trace.faults for node in fault.on]
    first = dict.fromkeys([*concerned, *hit, *trace.nodes])
    kept = frozenset([node for node in first if node in trace.steps][:LANES_MAX])
    return tuple(node for node in trace.nodes if node in kept)


def packed(faults: Sequence[FaultSpan]) -> tuple[tuple[FaultSpan, ...], ...]:
    """Faults in as few rows as they need without overlapping."""
    rows = list[list[FaultSpan]]()
    for fault in faults:
        row = next((row for row in rows if row[-1].end_s <= fault.begin_s), None)
        if row is None:
            rows.append([fault])
        else:
            row.append(fault)
    return tuple(tuple(row) for row in rows)


def stretches(rows: Sequence[str], nodes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The runs of neighbouring rows that hold these nodes: first and last row of each."""
    wanted = frozenset(nodes)
    first: int | None = None
    for row, node in enumerate([*rows, ""]):
        if node in wanted and first is None:
            first = row
        elif node not in wanted and first is not None:
            yield first, row - 1
            first = None


def colour(tree: Tree, block: str) -> int:
    """The colour number of a block's branch; the winner's is its own."""
    branch = tree.branch_of.get(block, 0)
    return branch if branch == 0 else 1 + (branch - 1) % (COLOURS - 1)
