"""The figures for people: one column a run, what it cost above, how soon it arrived below."""

import math
from collections.abc import Callable, Sequence

from rich.table import Table

from testnet.bench.figures import GossipFigures, Phase

Row = tuple[str, Callable[[GossipFigures], str]]

ROWS: tuple[Row, ...] = (
    ("all linked after, s", lambda f: number(f.linked_s, 2)),
    ("copies per delivery, steady", lambda f: number(f.steady.copies, 2)),
    ("copies per delivery, burst", lambda f: number(f.burst.copies, 2)),
    ("announcements per delivery, steady", lambda f: number(f.steady.announced, 2)),
    ("frames per delivery, steady", lambda f: number(f.steady.frames, 2)),
    ("frames per delivery, burst", lambda f: number(f.burst.frames, 2)),
    ("wire bytes per delivery, steady", lambda f: number(f.steady.wire_bytes, 0)),
    ("wire bytes per delivery, burst", lambda f: number(f.burst.wire_bytes, 0)),
    ("amplification, burst", lambda f: number(f.burst.amplification, 2)),
    ("CPU per delivery, steady, ms", lambda f: number(f.steady.cpu_ms, 3)),
    ("CPU per delivery, burst, ms", lambda f: number(f.burst.cpu_ms, 3)),
    ("idle CPU per node and second, ms", lambda f: number(f.idle_cpu_ms, 2)),
    ("unloaded p50 / p99 / max, ms", lambda f: times(f.unloaded)),
    ("steady p50 / p99 / max, ms", lambda f: times(f.steady)),
    ("burst p50 / p99 / max, ms", lambda f: times(f.burst)),
    ("burst, seconds to all", lambda f: number(f.burst.seconds, 2)),
    ("burst, deliveries per second", lambda f: number(f.burst.deliveries_per_s, 0)),
    ("delivered, unloaded / steady / burst", lambda f: delivered(f)),
    ("in every node's blocks, in order", lambda f: blocks(f)),
    ("disconnects / bans", lambda f: f"{f.disconnects} / {f.bans}"),
    ("memory at start / peak, MB", lambda f: f"{f.resident_mb:.0f} / {f.peak_mb:.0f}"),
)


def table_of(runs: Sequence[GossipFigures]) -> Table:
    """One column for each run."""
    table = Table(pad_edge=False, box=None)
    table.add_column()
    for run in runs:
        table.add_column(f"{run.system}\nN = {run.nodes}, {run.links} links", justify="right")
    for name, cell in ROWS:
        table.add_row(name, *map(cell, runs))
    return table


def number(value: float, digits: int) -> str:
    """A number, or a dash where there is none."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else "-"


def times(phase: Phase) -> str:
    """The percentiles of a phase."""
    found = (phase.p50_ms, phase.p99_ms, phase.max_ms)
    return " / ".join(number(value, 0 if value >= 100 else 1) for value in found)


def delivered(run: GossipFigures) -> str:
    """The delivered share of every phase: 1 only when nothing is missing."""
    return " / ".join(f"{phase.delivered:.6g}" for phase in (run.unloaded, run.steady, run.burst))


def blocks(run: GossipFigures) -> str:
    """How many of the burst, and whether each sender's followed each other."""
    if run.blocks is None:
        return "-"
    order = "in order" if run.blocks.in_order else "OUT OF ORDER"
    return f"{run.blocks.included:,} of {run.burst.sent:,}, {order}"
