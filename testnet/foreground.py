"""The looks of `up` and `resume`: progress while nodes start, then a live table until Ctrl-C.

On a terminal the screen is redrawn; elsewhere plain lines are printed when something changes.
"""

import signal
import time
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from testnet.control import ControlConnection, Request, Verb
from testnet.directory import NetDirectory
from testnet.display import live_view, node_table, summary
from testnet.launcher import await_ready
from testnet.record import NetRecord
from testnet.views import Snapshot, State

REDRAW_S = 0.5
LINE_EVERY_S = 5.0


def hear_interrupts() -> None:
    """Ctrl-C, SIGTERM and a closed terminal all end the command the same way: KeyboardInterrupt.

    Set explicitly, because a process started in the background of a shell inherits SIGINT ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def show_start(
    console: Console, directory: NetDirectory, connection: ControlConnection, began: float
) -> NetRecord:
    """Waits until the testnet is ready, telling how far it is. Raises LaunchFailure."""
    with Live(console=console, transient=True, auto_refresh=False) as live:

        def progress(snapshot: Snapshot) -> None:
            if console.is_terminal:
                live.update(Text(stages(snapshot), "yellow"), refresh=True)

        record = await_ready(directory, connection, progress)
    count = len(record.nodes)
    nodes = "1 node" if count == 1 else f"{count} nodes"
    console.print(f"{nodes} ready in {time.monotonic() - began:.2f} s", highlight=False)
    return record


def stages(snapshot: Snapshot) -> str:
    """How far a start is."""
    nodes = snapshot.nodes
    serving = sum(node.state is State.RUNNING for node in nodes)
    connected = sum(node.report.inbound + node.report.outbound > 0 for node in nodes)
    begun = sum(bool(node.report.first) for node in nodes)
    total = len(nodes)
    return (
        f"starting {total} nodes: {serving} serve, {connected} connected, "
        f"{begun} have the first block"
    )


def watch(console: Console, name: str, connection: ControlConnection) -> None:
    """Shows the testnet until KeyboardInterrupt."""
    if console.is_terminal:
        watch_screen(console, name, connection)
    else:
        watch_lines(console, name, connection)


def watch_screen(console: Console, name: str, connection: ControlConnection) -> None:
    """Redraws the table."""
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(live_view(connection.ask(Request(Verb.SHOW)), name), refresh=True)
            time.sleep(REDRAW_S)


def watch_lines(console: Console, name: str, connection: ControlConnection) -> None:
    """Prints a line now and then, and one at once when a node's state changes."""
    snapshot = connection.ask(Request(Verb.SHOW))
    console.print(node_table(snapshot))
    console.print(f"dashboard {snapshot.dashboard}", highlight=False)
    states, printed = states_of(snapshot), float("-inf")
    while True:
        changed = states != (states := states_of(snapshot))
        if changed or time.monotonic() - printed >= LINE_EVERY_S:
            printed = time.monotonic()
            stamp = datetime.now().astimezone().isoformat(timespec="seconds")
            console.print(f"{stamp} {name}: {summary(snapshot)}", highlight=False, soft_wrap=True)
        time.sleep(REDRAW_S)
        snapshot = connection.ask(Request(Verb.SHOW))


def states_of(snapshot: Snapshot) -> tuple[State, ...]:
    """What a plain line is worth printing for."""
    return tuple(node.state for node in snapshot.nodes)
