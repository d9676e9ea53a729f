"""Starts and ends of nodes, from what the supervisor shows."""

import pytest

from testnet.observation import NodeStarted, NodeStopped
from testnet.processes.lives import Lives, how_ended
from testnet.views import NodeReport, NodeView, State


def view(pid: int | None, state: State, restarts: int = 0, last_exit: str = "") -> NodeView:
    return NodeView("n1", "aa", "ws", "http", pid, state, restarts, last_exit, NodeReport())


def test_a_life_from_start_to_kill_to_start() -> None:
    lives = Lives("n1", honest=True)
    assert lives.look(view(7, State.STARTING), crashing=False) == []
    assert lives.look(view(7, State.RUNNING), crashing=False) == [NodeStarted("n1", True)]
    assert lives.look(view(7, State.PAUSED), crashing=False) == []
    killed = view(None, State.KILLED, 0, "SIGKILL")
    assert lives.look(killed, crashing=False) == [NodeStopped("n1", "killed", "SIGKILL")]
    assert lives.look(killed, crashing=False) == []
    again = view(8, State.RUNNING, 0, "SIGKILL")
    assert lives.look(again, crashing=False) == [NodeStarted("n1", True)]


def test_a_death_and_a_birth_between_two_looks() -> None:
    lives = Lives("n1", honest=False)
    lives.look(view(7, State.RUNNING), crashing=False)
    found = lives.look(view(8, State.RUNNING, 1, "exit 70"), crashing=False)
    assert found == [NodeStopped("n1", "crashed", "exit 70"), NodeStarted("n1", False)]


def test_a_node_that_never_serves_is_told_at_each_attempt() -> None:
    lives = Lives("n1", honest=True)
    for restarts in (1, 2):
        fallen = view(None, State.FALLEN, restarts, "exit 1")
        assert lives.look(fallen, crashing=False) == [NodeStopped("n1", "refused", "exit 1")]
        assert lives.look(view(7, State.STARTING, restarts, "exit 1"), crashing=False) == []


@pytest.mark.parametrize(
    ("last_exit", "crashing", "how"),
    [
        ("SIGKILL", False, "killed"),
        ("SIGKILL", True, "crashed"),
        ("exit 0", False, "stopped"),
        ("SIGTERM", False, "stopped"),
        ("exit 1", False, "refused"),
        ("exit 3", False, "crashed"),
        ("SIGSEGV", False, "crashed"),
    ],
)
def test_how_it_ended(last_exit: str, crashing: bool, how: str) -> None:
    assert how_ended(view(None, State.FALLEN, 1, last_exit), crashing) == how
