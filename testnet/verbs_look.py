"""`testnet ps`, `status` and `logs`: what runs, whether it agrees, what it says."""

import os
import time
from pathlib import Path
from typing import Annotated, BinaryIO

import trio
import typer
from rich.table import Table
from rich.text import Text

from testnet.agreement import Agreement, agree
from testnet.control import Request, Verb, ask, is_running
from testnet.directory import NetDirectory, all_directories, testnets_root
from testnet.display import node_table
from testnet.errors import Unfit
from testnet.nodeapi import NodeApi, open_client
from testnet.options import AsJson, NetName, choose, console, print_json
from testnet.record import load_record
from testnet.split import parse_names
from testnet.views import NodeReport, NodeView, Snapshot, State

TAIL_LINES = 20
FOLLOW_POLL_S = 0.2

Nodes = Annotated[list[str] | None, typer.Argument(metavar="[NODE]...", help="All when left out.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on printing as nodes write.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines of each log.")]


def ps(as_json: AsJson = False) -> None:
    """List the testnets on this machine, running or not.

    [dim]cornerstone testnet ps[/dim]
    """
    found = [describe(directory) for directory in all_directories(testnets_root(os.environ))]
    if as_json:
        print_json({"testnets": found})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("name", "state", "nodes", "dashboard", "dir"):
        table.add_column(title, overflow="fold")
    for item in found:
        state = "[green]running[/]" if item["running"] else "[dim]stopped[/]"
        cells = [Text(str(item[key])) for key in ("nodes", "dashboard", "dir")]
        table.add_row(str(item["name"]), state, *cells)
    console.print(table)


def describe(directory: NetDirectory) -> dict[str, object]:
    """One testnet in the list."""
    running = is_running(directory)
    record = load_record(directory)
    return {
        "name": directory.name,
        "running": running,
        "nodes": len(record.nodes),
        "dashboard": record.dashboard if running else "",
        "dir": str(directory.path),
    }


def status(name: NetName = None, as_json: AsJson = False) -> None:
    """Where each node is, and whether all running nodes agree.

    Converged: all running nodes have the same block at the common height, and no head is more
    than two blocks above it. The nodes' APIs are asked, nobody's word is taken for another's.

    [dim]cornerstone testnet status demo --json[/dim]
    """
    directory = choose(name)
    snapshot = snapshot_of(directory)
    agreement = trio.run(ask_nodes, snapshot)
    if as_json:
        print_json(encode_status(snapshot, agreement))
        return
    console.print(node_table(snapshot))
    verdict = "[green]converged[/]" if agreement.converged else "[red]not converged[/]"
    console.print(f"common height {agreement.common_height}, {verdict}", highlight=False)


async def ask_nodes(snapshot: Snapshot) -> Agreement:
    """What the running nodes' APIs say."""
    async with open_client() as client:
        nodes = NodeApi(client)
        return await agree([nodes.witness(n.name, n.api) for n in snapshot.nodes if n.running])


def snapshot_of(directory: NetDirectory) -> Snapshot:
    """The testnet's state; of one that is not running, all nodes down."""
    if is_running(directory):
        return ask(directory, Request(Verb.SHOW))
    nodes = tuple(
        NodeView(n.name, n.id, n.p2p, n.api, None, State.STOPPED, 0, "", NodeReport())
        for n in load_record(directory).nodes
    )
    return Snapshot(nodes, "", (), supervisor=0, version=0)


def encode_status(snapshot: Snapshot, agreement: Agreement) -> dict[str, object]:
    """The contract for scripts."""
    return {
        "nodes": [encode_node(node, agreement) for node in snapshot.nodes],
        "common_height": agreement.common_height,
        "converged": agreement.converged,
        "groups": snapshot.groups,
    }


def encode_node(node: NodeView, agreement: Agreement) -> dict[str, object]:
    """A node's line: what its API says, zeros for one that does not answer."""
    view = agreement.view(node.name)
    return {
        "name": node.name,
        "running": view is not None,
        "height": view.height if view else 0,
        "head": view.head if view else "",
        "finalized": view.finalized if view else 0,
        "peers": view.peers if view else 0,
        "mempool": view.mempool if view else 0,
        "state": node.state.value,
        "state_root": view.state_root if view else "",
        "restarts": node.restarts,
        "pid": node.pid,
    }


def logs(
    name: NetName = None, nodes: Nodes = None, follow: Follow = False, lines: Lines = TAIL_LINES
) -> None:
    """Print the nodes' logs, each line with its node's name before it.

    [dim]cornerstone testnet logs demo n1 n3 -f[/dim]
    """
    directory = choose(name)
    there = tuple(node.name for node in load_record(directory).nodes)
    names = parse_names(",".join(nodes), there) if nodes else there
    paths = {node: directory.log(node) for node in names}
    missing = [node for node, path in paths.items() if not path.exists()]
    if len(missing) == len(paths):
        raise Unfit("no-logs", f"{', '.join(missing)} have not written a log yet")
    opened = {node: path.open("rb") for node, path in paths.items() if path.exists()}
    for node, log in opened.items():
        skip_to_tail(log, paths[node], lines)
        print_new(node, log)
    while follow:
        time.sleep(FOLLOW_POLL_S)
        for node, log in opened.items():
            print_new(node, log)


def skip_to_tail(log: BinaryIO, path: Path, lines: int) -> None:
    """Goes to where the last lines begin, reading at most their share of the file's end."""
    size = path.stat().st_size
    window = min(size, max(lines, 1) * 1_024)
    log.seek(size - window)
    tail = log.read(window).splitlines(keepends=True)
    kept = tail[len(tail) - lines :] if lines < len(tail) else tail
    log.seek(size - sum(map(len, kept)))


def print_new(node: str, log: BinaryIO) -> None:
    """Prints the complete lines written since the last call."""
    while line := log.readline():
        if not line.endswith(b"\n"):
            log.seek(-len(line), os.SEEK_CUR)
            return
        typer.echo(f"{node} {line.decode(errors='replace').rstrip()}")
