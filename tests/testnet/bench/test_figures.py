"""The figures: worked out by hand from meters that are known, and shown."""

import json
import math
from array import array

from rich.console import Console

from testnet.bench.figures import Blocks, GossipFigures, Meters, Phase, Traffic, phase_of
from testnet.bench.table import ROWS, table_of

METERS = Meters(cpu_s=0.006, bytes_in=3_000, bodies=8, announced=12, frames=6)


def traffic(*accepted: list[float]) -> Traffic:
    """Two messages, by node 0 at 1 s and by node 1 at 2 s."""
    times = {node: array("d", found) for node, found in enumerate(accepted)}
    return Traffic(250, (0, 1), {0: 1.0, 1: 2.0}, times)


def figures(phase: Phase, blocks: Blocks | None = None) -> GossipFigures:
    return GossipFigures(
        "ours", 3, 3, 0.25, 0.5, phase, phase, phase, 0, 0, 70.0, 80.0, refused=(), blocks=blocks
    )


def test_a_phase_by_hand() -> None:
    phase = phase_of(traffic([1.0, 2.010], [1.020, 2.0], [1.030, 2.040]), METERS)
    assert phase.delivered == 1.0
    assert (phase.copies, phase.announced, phase.frames) == (2.0, 3.0, 1.5)
    assert phase.wire_bytes == 750.0
    assert phase.amplification == 3.0
    assert math.isclose(phase.cpu_ms, 1.5)
    assert [round(ms) for ms in (phase.p50_ms, phase.p99_ms, phase.max_ms)] == [20, 40, 40]
    assert math.isclose(phase.seconds, 1.040)
    assert math.isclose(phase.deliveries_per_s, 4 / 1.040)


def test_what_did_not_arrive_is_not_delivered() -> None:
    phase = phase_of(traffic([1.0, math.nan], [1.020, 2.0], [1.030, 2.040]), METERS)
    assert phase.delivered == 0.75
    assert phase.max_ms < 41


def test_nothing_delivered_has_no_figures_and_no_numbers_in_json() -> None:
    phase = phase_of(traffic([1.0, math.nan], [math.nan, 2.0]), METERS)
    assert phase.delivered == 0.0
    assert math.isnan(phase.copies)
    shown = json.loads(json.dumps(figures(phase).to_json(), allow_nan=False))
    assert shown["burst"]["copies"] is None
    assert shown["burst"]["delivered"] == 0.0


def test_the_table_has_a_row_for_each_figure() -> None:
    phase = phase_of(traffic([1.0, 2.010], [1.020, 2.0], [1.030, 2.040]), METERS)
    console = Console(width=120)
    with console.capture() as seen:
        console.print(table_of([figures(phase), figures(phase, Blocks(2, False))]))
    text = seen.get()
    for name, _ in ROWS:
        assert name in text
    assert "2 of 2, OUT OF ORDER" in text
    assert "20.0 / 40.0 / 40.0" in text
