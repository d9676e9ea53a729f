"""`testnet up`, `resume` and `down`: from nothing to a running network and back."""

import os
import shutil
import time
from contextlib import suppress
from typing import Annotated

import typer
from rich.text import Text

from testnet.control import ControlConnection, Request, Verb, is_running
from testnet.directory import NetDirectory, free_name, testnets_root, validate_name
from testnet.errors import LaunchFailure, Unfit
from testnet.foreground import hear_interrupts, show_start, watch
from testnet.launcher import create, start_again, start_new, stop
from testnet.options import (
    AsJson,
    NetName,
    StoppedName,
    choose,
    choose_stopped,
    console,
    notes,
    print_json,
    usage,
)
from testnet.record import NetRecord, encode_record
from testnet.spec import Consensus, Durability, LaunchSpec, Wiring, parse_duration_ms

EXIT_INTERRUPTED = 130
"""What shells report for a command that SIGINT ended before it was done."""

Nodes = Annotated[int, typer.Option(help="How many nodes.")]
Name = Annotated[
    str | None, typer.Option(help="Names the testnet, and with --seed decides all its keys.")
]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Return when ready; it runs on.")]
BlockTime = Annotated[str, typer.Option(help="Time between blocks: 500ms, 1s, 2s.")]
Engine = Annotated[Consensus, typer.Option(help="Who may make blocks.")]
Topology = Annotated[Wiring, typer.Option(help="Who dials whom; `discover` is peer exchange.")]
Seed = Annotated[int, typer.Option(help="Another seed, other keys.")]
Authorities = Annotated[int, typer.Option(help="Nodes that make blocks; 0: all, at most 21.")]
Durable = Annotated[Durability, typer.Option(help="Whether blocks survive a power cut as well.")]
Replace = Annotated[bool, typer.Option("--replace", help="Delete a testnet of that name first.")]
Delete = Annotated[bool, typer.Option("--delete", help="Forget its state as well.")]


def up(
    nodes: Nodes = 8,
    name: Name = None,
    detach: Detach = False,
    block_time: BlockTime = "1s",
    consensus: Engine = Consensus.AUTHORITY,
    topology: Topology = Wiring.DISCOVER,
    authorities: Authorities = 0,
    seed: Seed = 0,
    durability: Durable = Durability.PROCESS,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Start a new testnet and watch it; Ctrl-C stops it.

    Ready means: every node has a peer, and all share a block after genesis.

    [dim]cornerstone testnet up --nodes 8
    cornerstone testnet up --nodes 20 --name demo --detach --json[/dim]
    """
    began = time.monotonic()
    root = testnets_root(os.environ)
    with usage():
        spec = LaunchSpec(
            name=validate_name(name) if name is not None else free_name(root),
            seed=seed,
            nodes=nodes,
            authorities=authorities,
            block_ms=parse_duration_ms(block_time),
            consensus=consensus,
            wiring=topology,
            durability=durability,
        )
    hear_interrupts()
    directory = create(root, spec, replace)
    run(directory, start_new(directory, spec), detach, as_json, began)


def resume(name: StoppedName = None, detach: Detach = False, as_json: AsJson = False) -> None:
    """Start a stopped testnet again from its state on disk, as after a reboot.

    [dim]cornerstone testnet resume demo --detach[/dim]
    """
    began = time.monotonic()
    directory = choose_stopped(name)
    hear_interrupts()
    run(directory, start_again(directory), detach, as_json, began)


def down(name: NetName = None, delete: Delete = False, as_json: AsJson = False) -> None:
    """Stop a testnet within seconds. Its state stays on disk for `resume`.

    [dim]cornerstone testnet down demo --delete[/dim]
    """
    directory = choose(name)
    was_running = is_running(directory)
    if was_running:
        stop(directory)
    if delete:
        shutil.rmtree(directory.path)
    if as_json:
        print_json({"name": directory.name, "stopped": was_running, "deleted": delete})
    else:
        did = "stopped" if was_running else "was not running"
        kept = "its state is deleted" if delete else f"its state is in {directory.path}"
        console.print(Text(f"testnet {directory.name} {did}; {kept}"), soft_wrap=True)


def run(
    directory: NetDirectory,
    connection: ControlConnection,
    detach: bool,
    as_json: bool,
    began: float,
) -> None:
    """From started to ready, then either leaves it or watches it until Ctrl-C."""
    ready = False
    with connection:
        try:
            if not detach:
                connection.ask(Request(Verb.ATTACH))
            record = show_start(notes, directory, connection, began)
            ready = True
            announce(directory, record, detach, as_json)
            if not detach:
                watch(notes if as_json else console, directory.name, connection)
        except KeyboardInterrupt:
            end(directory)
            if not ready:
                raise typer.Exit(EXIT_INTERRUPTED) from None
            notes.print(
                f"stopped; `cornerstone testnet resume {directory.name}` continues it",
                highlight=False,
            )
        except LaunchFailure:
            if not ready:
                end(directory)
            raise


def announce(directory: NetDirectory, record: NetRecord, detach: bool, as_json: bool) -> None:
    """The result of a start."""
    if as_json:
        print_json(encode_record(record, directory))
    elif detach:
        console.print(
            Text(f"testnet {record.name} runs; state in {directory.path}"), soft_wrap=True
        )
        console.print(f"dashboard {record.dashboard}", highlight=False)


def end(directory: NetDirectory) -> None:
    """Stops what was started; that it has stopped by itself is as good."""
    with suppress(Unfit, LaunchFailure):
        stop(directory)
