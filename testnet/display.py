"""What people see of a testnet in a terminal: a table of its nodes, live or in plain lines."""

from rich.console import Console, Group, JustifyMethod
from rich.table import Table
from rich.text import Text

from testnet.views import NodeView, Snapshot, State

HEAD_DIGITS = 8
COLOURS = {
    State.STARTING: "yellow",
    State.RUNNING: "green",
    State.PAUSED: "magenta",
    State.KILLED: "red",
    State.FALLEN: "bold red",
    State.STOPPING: "yellow",
    State.STOPPED: "dim",
}
TITLES = ("node", "address", "api", "height", "head", "final", "in/out", "mempool", "state")
NUMBERS = ("height", "final", "in/out", "mempool")
KEPT = ("node", "height", "state")
HEAD_COLOURS = ("cyan", "bright_yellow", "bright_magenta", "bright_blue", "bright_red")


def node_table(snapshot: Snapshot) -> Table:
    """The nodes, one a line of 78 columns, so that a plain terminal holds it.

    Addresses are shown without scheme, the API by its port on the same host. Equal heads have
    equal colours, so a fork is seen at a glance. Where there is less room, name, height and state
    are cut last.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in TITLES:
        side: JustifyMethod = "right" if title in NUMBERS else "left"
        table.add_column(title, justify=side, no_wrap=title in KEPT)
    if any(faults(node, snapshot) for node in snapshot.nodes):
        table.add_column("faults", overflow="fold")
    heads = list(dict.fromkeys(node.report.head for node in snapshot.nodes if node.running))
    for node in snapshot.nodes:
        table.add_row(*node_row(node, snapshot, heads)[: len(table.columns)])
    return table


def state_text(node: NodeView) -> str:
    """The state of a node, and how far behind it is while it catches up."""
    return ", ".join(filter(None, [node.state.value, behind(node)]))


def behind(node: NodeView) -> str:
    """How far behind a node is that catches up; else empty."""
    blocks = node.report.behind if node.running else 0
    return f"{blocks:,} behind" if blocks else ""


def node_row(node: NodeView, snapshot: Snapshot, heads: list[str]) -> list[Text]:
    """One node's cells."""
    report = node.report
    place = heads.index(report.head) if report.head in heads else 0
    head_colour = HEAD_COLOURS[place % len(HEAD_COLOURS)]
    colour = "" if node.running else "dim"
    return [
        cell(node.name, "bold" if node.running else "dim"),
        cell(node.p2p.removeprefix("ws://"), colour),
        cell(f":{node.api.rpartition(':')[2]}", colour),
        cell(str(report.height), colour),
        cell(report.head[:HEAD_DIGITS], head_colour if node.running else "dim"),
        cell(str(report.finalized), colour),
        cell(f"{report.inbound}/{report.outbound}", colour),
        cell(str(report.mempool), colour),
        cell(state_text(node), COLOURS[node.state]),
        Text(", ".join(faults(node, snapshot)), "red"),
    ]


def cell(text: str, style: str) -> Text:
    """What stays on its line."""
    return Text(text, style, no_wrap=True)


def faults(node: NodeView, snapshot: Snapshot) -> list[str]:
    """What is wrong with a node or was done to it."""
    found: list[str] = []
    for number, group in enumerate(snapshot.groups, start=1):
        if node.name in group:
            found.append(f"group {number}/{len(snapshot.groups)}")
    found.extend(node.faults)
    if node.restarts:
        found.append(f"fell {node.restarts}x: {node.last_exit}")
    return found


def summary(snapshot: Snapshot) -> str:
    """The testnet in one line."""
    running = [node for node in snapshot.nodes if node.running]
    heads = {node.report.head for node in running}
    heights = [node.report.height for node in running]
    agreement = "one head" if len(heads) == 1 else f"{len(heads)} heads"
    span = f"height {min(heights)}..{max(heights)}" if heights else "no node runs"
    late = next((node.report.late for node in running if node.report.late), "")
    final = f", finality is late: {late}" if late else ""
    return f"{len(running)}/{len(snapshot.nodes)} nodes run, {span}, {agreement}{final}"


def live_view(snapshot: Snapshot, name: str) -> Group:
    """The whole live screen."""
    return Group(
        Text.assemble((f"testnet {name}  ", "bold"), (summary(snapshot), "dim")),
        Text(""),
        node_table(snapshot),
        Text(""),
        Text.assemble(("dashboard ", "dim"), (snapshot.dashboard, "underline")),
        Text("Ctrl-C stops it; the state stays on disk", "dim"),
    )


def print_nodes(console: Console, snapshot: Snapshot) -> None:
    """The table once."""
    console.print(node_table(snapshot))
