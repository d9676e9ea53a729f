"""The bounded memory of ids forgets old generations whole."""

from p2p.peers.recent import RecentSet


def test_remembers_at_least_a_generation_and_at_most_two() -> None:
    recent = RecentSet(10)
    ids = [bytes([i]) for i in range(100)]
    for i, item in enumerate(ids):
        recent.add(item)
        assert len(recent) < 20
        assert all(known in recent for known in ids[max(0, i - 9) : i + 1])
    assert ids[0] not in recent


def test_forgets_on_request() -> None:
    recent = RecentSet(2)
    recent.update([b"a", b"b", b"c"])
    recent.discard(b"a")
    assert b"a" not in recent
    assert b"b" in recent
