"""The group `tx`."""

import typer

from p2p.commands.look import show, wait
from p2p.commands.publish import publish
from p2p.commands.transfer import register, transfer
from p2p.commands.verify import verify

app = typer.Typer(
    name="tx",
    help="Pay, publish files, prove them, and follow transactions.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
for verb in (transfer, publish, verify, register, show, wait):
    app.command()(verb)
