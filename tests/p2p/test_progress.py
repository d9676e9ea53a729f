"""How progress is measured, and when it is told."""

import pytest

from p2p.api.views import SyncView
from p2p.commands.look import sync_text
from p2p.progress import RATE_S, SAY_S, ProgressMeter, SyncProgress, likely_height, told


def run(meter: ProgressMeter, start_s: float, seconds: int, blocks: int) -> float:
    """Connect so many blocks of ten transactions a second, sampling as the node does."""
    for second in range(seconds):
        meter.sample(start_s + second)
        for _ in range(blocks):
            meter.connected(10)
    return start_s + seconds


def test_rates_are_those_of_the_last_seconds_and_the_rest_follows() -> None:
    meter = ProgressMeter()
    now_s = run(meter, 0.0, 30, 5)
    now_s = run(meter, now_s, 2 * int(RATE_S), 40)
    assert meter.read(950, 1_750, now_s) == SyncProgress(950, 1_750, 40.0, 400.0, 20.0)


def test_a_standstill_has_no_end() -> None:
    meter = ProgressMeter()
    now_s = run(meter, 0.0, 30, 5)
    now_s = run(meter, now_s, 2 * int(RATE_S), 0)
    progress = meter.read(150, 1_000, now_s)
    assert (progress.blocks_per_s, progress.eta_s) == (0.0, None)
    view = SyncView(1_000, 0.0, 0.0, None)
    assert "block 150 of 1,000: 0 blocks/s, 0 transactions/s, standing still" in sync_text(
        150, view
    )


def test_a_boundless_claim_has_no_end_either() -> None:
    meter = ProgressMeter()
    now_s = run(meter, 0.0, 20, 1)
    assert meter.read(20, 2**63, now_s).eta_s is None


def test_the_log_hears_every_few_seconds_and_of_the_end() -> None:
    meter = ProgressMeter()
    assert not meter.is_due(0.0, syncing=False)
    due = [s for s in range(1, 21) if meter.is_due(float(s), syncing=True)]
    assert due == [5, 10, 15, 20]
    assert SAY_S == 5
    assert meter.is_due(21.0, syncing=False)
    assert not meter.is_due(22.0, syncing=False)


def test_a_short_way_is_not_worth_a_line() -> None:
    meter = ProgressMeter()
    meter.is_due(0.0, syncing=False)
    assert not meter.is_due(SAY_S - 0.1, syncing=True)
    assert not meter.is_due(SAY_S, syncing=False)


def test_what_the_log_says() -> None:
    way = SyncProgress(10, 30, 1.26, 12.6, 15.9)
    fields = {
        "height": 10,
        "of": 30,
        "blocks_per_s": 1.3,
        "transactions_per_s": 12.6,
        "eta_s": 15.9,
    }
    assert told(way, syncing=True) == ("syncing", fields)
    assert told(way, syncing=False) == ("sync-stalled", {"height": 10, "of": 30})
    there = SyncProgress(30, 30, 1.26, 12.6, 0.0)
    assert told(there, syncing=False) == ("synced", {"height": 30, "of": 30})


@pytest.mark.parametrize(
    ("claimed", "shown", "expected"),
    [
        ((), 7, 7),
        ((100,), 7, 100),
        ((100, 2**60), 7, 100),
        ((100, 101, 2**60), 7, 101),
        ((0, 0, 100), 50, 50),
    ],
)
def test_one_peers_claim_is_not_the_chain(
    claimed: tuple[int, ...], shown: int, expected: int
) -> None:
    assert likely_height(claimed, shown) == expected
