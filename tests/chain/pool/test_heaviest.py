"""The heaviest sender, beside a dictionary that is searched each time."""

from hypothesis import given
from hypothesis import strategies as st

from chain.pool.heaviest import COMPACT_SLACK, Heaviest

SENDERS = [bytes([n]) for n in range(4)]


@given(st.lists(st.tuples(st.sampled_from(SENDERS), st.integers(-30, 30)), max_size=200))
def test_beside_a_dictionary(changes: list[tuple[bytes, int]]) -> None:
    heaviest = Heaviest()
    used = dict.fromkeys(SENDERS, 0)
    for sender, wanted in changes:
        by = max(wanted, -used[sender])
        used[sender] += by
        heaviest.change(sender, by)
        assert heaviest.used(sender) == used[sender]
        if any(used.values()):
            assert heaviest.top() == max(SENDERS, key=lambda s: used[s])


def test_superseded_figures_are_bounded() -> None:
    heaviest = Heaviest()
    for _ in range(10_000):
        heaviest.change(b"a", 1)
    assert heaviest.top() == b"a"
    assert len(heaviest._heap) <= 2 + COMPACT_SLACK
