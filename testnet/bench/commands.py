"""`cornerstone bench ...`: what the network costs and how soon it delivers, on this machine."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Annotated

import typer
from rich.status import Status

from testnet.bench.figures import GossipFigures
from testnet.bench.machine import VerifyLimit, measure_verify_limit
from testnet.bench.plan import GossipPlan, Topology, parse_nodes
from testnet.bench.table import table_of
from testnet.errors import LaunchFailure
from testnet.options import AsJson, console, notes, print_json, usage
from testnet.spec import parse_duration_ms, parse_rate

CONDUCTOR = "testnet.bench.conductor"
RIVAL = "testnet.bench.rival"
"""Imported only when a bench runs: they bring the whole node."""

Rival = Callable[[GossipPlan, bool, Callable[[str], None]], GossipFigures]
"""Carries out a plan, with stock or enlarged queues; raises LaunchFailure if it cannot."""

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
Python = Annotated[str | None, typer.Option(help="An interpreter that has py-libp2p.")]
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
    with notes.status("starting") as status:
        runs = Runs([ours(plan, status) for plan in plans])
    if as_json:
        print_all(limit, runs)
    else:
        show(runs)
        show_machine(limit)


@app.command("compare-libp2p")
def compare_libp2p(
    nodes: Nodes = "16",
    eager: Eager = None,
    size: Size = 250,
    rate: Rate = "50",
    burst: Burst = 1_000,
    from_one: FromOne = False,
    topology: Wiring = Topology.RANDOM,
    python: Python = None,
    idle: Idle = "5s",
    steady: Steady = "10s",
    as_json: AsJson = False,
) -> None:
    """The same graph and load on py-libp2p's GossipSub, side by side, in the same run.

    Its queues as they come (stock) and so long that nothing is dropped for want of room (enlarged).
    A table for each number of nodes, as soon as it is there: a run may take some minutes.
    It has to be installed: `pip install 'cornerstone\\[libp2p]'`, or --python PATH.

    [dim]cornerstone bench compare-libp2p --nodes 8,16 --python /path/to/venv/bin/python[/dim]
    """
    rival = import_module(RIVAL)
    with usage():
        found = rival.find_rival(python)
        plans = [
            GossipPlan(
                nodes=count,
                eager=eager,
                size=size,
                rate=parse_rate(rate),
                burst=burst,
                topology=topology,
                from_one=from_one,
                idle_s=parse_duration_ms(idle) / 1_000,
                steady_s=parse_duration_ms(steady) / 1_000,
            )
            for count in parse_nodes(nodes)
        ]
    limit, total = measure_verify_limit(), Runs([])
    for plan in plans:
        with notes.status("starting") as status:
            runs = beside(plan, partial(rival.run_rival, found), status)
        total.add(runs)
        if not as_json:
            show(runs)
            console.print()
    if as_json:
        print_all(limit, total)
    else:
        show_machine(limit)


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs, and what did not survive its run."""

    runs: list[GossipFigures]
    fallen: list[str] = field(default_factory=list)

    def add(self, others: "Runs") -> None:
        """Those of another plan."""
        self.runs.extend(others.runs)
        self.fallen.extend(others.fallen)


def beside(plan: GossipPlan, rival: Rival, status: Status) -> Runs:
    """One plan: our nodes, then py-libp2p with either queues."""
    runs = Runs([ours(plan, status)])
    for enlarged in (False, True):
        try:
            run = rival(plan, enlarged, partial(tell, status, plan))
        except LaunchFailure as failure:
            runs.fallen.append(str(failure))
        else:
            runs.runs.append(run)
    return runs


def ours(plan: GossipPlan, status: Status) -> GossipFigures:
    """One run of our own nodes."""
    run: Callable[[GossipPlan, Callable[[str], None]], GossipFigures]
    run = import_module(CONDUCTOR).run_gossip
    return run(plan, partial(tell, status, plan))


def tell(status: Status, plan: GossipPlan, what: str) -> None:
    """Where a run is, on one line that comes and goes."""
    status.update(f"{plan.nodes} nodes: {what}")


def show(runs: Runs) -> None:
    """The runs side by side."""
    console.print(table_of(runs.runs))
    for line in runs.fallen:
        console.print(f"did not survive: {line}", highlight=False)
    for run in runs.runs:
        for reason in run.refused[:3]:
            console.print(f"refused: {reason}", highlight=False)


def show_machine(limit: VerifyLimit) -> None:
    """What the machine could do at best, and what else it did."""
    console.print(
        f"\nraw Ed25519: {limit.one_thread:,.0f}/s on one thread, {limit.two_threads:,.0f}/s on "
        f"two; load of the machine at the end: {os.getloadavg()[0]:.1f}",
        highlight=False,
    )


def print_all(limit: VerifyLimit, runs: Runs) -> None:
    """Everything, for scripts."""
    print_json(
        {
            "verifications_per_s": {
                "one_thread": round(limit.one_thread),
                "two_threads": round(limit.two_threads),
            },
            "load_average": round(os.getloadavg()[0], 2),
            "runs": [run.to_json() for run in runs.runs],
            "fallen": runs.fallen,
        }
    )
