"""Limits on figures, and the figures themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.checkers.checker import Ending
from testnet.checkers.figures import figures
from testnet.checkers.measures import percentile
from testnet.observation import (
    BlockLeft,
    Fact,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
    TransactionOffered,
    TransactionSeen,
)
from testnet.outcome import Verdict, Violation
from tests.testnet.checkers.small import expected, joined, judged, names

NOTHING = Ending(60.0, (), 0.0, ())


def at(at_s: float, fact: Fact) -> Seen:
    return Seen(at_s, fact)


def glimpse(node: str, size: int, messages: int) -> Glimpse:
    return Glimpse(node, 0, "", 2, 0, 0, 0, size, messages)


RUN = [
    at(0.0, TransactionOffered("n1", "t1", "alice", 0, 0, 99)),
    at(0.0, TransactionSeen("n1", "t1")),
    at(0.3, TransactionSeen("n2", "t1")),
    at(1.0, TransactionOffered("n1", "t2", "alice", 0, 1, 99)),
    at(2.0, joined("n1", "a", "g", 1, "t1")),
    at(2.1, joined("n2", "a", "g", 1, "t1")),
    at(2.4, joined("n3", "a", "g", 1, "t1")),
    at(3.0, joined("n1", "b", "a", 2, "t2")),
    at(3.0, joined("n2", "b", "a", 2, "t2")),
    at(4.0, glimpse("n1", 1_000, 10)),
    at(4.0, glimpse("n2", 500, 4)),
    at(5.0, glimpse("n1", 1_500, 16)),
    at(6.0, glimpse("n1", 100, 2)),
]
"""Block a needs 100 and 400 ms, b 0 ms; t1 2 s, t2 2 s; 2,100 bytes and 22 messages for two."""


def limited(name: str, **parameters: str) -> list[Violation]:
    return judged(RUN, expected(name, **parameters), ending=NOTHING)


@pytest.mark.parametrize(
    ("name", "parameters", "beyond"),
    [
        ("propagation", {"p50": "100ms", "p90": "400ms", "p99": "400ms"}, ()),
        ("propagation", {"p50": "99ms"}, ("propagation",)),
        ("propagation", {"p90": "399ms"}, ("propagation",)),
        ("propagation", {"p99": "399ms"}, ("propagation",)),
        ("propagation", {}, ()),
        ("inclusion", {"p99": "2s"}, ()),
        ("inclusion", {"p99": "1999ms"}, ("inclusion",)),
        ("bytes-per-transaction", {"most": "1050"}, ()),
        ("bytes-per-transaction", {"most": "1049"}, ("bytes-per-transaction",)),
        ("messages-per-transaction", {"most": "11"}, ()),
        ("messages-per-transaction", {"most": "10"}, ("messages-per-transaction",)),
    ],
)
def test_limits(name: str, parameters: dict[str, str], beyond: tuple[str, ...]) -> None:
    found = limited(name, **parameters)
    assert names(found) == beyond
    assert all(violation.verdict is Verdict.BOUND for violation in found)


def dialling(redials: list[int], node: str = "n1") -> list[Seen]:
    """A node looked at each second, and the hasty attempts it had made by then."""
    return [
        at(float(second), Glimpse(node, 0, "", 2, 0, 0, 0, 0, 0, count))
        for second, count in enumerate(redials)
    ]


def test_hasty_attempts_to_connect_are_counted_over_ten_seconds() -> None:
    storm = dialling([0, 7, 14, 21, 28])
    (found,) = judged(storm, ending=NOTHING)
    assert (found.check, found.verdict, found.at_s) == ("dialling", Verdict.BOUND, 3.0)
    assert "within 3 s n1 tried 21 times to connect where it had just tried" in found.statement
    assert judged(dialling([2 * second for second in range(60)]), ending=NOTHING) == []
    assert judged(storm, expected("dialling", attempts="28"), ending=NOTHING) == []
    assert judged(storm, hostile=("n1",), ending=NOTHING) == []


def test_a_limit_without_anything_to_measure_holds() -> None:
    assert judged([], expected("inclusion", p99="1ms"), ending=NOTHING) == []
    assert judged([], expected("bytes-per-transaction", most="1"), ending=NOTHING) == []
    assert judged([], expected("messages-per-transaction", most="1"), ending=NOTHING) == []


def test_a_node_that_started_later_fetches_blocks_and_propagates_nothing() -> None:
    late = [*RUN, at(9.0, NodeStarted("n3")), at(9.0, joined("n3", "b", "a", 2, "t2"))]
    assert judged(late, expected("propagation", p99="400ms"), ending=NOTHING) == []
    there = [*RUN, at(9.0, joined("n3", "b", "a", 2, "t2"))]
    assert names(judged(there, expected("propagation", p99="400ms"), ending=NOTHING)) == (
        "propagation",
    )


def test_a_repeated_head_and_hostile_nodes_do_not_count() -> None:
    again = [*RUN, at(9.0, joined("n2", "b", "a", 2, "t2"))]
    assert judged(again, expected("propagation", p99="400ms"), ending=NOTHING) == []
    there = [*RUN, at(9.0, joined("n3", "b", "a", 2, "t2"))]
    limit = expected("propagation", p99="400ms")
    assert judged(there, limit, hostile=("n3",), ending=NOTHING) == []


def test_figures_of_a_run() -> None:
    turned = [
        *RUN,
        at(7.0, BlockLeft("n1", "b", 2)),
        at(7.0, BlockLeft("n1", "a", 1)),
        at(7.0, joined("n1", "c", "g", 1)),
        at(7.0, NodeStopped("n2", "killed")),
        at(8.0, BlockLeft("n3", "a", 1)),
    ]
    found = {figure.name: (figure.value, figure.unit) for figure in figures(turned, NOTHING)}
    assert found == {
        "blocks": (3, "blocks"),
        "transactions included": (2, "transactions"),
        "reorgs": (2, "times"),
        "deepest reorg": (2, "blocks"),
        "block propagation p50": (100.0, "ms"),
        "block propagation p90": (400.0, "ms"),
        "block propagation p99": (400.0, "ms"),
        "transaction propagation p50": (300.0, "ms"),
        "transaction propagation p90": (300.0, "ms"),
        "transaction propagation p99": (300.0, "ms"),
        "inclusion p50": (2_000.0, "ms"),
        "inclusion p99": (2_000.0, "ms"),
        "bytes per transaction": (1_050.0, "bytes"),
        "messages per transaction": (11.0, "messages"),
    }


def test_a_run_in_which_nothing_happened_has_only_counts() -> None:
    assert [figure.value for figure in figures([], NOTHING)] == [0, 0, 0, 0]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_covers_so_many(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)
