"""`testnet load`: transactions at a rate, and what became of them."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import trio
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from chain.genesis import Genesis
from chain.transactions.document import Purpose
from testnet.asking import Unanswered
from testnet.control import Request, Verb, ask
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure, Unfit
from testnet.founding import load_sender
from testnet.groups import ungrouped
from testnet.nodeapi import NodeApi, open_client, slot_now
from testnet.options import AsJson, NetName, choose, console, notes, print_json, usage
from testnet.senders import LoadKind, Sender
from testnet.spec import load_spec, parse_duration_ms, parse_rate
from testnet.tally import LoadResult, Tally
from testnet.workload import LoadPlan, Workload

Rate = Annotated[str, typer.Option(help="Transactions a second over all nodes: 200 or 200/s.")]
ForTime = Annotated[str, typer.Option("--for", help="How long to send: 10, 30s, 2m.")]
Kind = Annotated[LoadKind, typer.Option(help="Payments, or payments and datasets.")]


def load(
    name: NetName = None,
    rate: Rate = "200",
    for_time: ForTime = "10s",
    kind: Kind = LoadKind.TRANSFER,
    as_json: AsJson = False,
) -> None:
    """Send signed transactions at a rate and count them on the nodes' chains.

    [dim]cornerstone testnet load demo --rate 500 --for 60s[/dim]
    """
    with usage():
        if kind is LoadKind.SEATS:
            raise Unfit("load-kind", "seats change in scenarios alone, by a [[load]] of that kind")
        plan = LoadPlan(parse_rate(rate), parse_duration_ms(for_time) / 1_000, kind)
    directory = choose(name)
    with ungrouped(LaunchFailure):
        result = trio.run(run_load, directory, plan)
    if as_json:
        print_json(result.to_json())
    else:
        print_result(console, result)


async def run_load(directory: NetDirectory, plan: LoadPlan) -> LoadResult:
    """Runs the plan against the running nodes. Raises LaunchFailure when there are none."""
    snapshot = ask(directory, Request(Verb.SHOW))
    apis = [node.api for node in snapshot.nodes if node.running]
    if not apis:
        raise LaunchFailure(f"no node of {directory.name!r} runs")
    genesis = Genesis.decode(directory.genesis.read_bytes())
    async with open_client() as client:
        nodes = NodeApi(client)
        senders = await open_senders(directory, genesis, nodes, apis)
        workload = Workload(plan, genesis.slot_ms, partial(slot_now, genesis), nodes, apis)
        with Live(console=notes, transient=True, auto_refresh=False) as live:

            def told(tally: Tally) -> None:
                if notes.is_terminal:
                    live.update(Text(progress(tally, plan), "yellow"), refresh=True)

            return await workload.run(senders, told)


async def open_senders(
    directory: NetDirectory, genesis: Genesis, nodes: NodeApi, apis: list[str]
) -> list[Sender]:
    """All load accounts, each at its next sequence as the node it is pinned to knows it."""
    spec = load_spec(directory.spec)
    senders: dict[str, Sender] = {}

    async def open_one(name: str, place: int) -> None:
        organisation = load_sender(spec, name)
        did = organisation.document().id
        turn = place % len(apis)
        asked = [*apis[turn:], *apis[:turn]]
        sequence = await next_sequence(nodes, asked, genesis.did(did))
        senders[name] = Sender(organisation.key(Purpose.TX), did, genesis.hash, sequence)

    async with trio.open_nursery() as nursery:
        for place, name in enumerate(spec.load_names):
            nursery.start_soon(open_one, name, place)
    return [senders[name] for name in spec.load_names]


async def next_sequence(nodes: NodeApi, asked: Sequence[str], did: str) -> int:
    """An account's next sequence as the first node that answers knows it.

    Raises LaunchFailure when none does. *Why others:* a node that is killed while a load begins
    must not end it; one that is killed later does not either.
    """
    why = ""
    for api in asked:
        try:
            return await nodes.next_sequence(api, did)
        except Unanswered as error:
            why = str(error)
    raise LaunchFailure(f"no node answers; the last: {why}")


def progress(tally: Tally, plan: LoadPlan) -> str:
    """How far the load is, on one line."""
    return (
        f"sent {tally.submitted} of {plan.total}, in blocks {tally.seen}, refused {tally.refused}"
    )


def print_result(to: Console, result: LoadResult) -> None:
    """The verdict for people."""
    to.print(
        f"{result.included} of {result.submitted} included, {result.rejected} rejected, "
        f"{result.missing} missing, {result.tps:.0f} tx/s; "
        f"inclusion p50 {result.p50_ms:.0f} ms, p99 {result.p99_ms:.0f} ms",
        highlight=False,
        soft_wrap=True,
    )
    for code, count in result.reasons:
        to.print(f"  {code}: {count}", highlight=False)
