"""`cornerstone bench ...`: what the network costs and how soon it delivers, on this machine."""

import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Annotated

import typer
from rich.status import Status

from testnet.bench.figures import GossipFigures
from testnet.bench.machine import VerifyLimit, measure_verify_limit
from testnet.bench.plan import GossipPlan, Topology, parse_nodes
from testnet.bench.table import table_of
from testnet.options import AsJson, console, notes, print_json, usage
from testnet.spec import parse_duration_ms, parse_rate

CONDUCTOR = "testnet.bench.conductor"
"""Imported only when a bench runs: it brings the whole node."""

app = typer.Typer(
    name="bench",
    help="Measure on this machine what gossip costs and how soon it arrives.",
    no_args_is_help=True,
)

Nodes = Annotated[str, typer.Option(help="How many nodes; several runs as 8,16,32,64.")]
Eager = Annotated[
    int | None,
    typer.Option(
        help="Peers a node has push to it; 0: announcements only. The node's own default "
        "when left out."
    ),
]
Size = Annotated[int, typer.Option(help="Bytes of a transaction.")]
Rate = Annotated[str, typer.Option(help="Of the steady phase, over all publishers: 50 or 50/s.")]
Burst = Annotated[int, typer.Option(help="Transactions published at once.")]
FromOne = Annotated[bool, typer.Option("--from-one", help="One node publishes everything.")]
Wiring = Annotated[Topology, typer.Option(help="A random graph of degree about 6, or all linked.")]
Processes = Annotated[int, typer.Option(help="Processes that the nodes are spread over.")]
BlockTime = Annotated[
    str | None,
    typer.Option(help="Make blocks as well, and follow the burst into them: 1s, 500ms."),
]
Idle = Annotated[str, typer.Option(help="How long to watch idle nodes.")]
Steady = Annotated[str, typer.Option(help="How long the steady phase lasts.")]


@app.callback()
def bench() -> None:
    """Measure on this machine what gossip costs and how soon it arrives."""


@app.command()
def gossip(
    nodes: Nodes = "16",
    eager: Eager = None,
    size: Size = 250,
    rate: Rate = "50",
    burst: Burst = 1_000,
    from_one: FromOne = False,
    topology: Wiring = Topology.RANDOM,
    processes: Processes = 1,
    block_time: BlockTime = None,
    idle: Idle = "5s",
    steady: Steady = "10s",
    as_json: AsJson = False,
) -> None:
    """Whole nodes on loopback, in one process or several, under genuine signed transactions.

    Four phases: idle; single messages, each alone; a steady rate; everything at once. CPU is that
    of all nodes, signature checks included.

    [dim]cornerstone bench gossip --nodes 8,16,32,64 --eager 2
    cornerstone bench gossip --nodes 32 --burst 10000 --from-one --block-time 1s[/dim]
    """
    with usage():
        plans = [
            GossipPlan(
                nodes=count,
                eager=eager,
                size=size,
                rate=parse_rate(rate),
                burst=burst,
                topology=topology,
                processes=processes,
                from_one=from_one,
                block_ms=parse_duration_ms(block_time) if block_time else 0,
                idle_s=parse_duration_ms(idle) / 1_000,
                steady_s=parse_duration_ms(steady) / 1_000,
            )
            for count in parse_nodes(nodes)
        ]
    limit = measure_verify_limit()
    run: Callable[[GossipPlan, Callable[[str], None]], GossipFigures]
    run = import_module(CONDUCTOR).run_gossip
    with notes.status("starting") as status:
        runs = [run(plan, partial(tell, status, plan)) for plan in plans]
    show(limit, runs, as_json=as_json)


def tell(status: Status, plan: GossipPlan, what: str) -> None:
    """Where a run is, on one line that comes and goes."""
    status.update(f"{plan.nodes} nodes: {what}")


def show(limit: VerifyLimit, runs: list[GossipFigures], *, as_json: bool) -> None:
    """The runs side by side, beside what the machine could do at best."""
    load = os.getloadavg()[0]
    if as_json:
        print_json(
            {
                "verifications_per_s": {
                    "one_thread": round(limit.one_thread),
                    "two_threads": round(limit.two_threads),
                },
                "load_average": round(load, 2),
                "runs": [run.to_json() for run in runs],
            }
        )
        return
    console.print(table_of(runs))
    for run in runs:
        for reason in run.refused[:3]:
            console.print(f"refused: {reason}", highlight=False)
    console.print(
        f"\nraw Ed25519: {limit.one_thread:,.0f}/s on one thread, {limit.two_threads:,.0f}/s on "
        f"two; load of the machine at the end: {load:.1f}",
        highlight=False,
    )
