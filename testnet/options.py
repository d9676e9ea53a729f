"""Shared pieces of the testnet commands: options, where testnets are, which one is meant."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from testnet.control import is_running
from testnet.directory import NetDirectory, all_directories, open_directory, testnets_root
from testnet.errors import Unfit

NetName = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="The testnet; may be left out when only one runs."),
]
PLAIN_WIDTH = 160
"""Of a file or a pipe: wide enough that no cell of a table is cut."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]

console = Console()
if not console.is_terminal:
    console.width = PLAIN_WIDTH
notes = Console(stderr=True)
"""Progress and remarks go to standard error, results to standard output."""


@contextmanager
def usage() -> Iterator[None]:
    """What cannot be asked for is a usage error (exit code 2), told on one line."""
    try:
        yield
    except Unfit as refusal:
        raise typer.BadParameter(refusal.reason) from refusal


def choose(name: str | None) -> NetDirectory:
    """The testnet of that name; without one, the only one running, or else the only one there."""
    root = testnets_root(os.environ)
    if name is not None:
        return open_directory(root, name)
    there = all_directories(root)
    running = [directory for directory in there if is_running(directory)]
    if len(running) == 1:
        return running[0]
    if not running and len(there) == 1:
        return there[0]
    if not there:
        raise Unfit("no-testnet", f"no testnet in {root}; start one with `cornerstone testnet up`")
    names = ", ".join(directory.name for directory in running or there)
    raise Unfit("which-testnet", f"say which testnet: {names}")


def print_json(value: object) -> None:
    """One line on standard output."""
    typer.echo(json.dumps(value))
