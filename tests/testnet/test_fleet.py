"""The fleet's rules, told in events: who starts again, when, and who stays down."""

import pytest

from testnet.errors import Unfit
from testnet.fleet import GRACE_S, RETRY_FIRST_S, RETRY_MAX_S, STEADY_S, Fleet
from testnet.views import State


def running(*names: str) -> Fleet:
    fleet = Fleet()
    for pid, name in enumerate(names, start=100):
        fleet.add(name)
        fleet.spawned(name, pid, 0.0)
        fleet.reported(name)
    return fleet


def test_a_new_member_is_due_at_once() -> None:
    fleet = Fleet()
    fleet.add("n1")
    assert fleet.due(0.0) == ["n1"]
    fleet.spawned("n1", 7, 0.0)
    assert fleet.due(99.0) == []
    assert fleet.member("n1").state is State.STARTING


def test_a_fallen_member_returns_after_a_short_wait_that_doubles() -> None:
    fleet, now, waits = running("n1"), 0.0, []
    for pid in range(100, 108):
        fleet.exited(pid, "SIGKILL", now)
        deadline = fleet.deadline()
        assert deadline is not None
        assert fleet.due(deadline - 0.001) == []
        assert fleet.due(deadline) == ["n1"]
        waits.append(deadline - now)
        now = deadline
        fleet.spawned("n1", pid + 1, now)
    assert waits[0] == pytest.approx(RETRY_FIRST_S)
    assert waits[1] == pytest.approx(RETRY_FIRST_S * 2)
    assert waits[-1] == pytest.approx(RETRY_MAX_S)
    assert fleet.member("n1").restarts == 8


def test_after_a_steady_while_the_wait_is_short_again() -> None:
    fleet = running("n1")
    fleet.exited(100, "exit 1", 0.0)
    fleet.spawned("n1", 101, 1.0)
    fleet.exited(101, "exit 1", 1.0 + STEADY_S)
    assert fleet.deadline() == pytest.approx(1.0 + STEADY_S + RETRY_FIRST_S)


def test_killed_on_request_stays_down_until_restart() -> None:
    fleet = running("n1")
    assert fleet.kill("n1") == 100
    fleet.exited(100, "SIGKILL", 1.0)
    assert fleet.deadline() is None
    assert fleet.member("n1").state is State.KILLED
    assert fleet.restart("n1", 2.0) == (None, False)
    assert fleet.due(2.0) == ["n1"]


def test_restart_stops_a_running_member_and_starts_it_again() -> None:
    fleet = running("n1")
    assert fleet.restart("n1", 1.0) == (100, False)
    assert fleet.overdue(1.0 + GRACE_S - 0.1) == []
    assert fleet.overdue(1.0 + GRACE_S) == [100]
    assert fleet.overdue(9.0) == []
    fleet.exited(100, "exit 0", 4.0)
    assert fleet.due(4.0) == ["n1"]
    assert fleet.member("n1").restarts == 0


def test_restart_goes_on_with_a_paused_member() -> None:
    fleet = running("n1")
    assert fleet.pause("n1") == 100
    assert fleet.member("n1").state is State.PAUSED
    assert fleet.restart("n1", 1.0) == (100, True)
    assert fleet.member("n1").state is State.RUNNING


def test_what_does_not_run_cannot_be_paused() -> None:
    fleet = running("n1")
    fleet.kill("n1")
    with pytest.raises(Unfit, match=r"n1.*killed"):
        fleet.pause("n1")


def test_a_removed_member_is_forgotten_when_it_has_ended() -> None:
    fleet = running("n1", "n2")
    assert fleet.remove("n2", 0.0) == 101
    assert "n2" in fleet
    fleet.exited(101, "exit 0", 1.0)
    assert "n2" not in fleet
    assert fleet.deadline() is None


def test_stop_ends_all_and_starts_none() -> None:
    fleet = running("n1", "n2")
    fleet.exited(101, "exit 1", 0.0)
    assert fleet.stop(1.0) == [100]
    fleet.exited(100, "exit 0", 1.0)
    assert fleet.due(99.0) == []


def test_strangers_and_unknown_names() -> None:
    fleet = running("n1")
    assert fleet.exited(4242, "exit 0", 0.0) is None
    with pytest.raises(Unfit, match="no node 'n9'; there are n1"):
        fleet.kill("n9")
    with pytest.raises(Unfit, match="already"):
        fleet.add("n1")
