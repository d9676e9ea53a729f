"""`cornerstone testnet ...`: a network of many nodes on one machine, from one command."""

from collections.abc import Callable

import typer

from testnet.verbs_inject import faults, heal, inject
from testnet.verbs_lab import run, sim
from testnet.verbs_load import load
from testnet.verbs_look import logs, ps, status
from testnet.verbs_nodes import add, kill, pause, remove, restart, split
from testnet.verbs_replay import replay, shrink
from testnet.verbs_report import diff, report
from testnet.verbs_run import down, resume, up
from testnet.verbs_scenario import check, scenarios

app = typer.Typer(
    name="testnet",
    help="Many nodes on this machine: start, watch, load, kill, split, heal, stop.",
    no_args_is_help=True,
)

PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Run": (up, resume, down),
    "Look": (ps, status, logs),
    "Change and break": (load, kill, pause, restart, add, remove, split, inject, heal, faults),
    "Laboratory": (check, sim, run, replay, shrink, report, diff, scenarios),
}
for panel, verbs in PANELS.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(verb)
