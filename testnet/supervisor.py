"""A warmed fork server: it imports everything a node needs, once, and forks a child per node.

It waits for START on the testnet's control socket, forks the nodes and the dashboard, starts
again what falls, and ends everything on STOP.

Laws:
- One thread, one loop, no database. *Why:* a fork copies only the calling thread; a lock another
  thread held would stay locked in the child for ever.
- A child never outlives its supervisor. *Why:* nodes nobody can find are worse than no nodes.
- All addresses are reserved before the first fork. *Why:* nobody then waits for anybody.
"""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from testnet.child import ChildMain, fork_child, reset_signals
from testnet.control import Request, Verb, encode_line
from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.fleet import Fleet
from testnet.journal import journal
from testnet.pipes import Begun, Ended, Hits, NodePipe, Reported, Started
from testnet.processes.desk import Desk
from testnet.processes.docket import CLIENTS, Docket
from testnet.roster import Roster
from testnet.stage import Act
from testnet.switchboard import Switchboard
from testnet.views import NodeReport, NodeView, Snapshot, State, encode_snapshot

DASHBOARD = "dashboard"
START_WITHIN_S = 60.0
"""A supervisor that nobody starts (its command line died) goes away by itself."""


@dataclass(frozen=True, slots=True)
class Crew:
    """What the forked children do: a node by name, the dashboard by port, a fault's clients.

    A node is also given the faults that its life begins with: what happened to its files.
    """

    node: Callable[[NetDirectory, str, tuple[Act, ...]], ChildMain]
    dashboard: Callable[[NetDirectory, int], ChildMain]
    clients: Callable[[NetDirectory, Act], ChildMain]


class Supervisor:
    """The processes of one testnet. `run` returns when all have ended."""

    def __init__(self, directory: NetDirectory, crew: Crew) -> None:
        self._directory = directory
        self._crew = crew
        self._fleet = Fleet()
        self._roster: Roster | None = None
        self._desk: Desk | None = None
        self._pipes: dict[str, NodePipe] = {}
        self._reports: dict[str, NodeReport] = {}
        self._docket = Docket(self._fleet, self._pipes, self._names, send_signal)
        self._version = 0
        self._waiting: dict[socket.socket, int] = {}
        self._attached: socket.socket | None = None
        self._stopping = False
        self._told_to_stop = False
        self._start_by: float | None = time.monotonic() + START_WITHIN_S
        self._selector = selectors.DefaultSelector()
        self._wakeup = self._listen_to_signals()
        self._switchboard = Switchboard(directory.socket, self._selector, self._answer)
        self._switchboard.on_leave(self._client_left)

    def run(self) -> None:
        """Serves until STOP, SIGTERM or the attached client's end, and until all have ended."""
        while not (self._stopping and not any(member.pid for member in self._fleet)):
            for key, _ in self._selector.select(self._timeout()):
                key.data(key.fileobj)
            self._reap()
            self._tick(time.monotonic())
        self._switchboard.withdraw()
        journal("supervisor-ended")

    def _timeout(self) -> float | None:
        times = [self._fleet.deadline(), self._start_by]
        if self._desk is not None:
            times.append(self._desk.deadline())
        soonest = min((at for at in times if at is not None), default=None)
        return None if soonest is None else max(0.0, soonest - time.monotonic())

    def _tick(self, now: float) -> None:
        unwanted = self._start_by is not None and self._start_by <= now
        if unwanted or self._told_to_stop:
            self._told_to_stop = False
            self._stop()
        if self._desk is not None:
            self._version += self._desk.tick(now)
        for pid in self._fleet.overdue(now):
            send_signal(pid, signal.SIGKILL)
        for name in self._fleet.due(now):
            self._spawn(name)
        if self._roster is not None:
            self._roster.save()
        self._answer_waiting()

    def _listen_to_signals(self) -> tuple[socket.socket, socket.socket]:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._hear_signal)
        self._selector.register(reader, selectors.EVENT_READ, lambda _: reader.recv(4096))
        return reader, writer

    def _hear_signal(self, *_: object) -> None:
        self._told_to_stop = True  # only noted: a handler may run in the middle of anything

    # Processes

    def _spawn(self, name: str) -> None:
        if name == DASHBOARD:
            main = self._crew.dashboard(self._directory, self._open_roster().dashboard_port)
            log = self._directory.dashboard_log
        elif name.startswith(CLIENTS):
            main = self._crew.clients(self._directory, self._docket.clients(name))
            log = self._directory.clients_log
        else:
            main = self._crew.node(self._directory, name, self._docket.next_life(name))
            log = self._directory.log(name)
        title = f"{name}.{self._directory.name}"
        pid, end = fork_child(title, log, self._close_inherited, main)
        self._fleet.spawned(name, pid, time.monotonic())
        self._version += 1
        self._reports[name] = NodeReport()
        self._pipes[name] = pipe = NodePipe(end)
        self._selector.register(end, selectors.EVENT_READ, lambda _: self._listen(name, pipe))
        self._open_roster().note_pid(name, pid)
        self._docket.spawned(name)

    def _close_inherited(self) -> None:
        reset_signals()
        self._selector.close()
        self._switchboard.close()
        self._open_roster().close_ports()
        for pipe in self._pipes.values():
            pipe.socket.close()
        for end in self._wakeup:
            end.close()

    def _reap(self) -> None:
        while any(member.pid for member in self._fleet):
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            how = describe_exit(status)
            member = self._fleet.exited(pid, how, time.monotonic())
            if member is None:
                continue
            self._version += 1
            journal("process-ended", name=member.name, pid=pid, how=how, state=member.state.value)
            self._listen(member.name, self._pipes[member.name])  # its last words
            self._hang_up(self._pipes.pop(member.name))
            self._docket.exited(member.name, how)
            self._reports[member.name] = NodeReport()
            self._open_roster().note_pid(member.name, None)
            if member.name not in self._fleet and not member.name.startswith(CLIENTS):
                self._open_roster().forget(member.name)

    def _listen(self, name: str, pipe: NodePipe) -> None:
        try:
            news = pipe.read()
        except Unfit as refusal:
            journal("bad-report", name=name, reason=refusal.reason)
            news = None
        if news is None:
            self._hang_up(pipe)
            return
        for item in news:
            match item:
                case Started():
                    self._fleet.reported(name)
                    self._version += 1
                case Reported(report):
                    self._reports[name] = report
                    self._version += 1
                case Begun() | Ended() | Hits():
                    self._docket.heard(name, item)

    def _hang_up(self, pipe: NodePipe) -> None:
        if pipe.socket.fileno() != -1:
            self._selector.unregister(pipe.socket)
            pipe.socket.close()

    # Orders

    def _answer(self, client: socket.socket, request: Request) -> bytes | None:
        now = time.monotonic()
        match request.verb:
            case Verb.SHOW:
                return self._show()
            case Verb.WAIT:
                self._waiting[client] = request.seen
                return None
            case Verb.INJECT | Verb.END | Verb.FAULTS:
                reply = self._open_desk().answer(client, request, now)
                if reply is None:
                    self._tick(now)
                return reply
            case Verb.START:
                self._start()
            case Verb.ATTACH:
                self._attached = client
            case Verb.STOP:
                self._stop()
            case Verb.SPLIT:
                self._open_desk().split(request.groups, request.for_s, now)
            case Verb.HEAL:
                self._open_desk().heal(now)
            case _:
                for name in request.nodes:
                    self._order(request.verb, name, now)
        self._version += 1
        self._tick(now)
        return self._show()

    def _show(self) -> bytes:
        return encode_line({"ok": encode_snapshot(self._snapshot())})

    def _answer_waiting(self) -> None:
        for client, seen in list(self._waiting.items()):
            if seen < self._version:
                del self._waiting[client]
                self._switchboard.send(client, self._show())

    def _order(self, verb: Verb, name: str, now: float) -> None:
        journal("order", verb=verb.value, name=name)
        if verb is Verb.ADD:
            self._open_roster().adopt(name)
            self._fleet.add(name)
            self._open_desk().joined(name, now)
            return
        self._open_roster().node(name)
        self._open_desk().note(verb, name, now)
        match verb:
            case Verb.KILL:
                send_signal(self._fleet.kill(name), signal.SIGKILL)
            case Verb.PAUSE:
                send_signal(self._fleet.pause(name), signal.SIGSTOP)
            case Verb.RESTART:
                pid, paused = self._fleet.restart(name, now)
                send_signal(pid, signal.SIGCONT if paused else signal.SIGTERM)
            case Verb.REMOVE:
                self._remove(name, now)
            case _:
                raise Unfit("bad-request", f"{verb.value} is not an order to a node")

    def _start(self) -> None:
        if self._roster is not None:
            raise Unfit("already-started", f"{self._directory.name} is running already")
        self._roster = Roster(self._directory)
        self._desk = Desk(self._docket, self._directory, self._names, self._switchboard.send)
        self._start_by = None
        for node in self._roster.nodes:
            self._fleet.add(node.name)
        self._fleet.add(DASHBOARD)
        journal("started", nodes=len(self._roster.nodes))

    def _remove(self, name: str, now: float) -> None:
        if len(self._names()) == 1:
            raise Unfit("last-node", f"{name} is the last node; `testnet down` ends a testnet")
        pid = self._fleet.remove(name, now)
        if pid is None:
            self._open_roster().forget(name)
        else:
            send_signal(pid, signal.SIGCONT)
            send_signal(pid, signal.SIGTERM)

    def _stop(self) -> None:
        self._stopping = True
        self._start_by = None
        for pid in self._fleet.stop(time.monotonic()):
            send_signal(pid, signal.SIGCONT)
            send_signal(pid, signal.SIGTERM)

    def _client_left(self, client: socket.socket) -> None:
        self._waiting.pop(client, None)
        if self._desk is not None:
            self._desk.left(client)
        if client is self._attached:
            self._stop()

    # Views

    def _open_roster(self) -> Roster:
        if self._roster is None:
            raise Unfit("not-started", f"{self._directory.name} has not been started yet")
        return self._roster

    def _open_desk(self) -> Desk:
        if self._desk is None:
            raise Unfit("not-started", f"{self._directory.name} has not been started yet")
        return self._desk

    def _names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self._open_roster().nodes)

    def _snapshot(self) -> Snapshot:
        if self._roster is None:
            return Snapshot((), "", (), os.getpid(), self._version)
        nodes = tuple(self._view(node.name) for node in self._roster.nodes)
        serves = self._fleet.member(DASHBOARD).state is State.RUNNING
        dashboard = self._roster.dashboard if serves else ""
        return Snapshot(nodes, dashboard, self._open_desk().groups, os.getpid(), self._version)

    def _view(self, name: str) -> NodeView:
        node, member = self._open_roster().node(name), self._fleet.member(name)
        return NodeView(
            name=name,
            id=node.id,
            p2p=node.p2p,
            api=node.api,
            pid=member.pid,
            state=member.state,
            restarts=member.restarts,
            last_exit=member.last_exit,
            report=self._reports.get(name, NodeReport()),
            faults=self._open_desk().faults_on(name, time.monotonic()),
        )


def send_signal(pid: int | None, number: signal.Signals) -> None:
    """Signals a child that has not been reaped, so its pid cannot belong to anyone else."""
    if pid is not None:
        os.kill(pid, number)


def describe_exit(status: int) -> str:
    """A wait status in words: 'exit 1', 'SIGKILL'."""
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit {code}"
