"""Whether our clock is wrong, as told from blocks: when they came, and of which slots they are."""

from collections.abc import Iterable

import pytest

from p2p.clockwatch import AHEAD_SLOTS, BLOCKS, ClockWatch

LONG = 3 * BLOCKS
AHEAD = AHEAD_SLOTS + 4
OWN, OTHER = b"own", b"other"


def told(blocks: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """How often it was told, and by how much the clock seems to be ahead at the end."""
    watch, count, ours = ClockWatch(OWN), 0, 0
    for slot, ours in blocks:
        count += watch.came(slot, OTHER, ours)
    return count, watch.ahead(ours)


def test_blocks_that_come_in_their_slots_say_nothing() -> None:
    assert told((slot, slot + slot % 2) for slot in range(LONG)) == (0, 0)


@pytest.mark.parametrize("ahead", [AHEAD_SLOTS, 600])
def test_blocks_that_all_come_late_by_the_same_say_it_once(ahead: int) -> None:
    assert told((slot, slot + ahead + slot % 2) for slot in range(LONG)) == (1, ahead)


def test_every_other_slot_may_be_empty() -> None:
    assert told((slot, slot + 50) for slot in range(0, LONG, 2)) == (1, 50)


def test_a_download_says_nothing_however_old_its_blocks_are() -> None:
    assert told((slot, 10_000 + slot // 20) for slot in range(20 * LONG)) == (0, 0)


def test_what_follows_a_download_says_nothing() -> None:
    download = [(slot, LONG) for slot in range(LONG)]
    assert told(download + [(slot, slot) for slot in range(LONG, 2 * LONG)]) == (0, 0)


def test_one_late_author_is_not_our_clock() -> None:
    assert told((slot, slot + 20 * (slot % 3 == 0)) for slot in range(LONG)) == (0, 0)


def test_a_clock_that_was_put_right_is_told_of_anew_when_it_goes_wrong_again() -> None:
    wrong = [(slot, slot + AHEAD) for slot in range(LONG)]
    right = [(slot, slot) for slot in range(LONG, 2 * LONG)]
    again = [(slot, slot + AHEAD) for slot in range(2 * LONG, 3 * LONG)]
    assert told(wrong + right + again) == (2, AHEAD)


def test_own_blocks_which_are_of_our_slots_hide_nothing() -> None:
    watch = ClockWatch(OWN)
    for slot in range(LONG):
        watch.came(slot, OTHER, slot + AHEAD)
        watch.came(slot + AHEAD, OWN, slot + AHEAD)
    assert watch.ahead(LONG - 1 + AHEAD) == AHEAD


def test_nothing_is_said_of_a_chain_that_stands_still() -> None:
    watch = ClockWatch(None)
    for slot in range(LONG):
        watch.came(slot, OTHER, slot + AHEAD)
    assert watch.ahead(LONG + AHEAD) == AHEAD
    assert watch.ahead(LONG + AHEAD + AHEAD_SLOTS + 1) == 0
