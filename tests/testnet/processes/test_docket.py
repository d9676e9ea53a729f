"""The docket: who is told of a fault, what is done to processes, and when an order is settled."""

import signal
import socket
from collections.abc import Iterator

import pytest

from testnet.control import LineBuffer
from testnet.errors import Unfit
from testnet.faults.disk import DiskFull, PowerCut
from testnet.faults.kinds import Kind
from testnet.faults.link import Delay
from testnet.faults.people import StuckSubscriber, WrongGenesis
from testnet.faults.process import Crash, CrashLoop, Kill, Pause, SlowCpu
from testnet.fleet import Fleet
from testnet.pipes import (
    LINE_BYTES_MAX,
    Begin,
    Begun,
    End,
    Ended,
    Hits,
    NodePipe,
    Order,
    decode_order,
)
from testnet.processes.docket import ANSWER_S, Docket, Settled
from testnet.stage import Act, Undone
from testnet.views import State

NAMES = ("n1", "n2", "n3")
STOP, GO, KILL, TERM = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL, signal.SIGTERM


class World:
    """A fleet of nodes that run, and the far ends of their pipes."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.pipes: dict[str, NodePipe] = {}
        self.ends: dict[str, socket.socket] = {}
        self.signals: list[tuple[int, signal.Signals]] = []
        self.docket = Docket(self.fleet, self.pipes, lambda: NAMES, self._signal)
        for pid, name in enumerate((*NAMES, "dashboard"), 1):
            self.fleet.add(name)
            self.spawn(name, pid)

    def spawn(self, name: str, pid: int) -> None:
        ours, self.ends[name] = socket.socketpair()
        self.ends[name].setblocking(False)
        self.pipes[name] = NodePipe(ours)
        self.fleet.spawned(name, pid, now=0.0)
        self.docket.spawned(name)
        self.fleet.reported(name)

    def exited(self, name: str, how: str, now: float) -> None:
        pid = self.fleet.member(name).pid
        assert pid is not None
        self.fleet.exited(pid, how, now)
        self.pipes.pop(name).socket.close()
        self.ends.pop(name).close()
        self.docket.exited(name, how)

    def told(self, name: str) -> list[Order]:
        try:
            data = self.ends[name].recv(1 << 20)
        except BlockingIOError:
            return []
        return [decode_order(line) for line in LineBuffer(LINE_BYTES_MAX).feed(data)]

    def begin(self, kind: Kind, on: tuple[str, ...] = ("n1",), for_s: float = 0.0) -> Act:
        act = Act("f", kind, on, NAMES, 1)
        self.docket.begin(act, for_s, now=10.0)
        return act

    def _signal(self, pid: int | None, number: signal.Signals) -> None:
        if pid is not None:
            self.signals.append((pid, number))

    def close(self) -> None:
        for end in (*self.ends.values(), *(pipe.socket for pipe in self.pipes.values())):
            end.close()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def test_weather_goes_to_all_nodes_and_to_nobody_else(world: World) -> None:
    act = world.begin(Delay(by_ms=5))
    assert [world.told(name) for name in NAMES] == [[Begin(act)]] * 3
    assert world.told("dashboard") == []


def test_a_fault_within_a_node_goes_to_that_node(world: World) -> None:
    act = world.begin(DiskFull(), on=("n2",))
    assert world.told("n2") == [Begin(act)]
    assert world.told("n1") == []


def test_an_order_is_settled_when_every_node_has_answered(world: World) -> None:
    act = world.begin(Delay(by_ms=5))
    for name in NAMES:
        assert world.docket.tick(10.1) == []
        world.docket.heard(name, Begun("f"))
    assert world.docket.tick(10.2) == [Settled(act, None)]
    assert world.docket.tick(10.3) == []
    assert world.docket.end("f", 11.0)
    for name in NAMES:
        world.docket.heard(name, Ended("f", Undone(2, clean=True)))
    assert world.docket.tick(11.1) == [Settled(act, Undone(6, clean=True))]
    assert not world.docket.end("f", 12.0), "it had ended"


def test_a_node_that_does_not_answer_is_not_waited_for_for_ever(world: World) -> None:
    act = world.begin(DiskFull())
    assert world.docket.deadline() == 10.0 + ANSWER_S
    assert world.docket.tick(10.0 + ANSWER_S) == [Settled(act, None)]
    world.docket.end("f", 20.0)
    assert world.docket.tick(20.0 + ANSWER_S) == [Settled(act, Undone(0, clean=False))]


def test_nor_is_one_that_dies_or_is_paused(world: World) -> None:
    world.fleet.pause("n2")
    act = world.begin(DiskFull(), on=("n1", "n2"))
    world.exited("n1", "exit 3", 10.1)
    assert world.docket.tick(10.2) == [Settled(act, None)]


def test_what_a_node_refuses_is_taken_back_from_the_others(world: World) -> None:
    act = world.begin(DiskFull(), on=("n1", "n2"))
    world.docket.heard("n1", Begun("f"))
    world.docket.heard("n2", Begun("f", "there is no disk"))
    assert world.docket.tick(10.1) == [Settled(act, None, "there is no disk")]
    assert world.told("n1") == [Begin(act), End("f")]
    assert world.docket.in_force(10.2) == ()


def test_a_node_that_starts_again_is_told_what_is_in_force(world: World) -> None:
    act = world.begin(DiskFull())
    world.exited("n1", "SIGKILL", 10.1)
    world.spawn("n1", 21)
    assert world.told("n1") == [Begin(act)]


def test_hits_add_up_over_lives(world: World) -> None:
    world.begin(DiskFull())
    world.docket.heard("n1", Hits((("f", 3),)))
    world.docket.heard("n1", Hits((("f", 5), ("unknown", 9))))
    world.exited("n1", "exit 3", 11.0)
    world.spawn("n1", 21)
    world.docket.heard("n1", Hits((("f", 2),)))
    assert world.docket.in_force(12.0)[0].hits == 7


def test_a_fault_ends_by_itself(world: World) -> None:
    act = world.begin(Pause(), for_s=2.0)
    assert world.docket.in_force(11.5)[0].left_s == 0.5
    assert world.docket.tick(10.0) == [Settled(act, None)]
    assert world.docket.tick(12.0) == [Settled(act, Undone(1, clean=True))]
    assert world.signals == [(1, STOP), (1, GO)]


def test_kill_holds_down_until_the_last_fault_that_does(world: World) -> None:
    world.begin(Kill())
    world.exited("n1", "SIGKILL", 10.1)
    world.docket.begin(Act("g", PowerCut(), ("n1",), NAMES, 1), 0.0, 10.2)
    assert world.signals == [(1, KILL)]
    assert [act.id for act in world.docket.next_life("n1")] == ["f", "g"]
    assert world.docket.next_life("n1") == (), "files are operated on once"
    world.docket.end("f", 11.0)
    assert world.fleet.member("n1").state is State.KILLED
    world.docket.end("g", 12.0)
    assert world.fleet.due(12.0) == ["n1"]


def test_a_slow_processor_runs_in_turns(world: World) -> None:
    world.begin(SlowCpu(share=0.25), on=("n1", "n2"))
    assert world.docket.tick(10.05)
    world.docket.tick(10.08)
    world.docket.tick(10.11)
    assert world.signals == [(1, STOP), (2, STOP), (1, GO), (2, GO), (1, STOP), (2, STOP)]
    world.docket.end("f", 10.12)
    assert world.signals[-2:] == [(1, GO), (2, GO)]


def test_a_crash_loop_kills_again_and_again(world: World) -> None:
    world.begin(CrashLoop(every_ms=1_000))
    world.exited("n1", "SIGKILL", 10.1)
    assert world.fleet.due(10.1) == ["n1"], "it is back at once"
    world.spawn("n1", 21)
    world.docket.tick(11.0)
    assert world.signals == [(1, KILL), (21, KILL)]


def test_a_crash_point_is_spent_once_the_node_has_died_of_it(world: World) -> None:
    world.begin(Crash())
    world.exited("n1", "SIGKILL", 10.1)
    world.spawn("n1", 21)
    assert world.told("n1") == []
    assert world.docket.in_force(11.0)[0].hits == 1


def test_a_mistake_is_part_of_every_life_until_it_is_put_right(world: World) -> None:
    act = world.begin(WrongGenesis())
    assert world.signals == [(1, TERM)]
    for pid in (21, 22):
        world.exited("n1", "exit 1", 10.1)
        assert world.docket.next_life("n1") == (act,)
        world.spawn("n1", pid)
    world.docket.end("f", 11.0)
    assert world.docket.next_life("n1") == ()
    assert world.signals[-1] == (22, TERM)


def test_clients_are_a_child_of_their_own(world: World) -> None:
    act = world.begin(StuckSubscriber())
    assert world.fleet.due(10.0) == ["clients-f"]
    assert world.docket.clients("clients-f") == act
    world.fleet.spawned("clients-f", 31, 10.0)
    world.docket.end("f", 11.0)
    assert world.signals == [(31, TERM)]
    world.fleet.exited(31, "SIGTERM", 11.1)
    assert "clients-f" not in world.fleet


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (Act("f", Pause(), ("n9",), (), 1), "no node 'n9'; there are n1, n2, n3"),
        (Act("f", Delay(by_ms=1), ("n1",), ("n8",), 1), "no node 'n8'"),
        (Act("taken", Pause(), ("n1",), (), 1), "'taken' is in force"),
    ],
)
def test_what_cannot_be_is_refused(world: World, act: Act, reason: str) -> None:
    world.docket.begin(Act("taken", Pause(), ("n2",), (), 1), 0.0, 10.0)
    with pytest.raises(Unfit, match=reason):
        world.docket.begin(act, 0.0, 10.0)
    assert [fault.act.id for fault in world.docket.in_force(10.0)] == ["taken"]
