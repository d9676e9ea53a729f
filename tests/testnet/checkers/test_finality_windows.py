"""What a window waits for of finality: it must be so at each node, and it says what is missing."""

import pytest

from testnet.checkers.windows import Window, window_of
from testnet.observation import (
    Confirmed,
    Fact,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
    SetConfirmed,
)
from tests.chain.founding import AUTHORITIES
from tests.testnet.checkers.small import NODES, branch, expected, ground

DIDS = tuple(party.did.hex() for party in AUTHORITIES)
LATE = "1 of 3 authorities not heard since slot 4: "


def final(node: str, block: str, height: int) -> Confirmed:
    return Confirmed(node, block, height, height, 0, True)


def says(node: str, late: str) -> Glimpse:
    return Glimpse(node, 1, "a", 2, 0, 0, 0, 0, 0, late=late)


def tell(window: Window, *facts: Fact) -> None:
    for fact in facts:
        window.see(Seen(1.0, fact))


def test_finality_resumes_when_what_joined_later_is_final_everywhere() -> None:
    window = window_of(expected("finality-resumes"), ground())
    for node in NODES:
        tell(window, *(each.fact for each in branch(node, "a", range(1, 11))))
    tell(window, *(final(node, "a10", 10) for node in NODES))
    assert window.holds(30.0) == (False, "n1 holds height 10 final, 11 is asked for")
    tell(window, final("n1", "a11", 11), final("n2", "a11", 11))
    assert not window.holds(40.0)[0]
    tell(window, final("n3", "a11", 11))
    assert window.holds(42.0)[0]


def late_window(*down: str) -> Window:
    window = window_of(expected("finality-late"), ground())
    tell(window, *(NodeStopped(node, "killed") for node in down))
    return window


def test_finality_is_late_when_each_node_names_who_is_down() -> None:
    window = window_of(expected("finality-late"), ground(hostile=("n3",)))
    tell(window, NodeStopped("n3", "killed"), says("n1", LATE + "n3"))
    assert window.holds(1.0) == (False, "n2 says '', down are n3")
    tell(window, says("n2", LATE + "n3"))
    assert window.holds(2.0) == (True, f"n1 says '{LATE}n3'")
    tell(window, NodeStarted("n3"))
    assert not window.holds(3.0)[0]


@pytest.mark.parametrize("names", ["n1", "n2, n1", "n3", "n1, n2, n3", "nobody"])
def test_finality_is_not_told_late_by_the_wrong_names(names: str) -> None:
    window = late_window("n2", "n3")
    tell(window, *(says(node, LATE + names) for node in NODES))
    assert not window.holds(1.0)[0]
    tell(window, *(says(node, LATE + "n3, n2") for node in NODES))
    assert window.holds(2.0)[0]


def test_a_set_has_taken_over_when_it_makes_blocks_final_everywhere() -> None:
    window = window_of(expected("handed-over", sets="2"), ground())
    tell(
        window, *(SetConfirmed(node, 2, DIDS) for node in ("n1", "n3")), SetConfirmed("n2", 1, DIDS)
    )
    assert window.holds(1.0) == (False, "at n2 set 1 makes blocks final")
    tell(window, SetConfirmed("n2", 3, DIDS))
    assert window.holds(2.0)[0]


def test_the_hostile_have_lost_their_seats_when_the_set_is_without_them_everywhere() -> None:
    window = window_of(expected("unseated"), ground(hostile=("n3",)))
    assert window.holds(1.0) == (False, "at n1 n3 still has a seat")
    tell(window, SetConfirmed("n1", 1, DIDS[:2]), SetConfirmed("n2", 1, DIDS))
    assert window.holds(2.0) == (False, "at n2 n3 still has a seat")
    tell(window, SetConfirmed("n2", 2, DIDS[:2]))
    assert window.holds(3.0) == (True, "n3 has lost its seat")


def test_where_nobody_is_hostile_nobody_loses_a_seat() -> None:
    window = window_of(expected("unseated"), ground())
    tell(window, *(SetConfirmed(node, 1, DIDS) for node in NODES))
    assert not window.holds(1.0)[0]
