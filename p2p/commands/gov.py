"""The group `gov`."""

import typer

from p2p.commands.gov_look import authorities, parameters, show, show_open
from p2p.commands.gov_send import evidence, propose, vote

app = typer.Typer(
    name="gov",
    help="Propose, vote, report offences, and see what the authorities decide.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
for order in (propose, vote, evidence):
    app.command()(order)
app.command("list")(show_open)
for view in (show, authorities, parameters):
    app.command()(view)
