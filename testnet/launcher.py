"""Starts, awaits and ends a testnet from the command line's side: everything but the looks.

The supervisor's interpreter starts before anything else is done, so that it imports (most of a
second) while this process makes keys and genesis.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chain.files import naming
from testnet.control import ControlConnection, Request, Verb, is_running
from testnet.directory import NetDirectory, validate_name
from testnet.errors import LaunchFailure, Unfit
from testnet.founding import found
from testnet.record import NetRecord, load_record
from testnet.spec import LaunchSpec
from testnet.views import NodeView, Snapshot, State

SUPERVISOR_TIMEOUT_S = 30.0
"""Imports take under a second; a cold disk on a busy machine has been seen to take ten."""

READY_TIMEOUT_S = 60.0
READY_TIMEOUT_NODE_S = 1.0
"""A minute, and a second more for each node: twenty times what a healthy start needs."""

FALLS_MAX = 3
"""A node that falls this often before the testnet is ready will not get better by waiting."""

STOP_TIMEOUT_S = 10.0
POLL_S = 0.01

Progress = Callable[[Snapshot], None]


def create(root: Path, spec: LaunchSpec, replace: bool) -> NetDirectory:
    """The empty folder of a new testnet. Unfit when the name is taken and not to be replaced."""
    directory = NetDirectory(root / validate_name(spec.name))
    if directory.exists():
        running = is_running(directory)
        if not replace:
            raise Unfit("testnet-exists", taken(directory.name, running))
        if running:
            stop(directory)
        shutil.rmtree(directory.path)
    directory.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def taken(name: str, running: bool) -> str:
    """What to do about a name that is in use."""
    if running:
        return (
            f"testnet {name!r} is running; `cornerstone testnet down {name}` stops it, "
            "--replace stops it and starts from nothing"
        )
    return (
        f"testnet {name!r} exists and is stopped; `cornerstone testnet resume {name}` continues "
        f"it, `cornerstone testnet down {name} --delete` forgets it, --replace starts from nothing"
    )


def start_new(directory: NetDirectory, spec: LaunchSpec) -> ControlConnection:
    """Founds the testnet and starts all its nodes; they are not ready yet. Raises OSError."""
    process = spawn_supervisor(directory)
    try:
        with naming(directory.path):
            found(directory, spec, time.time_ns() // 1_000_000)
    except OSError:
        process.terminate()  # nobody would start it
        process.wait()
        raise
    return start_nodes(directory, process)


def start_again(directory: NetDirectory) -> ControlConnection:
    """Starts the nodes of a founded testnet from what they have on disk."""
    if is_running(directory):
        raise Unfit("already-running", f"testnet {directory.name!r} is running already")
    return start_nodes(directory, spawn_supervisor(directory))


def spawn_supervisor(directory: NetDirectory) -> "subprocess.Popen[bytes]":
    """A detached supervisor process; it has its own session, so no terminal reaches it."""
    environment = dict(os.environ)
    source = str(Path(__file__).parents[1])
    paths = [source, *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    environment["MALLOC_ARENA_MAX"] = "2"  # glibc's arena per thread costs megabytes a node
    with directory.supervisor_log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "testnet.warm", str(directory.path)],
            cwd=directory.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def start_nodes(directory: NetDirectory, process: "subprocess.Popen[bytes]") -> ControlConnection:
    """Connects to the supervisor once it listens and tells it to start. LaunchFailure if never."""
    deadline = time.monotonic() + SUPERVISOR_TIMEOUT_S
    while not is_running(directory):
        if process.poll() is not None or time.monotonic() > deadline:
            words = last_line(directory.supervisor_log)
            raise LaunchFailure(f"the supervisor did not start: {words}")
        time.sleep(POLL_S)
    connection = ControlConnection(directory)
    connection.ask(Request(Verb.START))
    return connection


def await_ready(
    directory: NetDirectory, connection: ControlConnection, progress: Progress
) -> NetRecord:
    """Returns once the testnet is ready (see Snapshot.ready). Raises LaunchFailure if it is not."""
    count = len(load_record(directory).nodes)
    timeout_s = READY_TIMEOUT_S + READY_TIMEOUT_NODE_S * count

    def met(snapshot: Snapshot) -> bool:
        progress(snapshot)
        return snapshot.ready() or bool(hopeless(snapshot))

    snapshot = connection.until(met, timeout_s)
    fallen = hopeless(snapshot)
    if fallen:
        node = fallen[0]
        raise LaunchFailure(
            f"node {node.name} ended {node.restarts} times ({node.last_exit}): "
            f"{last_line(directory.log(node.name))}"
        )
    if not snapshot.ready():
        raise LaunchFailure(f"not ready after {timeout_s:.0f} s: {unready(snapshot)}")
    return load_record(directory)


def hopeless(snapshot: Snapshot) -> list[NodeView]:
    """Nodes that fall again and again."""
    return [node for node in snapshot.nodes if node.restarts >= FALLS_MAX]


def unready(snapshot: Snapshot) -> str:
    """What is missing, in words."""
    down = [node.name for node in snapshot.nodes if not node.running]
    alone = [n.name for n in snapshot.nodes if n.report.inbound + n.report.outbound == 0]
    empty = [node.name for node in snapshot.nodes if not node.report.first]
    firsts = {node.report.first for node in snapshot.nodes}
    parts = [
        "" if snapshot.dashboard else "the dashboard does not serve",
        f"not running: {', '.join(down)}" if down else "",
        f"without peers: {', '.join(alone)}" if alone else "",
        f"without a block: {', '.join(empty)}" if empty else "",
        f"{len(firsts)} different first blocks" if not empty and len(firsts) > 1 else "",
    ]
    return "; ".join(part for part in parts if part)


def stop(directory: NetDirectory) -> None:
    """Ends a running testnet; returns when its processes are gone. LaunchFailure if they stay."""
    with ControlConnection(directory) as connection:
        connection.ask(Request(Verb.STOP))
        connection.await_end(STOP_TIMEOUT_S)


def settle(directory: NetDirectory, names: tuple[str, ...], state: State | None) -> Snapshot:
    """Waits until the named nodes are in the state (None: gone from the testnet)."""

    def met(snapshot: Snapshot) -> bool:
        chosen = [node for node in snapshot.nodes if node.name in names]
        if state is None:
            return not chosen
        down = state is State.KILLED
        return all(node.state is state and (node.pid is None) == down for node in chosen)

    with ControlConnection(directory) as connection:
        snapshot = connection.until(met, READY_TIMEOUT_S)
    if not met(snapshot):
        wanted = "gone" if state is None else state.value
        raise LaunchFailure(f"{', '.join(names)} not {wanted} after {READY_TIMEOUT_S:.0f} s")
    return snapshot


def last_line(path: Path) -> str:
    """The last words in a log, for an error message."""
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    return f"{lines[-1]} ({path})" if lines else f"nothing in {path}"
