"""The chain's own commands: `genesis` compiles and shows what a network is founded on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from chain.files import naming
from chain.genesis import GENESIS_LIMITS, Genesis
from chain.genesis_source import compile_toml
from chain.genesis_text import to_toml
from chain.primitives.errors import Refusal

T = TypeVar("T")

genesis_app = typer.Typer(
    name="genesis",
    help="What a network is founded on: write it as TOML, compile it, look at it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Source = Annotated[
    Path, typer.Argument(metavar="FILE", help="The source, for example genesis.toml.")
]
Either = Annotated[
    Path, typer.Argument(metavar="FILE", help="A source (.toml) or compiled genesis.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where to; beside the source when left out."),
]


@genesis_app.command("compile")
def compile_(source: Source, output: Output = None, as_json: AsJson = False) -> None:
    """Compile a genesis source; its hash is the chain's id, which every node pins.

    [dim]cornerstone genesis compile genesis.toml[/dim]
    """
    genesis = read_source(source)
    target = output or source.with_suffix(".cbor")
    try:
        target.write_bytes(genesis.encode())
    except OSError as error:
        raise Refusal("genesis-file", f"{target} cannot be written ({error.strerror})") from error
    if as_json:
        typer.echo(json.dumps({"genesis": str(target), **summary(genesis)}))
    else:
        typer.echo(f"{target}\ngenesis hash {genesis.hash.hex()}")


@genesis_app.command("show")
def show(file: Either, as_json: AsJson = False) -> None:
    """Show a genesis as its source, with every DID and amount in words; --json gives a summary.

    [dim]cornerstone genesis show genesis.cbor[/dim]
    """
    genesis = read_source(file) if file.suffix == ".toml" else read_compiled(file)
    if as_json:
        typer.echo(json.dumps(summary(genesis)))
    else:
        typer.echo(f"# genesis hash {genesis.hash.hex()}\n{to_toml(genesis)}", nl=False)


def read_source(path: Path) -> Genesis:
    """Compile a source file. Raises Refusal, naming file, line and remedy."""
    try:
        return compile_toml(read_bytes(path, GENESIS_LIMITS.size).decode())
    except UnicodeDecodeError as error:
        raise Refusal("genesis-file", f"{path}: not UTF-8 text (byte {error.start})") from error


def read_compiled(path: Path) -> Genesis:
    """Read a compiled genesis. Raises Refusal."""
    return read_as(Genesis.decode, path, GENESIS_LIMITS.size)


def read_as(decode: Callable[[bytes], T], path: Path, size_max: int) -> T:
    """What a file of at most `size_max` bytes says. Raises Refusal, naming the file."""
    raw = read_bytes(path, size_max)
    try:
        return decode(raw)
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{path}: {refusal.reason}") from None


def read_bytes(path: Path, size_max: int) -> bytes:
    """The file's bytes, at most `size_max`. Raises Refusal, naming the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(size_max + 1)
    except OSError as error:
        raise Refusal("file", f"{path} cannot be read ({error.strerror})") from error
    if len(raw) > size_max:
        raise Refusal("file-size", f"{path} has more than {size_max} bytes: it is another file")
    return raw


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises OSError that names it."""
    with naming(path):
        path.write_bytes(content)


def summary(genesis: Genesis) -> dict[str, object]:
    """A genesis in figures and names."""
    return {
        "genesis_hash": genesis.hash.hex(),
        "network": genesis.network,
        "consensus": genesis.consensus.value,
        "test": genesis.test,
        "genesis_time_ms": genesis.genesis_time_ms,
        "slot_ms": genesis.slot_ms,
        "currencies": [
            {"code": c.code, "decimals": c.decimals, "name": c.name} for c in genesis.currencies
        ],
        "identities": [
            {"name": i.name, "did": genesis.did(i.id), "roles": list(i.roles)}
            for i in genesis.identities
        ],
    }
