"""The group `node`: make a node's folder, run the node in it."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from chain.commands import read_as, read_compiled, read_source
from chain.consensus.finality.recovery import RECOVERY_LIMITS, decode_recovery
from chain.genesis import Genesis
from chain.primitives.errors import Refusal
from chain.primitives.keys import KeyPair
from chain.transactions.document import Purpose
from p2p.accounts import Account, load_account, save_account, write_secret
from p2p.commands.options import AsJson, console, print_json, shown
from p2p.config import load_config

CONFIG_NAME = "node.toml"
AUTHOR_PURPOSES = (Purpose.SEAL, Purpose.VOTE)
"""What a node signs with; the organisation's other keys have no business on a server."""

app = typer.Typer(
    name="node",
    help="Run a node of your own.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The node's new folder.")]
GenesisFile = Annotated[
    Path, typer.Option("--genesis", metavar="FILE", help="The network's genesis, .toml or .cbor.")
]
Name = Annotated[str, typer.Option(help="The folder's name when left out.", show_default=False)]
Listen = Annotated[str, typer.Option(help="Where peers connect.")]
Advertise = Annotated[
    str, typer.Option(help="The address peers are told, if it is another.", show_default=False)
]
ApiPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the HTTP API; 0: any.")]
Bootstrap = Annotated[
    list[str] | None,
    typer.Option(metavar="ADDRESS", help="A node to begin with. Repeatable.", show_default=False),
]
AuthorFile = Annotated[
    Path | None,
    typer.Option(
        "--author",
        metavar="FILE",
        help="Account file of the organisation for which this node makes blocks.",
        show_default=False,
    ),
]
RecoveryFile = Annotated[
    Path | None,
    typer.Option(
        "--recovery",
        metavar="FILE",
        help="Let another set of authorities take over; see cornerstone recovery.",
        show_default=False,
    ),
]
Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="node.toml, or the folder it is in.")
]

Light = Annotated[bool, typer.Option("--light", help="Follow what is final, without the blocks.")]


@app.command()
def init(
    folder: Folder,
    genesis: GenesisFile,
    name: Name = "",
    listen: Listen = "ws://0.0.0.0:4001",
    advertise: Advertise = "",
    api_port: ApiPort = 8080,
    bootstrap: Bootstrap = None,
    author: AuthorFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a node's folder: its identity key, the genesis, and node.toml.

    [dim]cornerstone node init n1 --genesis genesis.toml --bootstrap ws://node.example:4001
    cornerstone node run n1[/dim]
    """
    founded = read_source(genesis) if genesis.suffix == ".toml" else read_compiled(genesis)
    path = folder / CONFIG_NAME
    if path.exists():
        raise Refusal("node-exists", f"{path} is there already; choose another folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    values: dict[str, str | int | list[str]] = {
        "name": name or folder.resolve().name,
        "genesis": "genesis.cbor",
        "genesis_hash": founded.hash.hex(),
        "listen": listen,
        "api_port": api_port,
        "bootstrap": bootstrap or [],
    }
    if advertise:
        values["advertise"] = advertise
    if author is not None:
        save_account(folder / "author.json", author_account(author, founded))
        values["author_key"] = "author.json"
    draft = path.with_suffix(".new")
    draft.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    load_config(draft)  # what cannot be run is refused here, and not at the first start
    identity = KeyPair.from_seed(os.urandom(32))
    (folder / "genesis.cbor").write_bytes(founded.encode())
    write_secret(folder / "key", identity.seed)
    draft.replace(path)
    told = {"config": str(path), "id": identity.public.hex(), "genesis_hash": founded.hash.hex()}
    if as_json:
        print_json(told)
    else:
        console.print(
            f"node {shown(values['name'])} in {shown(folder)}, id {told['id']}", soft_wrap=True
        )
        console.print(f"`cornerstone node run {shown(folder)}` starts it", soft_wrap=True)


@app.command()
def run(config: Config, recovery: RecoveryFile = None, light: Light = False) -> None:
    """Run a node until Ctrl-C or SIGTERM; its log goes to log.ndjson in its folder.

    Prints one JSON line with its addresses once peers and clients can connect. With --light it
    follows certificates and handovers through the bootstrap nodes, a few megabytes a day, and
    keeps no blocks; its API tells what is final.

    [dim]cornerstone node run n1[/dim]
    """
    if light and recovery is not None:
        raise typer.BadParameter("a light node goes on from a checkpoint, not from a recovery")
    path = config / CONFIG_NAME if config.is_dir() else config
    load_config(path)
    arguments = ["--light", str(path)] if light else [str(path)]
    if recovery is not None:
        read_as(decode_recovery, recovery, RECOVERY_LIMITS.size)
        arguments.append(str(recovery.resolve()))
    environment = dict(os.environ)
    source = str(Path(__file__).parents[2])
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [source, known]))
    command = [sys.executable, "-P", "-m", "p2p.node_main", *arguments]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)


def author_account(path: Path, genesis: Genesis) -> Account:
    """The part of an organisation's account file that a node needs. Raises Refusal."""
    account = load_account(path)
    if account.network != genesis.network:
        raise Refusal(
            "wrong-network",
            f"{path} is for network {account.network!r}, the genesis for {genesis.network!r}",
        )
    account.signing_key(Purpose.SEAL)
    keys = tuple(key for key in account.keys if key.purpose in AUTHOR_PURPOSES)
    return Account(account.name, account.network, account.did, keys)
