"""The verdict on a load is the chains', and its parts add up."""

import pytest

from testnet.tally import Tally, percentile

A, B, C, D = (bytes([number]) * 32 for number in range(4))


def test_parts_add_up() -> None:
    tally = Tally()
    tally.sent([A, B, C, D], at=10.0)
    tally.verdict(D, "mempool-full")
    tally.see([A, B], at=11.0)
    assert tally.pending()
    tally.see([C], at=12.0)
    assert not tally.pending()
    result = tally.result(canonical={A, B}, failed={B})
    assert (result.submitted, result.included, result.rejected, result.missing) == (4, 2, 1, 1)
    assert result.failed == 1
    assert result.seconds == pytest.approx(2.0)
    assert result.tps == pytest.approx(1.0)
    assert result.reasons == (("mempool-full", 1),)
    assert result.to_json()["inclusion_ms"] == {"p50": 1000.0, "p99": 1000.0}


def test_a_refused_one_that_is_on_the_chain_after_all_is_included() -> None:
    tally = Tally()
    tally.sent([A], at=0.0)
    tally.verdict(A, "already-known")
    tally.see([A], at=0.5)
    result = tally.result(canonical={A}, failed=set())
    assert (result.included, result.rejected, result.missing) == (1, 0, 0)


def test_sending_again_and_seeing_again_change_nothing() -> None:
    tally = Tally()
    tally.sent([A], at=0.0)
    tally.sent([A], at=5.0)
    tally.see([A, B], at=1.0)
    tally.see([A], at=9.0)
    assert tally.result({A, B}, set()).p50_ms == pytest.approx(1000.0)
    assert tally.submitted == 1


def test_nothing_sent() -> None:
    assert Tally().result(set(), set()).tps == 0.0


@pytest.mark.parametrize(("percent", "value"), [(50, 50.0), (99, 99.0), (100, 100.0), (1, 1.0)])
def test_nearest_rank(percent: int, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], percent) == value
