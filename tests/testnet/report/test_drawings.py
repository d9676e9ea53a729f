"""The drawings' arithmetic: scales, ticks, thinning, bands, spans, against what is easy to say."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.observation import Glimpse
from testnet.report.branches import tree_of
from testnet.report.cities import medians
from testnet.report.curves import BINS, rates
from testnet.report.lane_layout import LANES_MAX, chosen_rows, packed, stretches
from testnet.report.lane_moments import DOTS_MAX, thinned
from testnet.report.lane_tracks import STRETCHES_MAX, Stretch, gaps, joined, segments
from testnet.report.svg import Scale, number, ticks
from testnet.report.trace import FaultSpan, Trace, trace_of
from testnet.report.words import clock, counted, lasting, nodes_text, spans
from tests.testnet.report.staged import BACK_S, KILL_S, Stage, outcome

TRACE = trace_of(outcome(Stage(broken=False)))


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6), st.integers(1, 20))
def test_ticks_are_few_round_and_inside(low: float, span: float, wanted: int) -> None:
    found = ticks(low, low + span, wanted)
    slack = span * 1e-6 + 1e-6
    assert len(found) <= 2 * wanted + 2
    assert all(low - slack <= each <= low + span + slack for each in found)


@given(st.floats(-1e5, 1e5))
def test_numbers_are_short_and_right(value: float) -> None:
    assert abs(float(number(value)) - value) <= 0.0501
    assert number(3.0) == "3"


def test_a_scale_keeps_inside() -> None:
    scale = Scale(0.0, 10.0, 100.0, 200.0)
    assert [scale(value) for value in (-5.0, 0.0, 5.0, 10.0, 99.0)] == [100, 100, 150, 200, 200]


def test_dots_are_thinned_below_their_maximum_and_none_is_moved() -> None:
    places = [(step / 100, row, row % 3) for row in range(100) for step in range(5_000)]
    found = thinned(places)
    drawn = {(x, row, shade) for shade, dots in found.items() for x, row in dots}
    assert 0 < len(drawn) <= DOTS_MAX
    assert drawn <= set(places)
    assert {row for _, row, _ in drawn} == set(range(100))


def test_few_dots_are_all_drawn() -> None:
    assert sum(map(len, thinned([(2.0 * step, 0, 0) for step in range(50)]).values())) == 50


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), min_size=1, max_size=20))
def test_joined_stretches_cover_the_same(changes: list[tuple[int, int]]) -> None:
    few, x = list[Stretch](), 0.0
    for shade, wide in changes:
        few.append(Stretch(0, x, x + wide, shade))
        x += wide
    assert joined(few) == few
    many = [Stretch(row, at / 10, (at + 1) / 10, at % 2) for row in range(9) for at in range(900)]
    kept = joined(many)
    assert len(kept) <= STRETCHES_MAX
    for row in range(9):
        mine = [each for each in kept if each.row == row]
        assert all(one.end == other.begin for one, other in pairwise(mine))


def test_a_killed_node_has_a_gap() -> None:
    (gap,) = [each for each in gaps(TRACE.uptimes["n7"], TRACE.end_s) if each[2]]
    assert gap == (KILL_S + 0.01, BACK_S, "killed")


def test_a_lane_changes_colour_with_its_branch() -> None:
    tree = tree_of(TRACE)
    (uptime,) = TRACE.uptimes["n6"]
    shades = [shade for _, _, shade in segments(uptime, TRACE.steps["n6"], tree)]
    assert shades == [0, 1, 0]
    (uptime,) = TRACE.uptimes["n1"]
    assert [shade for _, _, shade in segments(uptime, TRACE.steps["n1"], tree)] == [0]


@given(st.lists(st.booleans(), max_size=12))
def test_bands_cover_the_nodes_hit_and_no_others(hit: list[bool]) -> None:
    rows = [f"n{number}" for number in range(len(hit))]
    nodes = [row for row, wanted in zip(rows, hit, strict=True) if wanted]
    covered = [row for first, last in stretches(rows, nodes) for row in rows[first : last + 1]]
    assert covered == nodes


def test_faults_share_a_row_when_they_do_not_overlap() -> None:
    spans_s = [(0.0, 5.0), (1.0, 3.0), (4.0, 9.0), (5.0, 6.0)]
    faults = [
        FaultSpan(f"f{place}", "link.delay", (), (), begin_s, end_s)
        for place, (begin_s, end_s) in enumerate(spans_s)
    ]
    assert [[fault.id for fault in row] for row in packed(faults)] == [["f0", "f3"], ["f1", "f2"]]


def test_of_too_many_nodes_those_concerned_are_drawn() -> None:
    trace = Trace(tuple(f"n{number}" for number in range(1, 301)), 1.0)
    trace.steps = {node: [] for node in trace.nodes}
    rows = chosen_rows(trace, ("n299",))
    assert len(rows) == LANES_MAX
    assert rows[-1] == "n299"


def test_rates_add_up() -> None:
    found = rates(TRACE, TRACE.offered_s)
    assert len(found) == BINS
    assert abs(sum(found) * TRACE.end_s / BINS - len(TRACE.offered_s)) < 8


def test_medians_go_from_city_to_city() -> None:
    trace = Trace(("n1", "n2"), 1.0)
    trace.delays = [("n1", "n2", 3.0), ("n1", "n2", 1.0), ("n1", "n2", 2.0), ("n2", "n1", 9.0)]
    found = medians(trace, {"n1": "Cairo", "n2": "Pune"})
    assert found == {("Cairo", "Pune"): 2.0, ("Pune", "Cairo"): 9.0}


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ((), "the network"),
        (("n2",), "n2"),
        (("n8", "n1"), "n8 and n1"),
        (("n3", "n1", "n2"), "n1..n3"),
        (("n1", "n2", "n4", "n10", "n11", "n12"), "n1, n2, n4, n10..n12"),
        (("left", "n1", "n2"), "n1, n2, left"),
        (tuple(f"n{number}" for number in range(1, 80, 2)), "40 nodes"),
    ],
)
def test_nodes_as_people_name_them(nodes: tuple[str, ...], told: str) -> None:
    assert nodes_text(nodes) == told


@given(st.sets(st.integers(1, 60)))
def test_spans_lose_nobody(numbers: set[int]) -> None:
    found = list[int]()
    for part in spans([f"n{each}" for each in sorted(numbers, key=str)]):
        first, _, last = part.partition("..")
        found += range(int(first[1:]), int((last or first)[1:]) + 1)
    assert found == sorted(numbers)


def test_times_as_people_read_them() -> None:
    assert [clock(at_s) for at_s in (0.04, 41.26, 60.0, 127.44, 1_000.0)] == [
        "0.0 s",
        "41.3 s",
        "1:00 min",
        "2:07.4 min",
        "16:40 min",
    ]
    assert [lasting(seconds) for seconds in (0.0842, 0.9999, 3.0)] == ["84 ms", "1.0 s", "3.0 s"]
    assert [counted(1, "city", "cities"), counted(2, "city", "cities")] == ["1 city", "2 cities"]


def test_every_node_was_glimpsed() -> None:
    assert all(
        isinstance(glimpse, Glimpse) for node in TRACE.nodes for _, glimpse in TRACE.glimpses[node]
    )
    assert all(len(TRACE.glimpses[node]) == 60 for node in TRACE.nodes)
