"""The supervisor with real processes (toys, see toy.py): fork, fall, rise, pause, split, end."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from testnet.control import ControlConnection, Request, Verb, ask, ask_faults, is_running
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure, Unfit
from testnet.faults.kinds import Kind
from testnet.faults.people import StuckSubscriber
from testnet.faults.process import ClockDrift, ClockStep, CrashLoop, Kill, Pause
from testnet.processes.in_force import FaultsReply
from testnet.record import NetRecord, NodeRecord, load_record, save_record
from testnet.scenario.source import parse_scenario
from testnet.spec import LaunchSpec, save_spec
from testnet.stage import Act, Undone
from testnet.views import Snapshot, State

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0
FAULTS = Request(Verb.FAULTS)


def found(path: Path, nodes: int) -> NetDirectory:
    """A testnet's folder as the launcher would leave it, without a chain."""
    directory = NetDirectory(path)
    path.mkdir(mode=0o700)
    spec = LaunchSpec(path.name, nodes=nodes)
    save_spec(directory.spec, spec)
    records = tuple(NodeRecord(name, spec.seed_of(name, "node").hex()) for name in spec.node_names)
    save_record(directory, NetRecord(path.name, "00" * 32, records, ()))
    return directory


def launch(directory: NetDirectory) -> "subprocess.Popen[bytes]":
    with directory.supervisor_log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.testnet.toy", str(directory.path)],
            cwd=ROOT,
            start_new_session=True,
            stdout=log,
        )
    while not is_running(directory):
        assert process.poll() is None, directory.supervisor_log.read_text()
    return process


@pytest.fixture
def net(tmp_path: Path) -> Iterator[NetDirectory]:
    """Three toys, running; whatever the test does, none outlives it."""
    directory = found(tmp_path / "toys", nodes=3)
    process = launch(directory)
    try:
        with ControlConnection(directory) as control:
            control.ask(Request(Verb.START))
            assert all_running(control.until(all_running, PATIENCE_S))
        yield directory
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def all_running(snapshot: Snapshot) -> bool:
    return bool(snapshot.nodes) and all(node.running for node in snapshot.nodes)


def until(directory: NetDirectory, met: Callable[[Snapshot], bool]) -> Snapshot:
    with ControlConnection(directory) as control:
        snapshot = control.until(met, PATIENCE_S)
    assert met(snapshot), snapshot
    return snapshot


def pid_of(directory: NetDirectory, name: str) -> int:
    pid = ask(directory, Request(Verb.SHOW)).node(name).pid
    assert pid is not None
    return pid


def assert_stopped(pid: int, stopped: bool) -> None:
    """A signal has been sent: the kernel shows it once the process would have had its turn."""
    deadline = time.monotonic() + PATIENCE_S
    while (psutil.Process(pid).status() == psutil.STATUS_STOPPED) != stopped:
        assert time.monotonic() < deadline


def test_nodes_run_with_addresses_and_pids_in_the_record(net: NetDirectory) -> None:
    snapshot = ask(net, Request(Verb.SHOW))
    record = load_record(net)
    assert [node.name for node in snapshot.nodes] == ["n1", "n2", "n3"]
    assert [node.pid for node in record.nodes] == [node.pid for node in snapshot.nodes]
    assert len({node.p2p for node in record.nodes} | {node.api for node in record.nodes}) == 6
    assert snapshot.node("n2").report.height == 1
    assert record.dashboard.startswith("http://127.0.0.1:")
    assert "bootstrap" in (net.node("n3") / "node.toml").read_text()


def test_the_control_socket_is_the_users_alone(net: NetDirectory) -> None:
    assert stat.S_IMODE(net.socket.stat().st_mode) == 0o600


def test_kill_9_by_anybody_is_healed(net: NetDirectory) -> None:
    before = pid_of(net, "n2")
    os.kill(before, signal.SIGKILL)
    after = until(net, lambda s: s.node("n2").running and s.node("n2").pid != before).node("n2")
    assert after.restarts == 1
    assert after.last_exit == "SIGKILL"


def test_killed_on_request_stays_down_and_returns_to_the_same_address(net: NetDirectory) -> None:
    address = ask(net, Request(Verb.SHOW)).node("n2").p2p
    ask(net, Request(Verb.KILL, ("n2",)))
    down = until(net, lambda s: s.node("n2").pid is None).node("n2")
    assert down.state is State.KILLED
    ask(net, Request(Verb.RESTART, ("n2",)))
    assert until(net, all_running).node("n2").p2p == address


def test_pause_stops_the_process_and_restart_continues_it(net: NetDirectory) -> None:
    pid = pid_of(net, "n1")
    assert ask(net, Request(Verb.PAUSE, ("n1",))).node("n1").state is State.PAUSED
    assert_stopped(pid, True)
    ask(net, Request(Verb.RESTART, ("n1",)))
    assert_stopped(pid, False)
    assert pid_of(net, "n1") == pid


def test_restart_replaces_a_running_process(net: NetDirectory) -> None:
    before = pid_of(net, "n3")
    ask(net, Request(Verb.RESTART, ("n3",)))
    until(net, lambda s: s.node("n3").running and s.node("n3").pid != before)


def test_a_crash_loop_is_told_and_does_not_take_the_others_along(net: NetDirectory) -> None:
    (net.node("n3") / "crash").touch()
    os.kill(pid_of(net, "n3"), signal.SIGKILL)
    snapshot = until(net, lambda s: s.node("n3").restarts >= 3)
    assert snapshot.node("n3").last_exit == "exit 9"
    assert snapshot.node("n1").running


def test_add_and_remove(net: NetDirectory) -> None:
    record = load_record(net)
    save_record(net, record.with_node(NodeRecord("n4", "44" * 32)))
    ask(net, Request(Verb.ADD, ("n4",)))
    until(net, lambda s: len(s.nodes) == 4 and all_running(s))
    ask(net, Request(Verb.REMOVE, ("n4",)))
    until(net, lambda s: len(s.nodes) == 3)
    assert not net.node("n4").exists()


def test_a_split_reaches_the_nodes_and_heals_by_itself(net: NetDirectory) -> None:
    groups = (("n1",), ("n2", "n3"))
    assert ask(net, Request(Verb.SPLIT, groups=groups, for_s=0.2)).groups == groups
    assert until(net, lambda s: not s.groups).groups == ()
    ask(net, Request(Verb.RESTART, ("n1",)))
    until(net, all_running)


def test_a_node_added_during_a_split_reaches_nobody(net: NetDirectory) -> None:
    ask(net, Request(Verb.SPLIT, groups=(("n1",), ("n2", "n3"))))
    save_record(net, load_record(net).with_node(NodeRecord("n4", "44" * 32)))
    snapshot = ask(net, Request(Verb.ADD, ("n4",)))
    assert snapshot.groups == (("n1",), ("n2", "n3"), ("n4",))
    cuts = [(fault.act.on, fault.act.to) for fault in ask_faults(net, FAULTS).in_force]
    assert cuts == [(("n1",), ("n2", "n3", "n4")), (("n2", "n3"), ("n4",))]


def test_a_restarted_node_is_told_of_the_split(net: NetDirectory) -> None:
    ask(net, Request(Verb.SPLIT, groups=(("n1",), ("n2", "n3"))))
    before = pid_of(net, "n1")
    ask(net, Request(Verb.RESTART, ("n1",)))
    until(net, lambda s: s.node("n1").running and s.node("n1").pid != before)
    order = net.node("n1") / "order.json"
    while not order.exists():
        pass
    begun = json.loads(order.read_text())["begin"]
    assert begun["do"] == "partition"
    assert (begun["on"], begun["to"]) == (["n1"], ["n2", "n3"])


def test_refusals_name_what_there_is(net: NetDirectory) -> None:
    with pytest.raises(Unfit, match="no node 'n9' in toys; there are n1, n2, n3"):
        ask(net, Request(Verb.KILL, ("n9",)))
    with pytest.raises(Unfit, match="running already"):
        ask(net, Request(Verb.START))
    with pytest.raises(Unfit, match="two groups"):
        ask(net, Request(Verb.SPLIT, groups=(("n1", "n2", "n3"),)))


def test_stop_ends_everything_even_what_is_paused_or_stubborn(tmp_path: Path) -> None:
    directory = found(tmp_path / "stubborn", nodes=2)
    directory.node("n2").mkdir(parents=True)
    (directory.node("n2") / "stubborn").touch()
    process = launch(directory)
    ask(directory, Request(Verb.START))
    pids = [node.pid for node in until(directory, all_running).nodes]
    ask(directory, Request(Verb.PAUSE, ("n1",)))
    ask(directory, Request(Verb.STOP))
    assert process.wait(PATIENCE_S) == 0
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)
    assert not directory.socket.exists()
    assert [node.pid for node in load_record(directory).nodes] == [None, None]
    with pytest.raises(LaunchFailure, match="testnet resume stubborn"):
        ask(directory, Request(Verb.SHOW))


def test_the_children_of_a_killed_supervisor_die_too(tmp_path: Path) -> None:
    directory = found(tmp_path / "orphans", nodes=2)
    process = launch(directory)
    ask(directory, Request(Verb.START))
    children = [psutil.Process(node.pid) for node in until(directory, all_running).nodes]
    process.kill()
    process.wait(PATIENCE_S)
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert not alive


def test_the_end_of_an_attached_client_ends_the_testnet(tmp_path: Path) -> None:
    directory = found(tmp_path / "attached", nodes=1)
    process = launch(directory)
    with ControlConnection(directory) as control:
        control.ask(Request(Verb.START))
        control.ask(Request(Verb.ATTACH))
    assert process.wait(PATIENCE_S) == 0


def test_a_long_path_still_gets_a_socket(tmp_path: Path) -> None:
    directory = found(tmp_path / ("x" * 32), nodes=1)
    deep = NetDirectory(tmp_path / ("y" * 120))
    assert len(os.fsencode(deep.socket)) <= 100
    assert directory.socket != deep.socket


def act_of(kind: Kind, on: tuple[str, ...] = ("n2",)) -> Act:
    return Act("f", kind, on, ("n1", "n2", "n3"), 1)


def inject(net: NetDirectory, act: Act, for_s: float = 0.0) -> FaultsReply:
    return ask_faults(net, Request(Verb.INJECT, act=act, for_s=for_s))


def end(net: NetDirectory, identity: str = "f") -> FaultsReply:
    return ask_faults(net, Request(Verb.END, ends=identity))


def test_a_fault_reaches_its_node_and_its_end_is_answered(net: NetDirectory) -> None:
    act = act_of(ClockStep(by_ms=1_000))
    assert [fault.act for fault in inject(net, act).in_force] == [act]
    order = json.loads((net.node("n2") / "order.json").read_text())
    assert order["begin"]["do"] == "clock.step"
    assert end(net) == FaultsReply((), Undone(7, clean=True))
    assert end(net) == FaultsReply((), Undone(0, clean=True)), "it had ended"


def test_a_fault_that_a_node_cannot_carry_out_is_refused(net: NetDirectory) -> None:
    with pytest.raises(Unfit, match="a toy's clock cannot drift"):
        inject(net, act_of(ClockDrift(rate_ppm=1)))
    assert ask_faults(net, FAULTS).in_force == ()


def test_an_injected_kill_is_done_when_it_is_answered(net: NetDirectory) -> None:
    before = pid_of(net, "n2")
    inject(net, act_of(Kill()))
    assert not psutil.pid_exists(before)
    assert end(net).undone == Undone(1, clean=True)
    until(net, all_running)


def test_a_fault_ends_after_its_time(net: NetDirectory) -> None:
    pid = pid_of(net, "n2")
    inject(net, act_of(Pause()), for_s=1.0)
    assert_stopped(pid, True)
    until(net, all_running)
    assert_stopped(pid, False)
    assert ask_faults(net, FAULTS).in_force == ()


def test_a_crash_loop_on_purpose(net: NetDirectory) -> None:
    pids = {pid_of(net, "n2")}
    inject(net, act_of(CrashLoop(every_ms=200)))
    while len(pids) < 4:
        pids.add(until(net, all_running).node("n2").pid or 0)
    undone = end(net).undone
    assert undone is not None
    assert undone.hits >= 3


def test_clients_of_a_fault_come_and_go(net: NetDirectory) -> None:
    inject(net, act_of(StuckSubscriber()))
    deadline = time.monotonic() + PATIENCE_S
    while ask_faults(net, FAULTS).in_force[0].hits != 3:
        assert time.monotonic() < deadline
    assert end(net).undone == Undone(3, clean=True)
    assert [node.name for node in ask(net, Request(Verb.SHOW)).nodes] == ["n1", "n2", "n3"]


def test_what_is_done_by_hand_is_kept(net: NetDirectory) -> None:
    ask(net, Request(Verb.KILL, ("n3",)))
    ask(net, Request(Verb.RESTART, ("n3",)))
    inject(net, act_of(ClockStep(by_ms=-500)))
    end(net)
    faults = parse_scenario(net.session.read_text()).faults
    assert [fault.id for fault in faults] == ["kill-n3", "f"]
    assert [fault.kind for fault in faults] == [Kill(), ClockStep(by_ms=-500)]
    assert all(fault.for_ms for fault in faults)
