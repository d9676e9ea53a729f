"""`testnet check` and `testnet scenarios`: what a scenario will do, and which there are."""

from typing import Annotated

import typer
from rich.table import Table

from chain.primitives.errors import Refusal
from testnet.campaign.seeds import SEED_MAX
from testnet.faults.parameters import format_ms
from testnet.options import AsJson, console, print_json
from testnet.scenario.display import plan_view
from testnet.scenario.encoding import encode_plan
from testnet.scenario.library import library, open_scenario
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.plan import plan

File = Annotated[
    str, typer.Argument(metavar="FILE", help="A scenario file, or a name of the library.")
]
Seed = Annotated[
    int | None, typer.Option(min=0, max=SEED_MAX, help="The scenario's own when left out.")
]
OnTier = Annotated[Tier, typer.Option("--tier", help="Where it would run.")]


def check(file: File, seed: Seed = None, tier: OnTier = Tier.NODE, as_json: AsJson = False) -> None:
    """Show what a scenario will do: who, where, when. Nothing runs.

    Exits with 2 when the file is wrong, or asks for what the tier cannot do.

    [dim]cornerstone testnet check halves --seed 7[/dim]
    """
    try:
        scenario = open_scenario(file)
        found = plan(scenario, scenario.seed if seed is None else seed, tier)
    except Refusal as refusal:
        raise typer.BadParameter(refusal.reason) from refusal
    if as_json:
        print_json(encode_plan(found))
    else:
        console.print(plan_view(found), highlight=False)
    if found.lacks:
        raise typer.Exit(2)


def scenarios(as_json: AsJson = False) -> None:
    """List the scenarios that come with the software, each with what it teaches.

    [dim]cornerstone testnet scenarios[/dim]
    """
    found = [open_scenario(name) for name in library()]
    if as_json:
        print_json({"scenarios": [describe(scenario) for scenario in found]})
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("name", "nodes", "time"):
        table.add_column(title, no_wrap=True, justify="left" if title == "name" else "right")
    table.add_column("what it teaches", overflow="fold")
    for scenario in found:
        time = format_ms(scenario.duration_ms)
        table.add_row(scenario.name, str(scenario.net.nodes), time, scenario.about)
    console.print(table, highlight=False)


def describe(scenario: Scenario) -> dict[str, object]:
    """One scenario in the list."""
    return {
        "name": scenario.name,
        "about": scenario.about,
        "nodes": scenario.net.nodes,
        "duration_ms": scenario.duration_ms,
        "faults": [fault.kind.NAME for fault in scenario.faults],
        "swarm": scenario.swarm,
    }
