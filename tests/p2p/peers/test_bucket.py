"""Token buckets spend, refill and cap."""

import pytest

from p2p.peers.bucket import TokenBucket


def test_spends_the_burst_then_the_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3, now_s=0)
    assert [bucket.take(1, 0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(1, 0.4)
    assert bucket.take(1, 0.5)


def test_a_refused_amount_costs_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=5, now_s=0)
    assert not bucket.take(6, 0)
    assert bucket.take(5, 0)


def test_never_holds_more_than_the_burst_and_ignores_time_going_back() -> None:
    bucket = TokenBucket(rate=10, burst=2, now_s=0)
    assert bucket.take(2, 1000)
    assert not bucket.take(1, 999)


def test_says_how_long_to_wait() -> None:
    bucket = TokenBucket(rate=4, burst=2, now_s=0)
    bucket.take(2, 0)
    assert bucket.wait_s(1) == pytest.approx(0.25)
