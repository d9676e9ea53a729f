"""`testnet kill`, `pause`, `restart`, `add`, `remove`, `split`: orders to running nodes."""

from typing import Annotated

import typer

from testnet.control import Request, Verb, ask
from testnet.directory import NetDirectory
from testnet.founding import found_node
from testnet.launcher import settle
from testnet.options import AsJson, choose, console, print_json, usage
from testnet.record import NodeRecord, load_record
from testnet.spec import parse_duration_ms
from testnet.split import parse_groups, parse_names
from testnet.views import NodeView, State

Net = Annotated[str, typer.Argument(metavar="NAME", help="The testnet.")]
Nodes = Annotated[list[str], typer.Argument(metavar="NODE...", help="n3, or several: n1..n4 n7.")]
Groups = Annotated[
    str, typer.Argument(metavar="GROUPS", help="n1..n4/n5..n8; nodes not named are one more group.")
]
ForTime = Annotated[str, typer.Option("--for", help="Heal by itself after 60s, 2m; 0: never.")]


def kill(net: Net, nodes: Nodes, as_json: AsJson = False) -> None:
    """kill -9 nodes; they stay down until `restart`.

    [dim]cornerstone testnet kill demo n3[/dim]
    """
    order(choose(net), Verb.KILL, nodes, State.KILLED, as_json)


def pause(net: Net, nodes: Nodes, as_json: AsJson = False) -> None:
    """Stop nodes in the middle of whatever they do (SIGSTOP); `restart` lets them go on.

    [dim]cornerstone testnet pause demo n2 n5..n7[/dim]
    """
    order(choose(net), Verb.PAUSE, nodes, State.PAUSED, as_json)


def restart(net: Net, nodes: Nodes, as_json: AsJson = False) -> None:
    """Start killed nodes, continue paused ones, stop and start running ones.

    [dim]cornerstone testnet restart demo n3[/dim]
    """
    order(choose(net), Verb.RESTART, nodes, State.RUNNING, as_json)


def remove(net: Net, nodes: Nodes, as_json: AsJson = False) -> None:
    """Take nodes out of the testnet for good; their state is deleted.

    [dim]cornerstone testnet remove demo n8[/dim]
    """
    order(choose(net), Verb.REMOVE, nodes, None, as_json)


def add(net: Net, as_json: AsJson = False) -> None:
    """Start one more node, which finds the others and catches up.

    [dim]cornerstone testnet add demo[/dim]
    """
    directory = choose(net)
    name = found_node(directory)
    ask(directory, Request(Verb.ADD, (name,)))
    view = settle(directory, (name,), State.RUNNING).node(name)
    node = NodeRecord(view.name, view.id, view.p2p, view.api, view.pid)
    if as_json:
        print_json(
            {"name": node.name, "id": node.id, "p2p": node.p2p, "api": node.api, "pid": node.pid}
        )
    else:
        console.print(f"{name} runs at {node.p2p}, API {node.api}", highlight=False)


def split(net: Net, groups: Groups, for_time: ForTime = "0", as_json: AsJson = False) -> None:
    """Keep groups of nodes from reaching each other, as a broken network would.

    [dim]cornerstone testnet split demo n1..n4/n5..n8 --for 60s[/dim]
    """
    directory = choose(net)
    parsed = parse_groups(groups, names_of(directory))
    with usage():
        for_s = 0.0 if for_time == "0" else parse_duration_ms(for_time) / 1_000
    snapshot = ask(directory, Request(Verb.SPLIT, groups=parsed, for_s=for_s))
    tell_groups(snapshot.groups, as_json)


def tell_groups(groups: tuple[tuple[str, ...], ...], as_json: bool) -> None:
    """The split in force."""
    if as_json:
        print_json({"groups": groups})
    else:
        console.print(" / ".join(" ".join(group) for group in groups), highlight=False)


def names_of(directory: NetDirectory) -> tuple[str, ...]:
    """The testnet's nodes."""
    return tuple(node.name for node in load_record(directory).nodes)


def order(
    directory: NetDirectory, verb: Verb, nodes: list[str], state: State | None, as_json: bool
) -> None:
    """Gives an order to nodes and waits until it is carried out."""
    names = parse_names(",".join(nodes), names_of(directory))
    ask(directory, Request(verb, names))
    snapshot = settle(directory, names, state)
    chosen = [node for node in snapshot.nodes if node.name in names]
    if as_json:
        print_json({"nodes": [describe(node) for node in chosen]})
        return
    for name in names:
        console.print(f"{name} {'removed' if state is None else state.value}", highlight=False)


def describe(node: NodeView) -> dict[str, object]:
    """A node after an order."""
    return {
        "name": node.name,
        "running": node.running,
        "state": node.state.value,
        "pid": node.pid,
    }
