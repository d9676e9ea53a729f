"""Virtual time on a heap: in order of moments, then of making, and never back."""

from hypothesis import given
from hypothesis import strategies as st

from testnet.engines.heap import Heap


@given(st.lists(st.integers(0, 5)))
def test_events_come_in_order_of_moments_then_of_making(moments: list[int]) -> None:
    heap, seen = Heap(), list[tuple[int, int]]()
    for place, at_s in enumerate(moments):
        heap.at(float(at_s), lambda each=(at_s, place): seen.append(each))  # type: ignore[misc]
    heap.run(10.0)
    assert seen == sorted(seen)
    assert heap.happened == len(moments)
    assert heap.now_s == 10.0


def test_what_is_due_later_waits() -> None:
    heap, seen = Heap(), list[float]()
    for at_s in (1.0, 2.0, 2.5):
        heap.at(at_s, lambda: seen.append(heap.now_s))
    heap.run(2.0)
    assert seen == [1.0, 2.0]
    heap.run(3.0)
    assert seen == [1.0, 2.0, 2.5]


def test_the_past_is_now_and_after_what_is_due_already() -> None:
    heap, seen = Heap(), list[str]()
    heap.run(5.0)
    heap.at(5.0, lambda: seen.append("due"))
    heap.at(1.0, lambda: seen.append(f"late at {heap.now_s:g}"))
    heap.run(5.0)
    assert seen == ["due", "late at 5"]


def test_an_event_can_make_others() -> None:
    heap, seen = Heap(), list[float]()

    def tick() -> None:
        seen.append(heap.now_s)
        heap.at(heap.now_s + 1.0, tick)

    heap.at(0.5, tick)
    heap.run(3.0)
    assert seen == [0.5, 1.5, 2.5]


def test_who_wants_to_look_ends_a_run_early() -> None:
    heap, seen = Heap(), list[float]()
    heap.at(1.0, lambda: heap.return_by(1.5))
    heap.at(2.0, lambda: seen.append(heap.now_s))
    heap.run(9.0)
    assert (heap.now_s, seen) == (1.5, [])
    heap.run(9.0)
    assert (heap.now_s, seen) == (9.0, [2.0])
