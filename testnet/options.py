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
StoppedName = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="The testnet; may be left out when only one is stopped."),
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
    if name is not None:
        return open_directory(testnets_root(os.environ), name)
    there = all_there()
    running = [directory for directory in there if is_running(directory)]
    return only(running or there)


def choose_stopped(name: str | None) -> NetDirectory:
    """The testnet of that name; without one, the only one that is stopped."""
    if name is not None:
        return open_directory(testnets_root(os.environ), name)
    there = all_there()
    return only([directory for directory in there if not is_running(directory)] or there)


def all_there() -> list[NetDirectory]:
    """The testnets of this machine. Raises Unfit when there is none."""
    root = testnets_root(os.environ)
    there = all_directories(root)
    if not there:
        raise Unfit("no-testnet", f"no testnet in {root}; start one with `cornerstone testnet up`")
    return there


def only(meant: list[NetDirectory]) -> NetDirectory:
    """The one that is meant. Raises Unfit when there are more."""
    if len(meant) > 1:
        names = ", ".join(directory.name for directory in meant)
        raise Unfit("which-testnet", f"say which testnet: {names}")
    return meant[0]


def print_json(value: object) -> None:
    """One line on standard output."""
    typer.echo(json.dumps(value))
