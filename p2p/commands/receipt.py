"""The group `receipt`: files that prove what is final, to whoever has the genesis and no node."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from chain.commands import read_bytes, read_compiled, read_source, write_bytes
from chain.genesis import Genesis
from chain.primitives.errors import Refusal
from chain.receipts.cose import export as cose_export
from chain.receipts.finality import RECEIPT_LIMITS, Basis
from chain.receipts.reading import decode_receipt_file
from chain.receipts.transaction import TransactionReceipt, verify_transaction_receipt
from chain.state.paths import parse_path
from chain.transactions.document import Purpose
from p2p.accounts import load_account
from p2p.commands.options import (
    TIMEOUT_S,
    Api,
    AsJson,
    Checkpoint,
    Testnet,
    Timeout,
    console,
    open_session,
    plain,
    print_json,
    read_checkpoint,
    shown,
)
from p2p.commands.receipt_words import content_lines, content_value, proven_lines, proven_value
from p2p.proving import Proven, verify_receipt
from p2p.sending import await_final, await_inclusion

app = typer.Typer(
    name="receipt",
    help="Files that prove what is final: make them with a node, verify them without one.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

TransactionId = Annotated[str, typer.Argument(metavar="TX", help="Transaction id.")]
StatePath = Annotated[str, typer.Argument(metavar="PATH", help="For example bal/CNY/DID or ds/ID.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A receipt.")]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to.")]
GenesisFile = Annotated[
    Path, typer.Option("--genesis", metavar="FILE", help="The network's genesis, .toml or .cbor.")
]
Asked = Annotated[
    str | None,
    typer.Option(
        "--path", metavar="PATH", help="The state path it has to be about.", show_default=False
    ),
]
WaitFinal = Annotated[bool, typer.Option("--wait", help="Wait until it is final.")]
Signer = Annotated[
    Path, typer.Option("--from", metavar="ACCOUNT.json", help="Whose `assert` key signs.")
]


@app.command()
def make(
    txid: TransactionId,
    output: Output,
    checkpoint: Checkpoint = None,
    wait: WaitFinal = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the receipt of a transaction, verify it, and write it to a file.

    [dim]cornerstone receipt make --testnet demo TX -o payment.receipt --wait[/dim]
    """
    with open_session(testnet, api) as session:
        if wait:
            await_inclusion(session.client, txid, timeout)
        basis = Basis(session.genesis, read_checkpoint(checkpoint))
        raw = fetched(lambda: session.client.receipt(txid), timeout, wait)
        keep(raw, basis, output, as_json)


@app.command()
def state(
    path: StatePath,
    output: Output,
    checkpoint: Checkpoint = None,
    wait: WaitFinal = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the receipt of a state value, or of its absence, at the newest final block.

    [dim]cornerstone receipt state --testnet demo ds/ID -o dataset.receipt[/dim]
    """
    with open_session(testnet, api) as session:
        parse_path(path, session.genesis.network)
        basis = Basis(session.genesis, read_checkpoint(checkpoint))
        raw = fetched(lambda: session.client.state_receipt(path), timeout, wait)
        keep(raw, basis, output, as_json)


@app.command()
def verify(
    file: File,
    genesis: GenesisFile,
    checkpoint: Checkpoint = None,
    path: Asked = None,
    as_json: AsJson = False,
) -> None:
    """Verify a receipt with the genesis alone: no node, no network.

    Exit code 1 names the step that failed and the values it compared.

    [dim]cornerstone receipt verify payment.receipt --genesis genesis.cbor[/dim]
    """
    founded = read_genesis(genesis)
    raw = read_bytes(file, RECEIPT_LIMITS.size)
    asked = None if path is None else parse_path(path, founded.network)
    proven = verify_receipt(raw, Basis(founded, read_checkpoint(checkpoint)), asked)
    told(file, raw, founded, proven, as_json)


@app.command()
def show(file: File, as_json: AsJson = False) -> None:
    """Show what a receipt says, without verifying it.

    [dim]cornerstone receipt show payment.receipt[/dim]
    """
    raw = read_bytes(file, RECEIPT_LIMITS.size)
    receipt = decode_receipt_file(raw)
    if as_json:
        print_json({"verified": False, "bytes": len(raw), **content_value(receipt)})
        return
    head = Text.assemble(("not verified ", "yellow"), plain(f"{file}, {len(raw):,} bytes"))
    console.print(head, soft_wrap=True)
    for line in content_lines(receipt):
        console.print(line, soft_wrap=True)


@app.command("export")
def export_(
    file: File,
    genesis: GenesisFile,
    signer: Signer,
    output: Output,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Export a receipt as a COSE receipt (RFC 9942), signed by an account that vouches for it.

    It says that the block's header is in the header history; the header is written beside it.

    [dim]cornerstone receipt export payment.receipt --genesis genesis.cbor --from bank.json -o
    payment.cose[/dim]
    """
    founded = read_genesis(genesis)
    receipt = decode_receipt_file(read_bytes(file, RECEIPT_LIMITS.size))
    if not isinstance(receipt, TransactionReceipt):
        raise Refusal(
            "no-history-path", f"{file} is of the state; only a transaction's has a history path"
        )
    verify_transaction_receipt(receipt, Basis(founded, read_checkpoint(checkpoint)))
    exported = cose_export(receipt, load_account(signer).signing_key(Purpose.ASSERT))
    header = output.with_name(output.name + ".header")
    write_bytes(output, exported.encode())
    write_bytes(header, receipt.header.raw)
    if as_json:
        print_json({"receipt": str(output), "header": str(header), "key": exported.kid.hex()})
    else:
        console.print(
            f"{shown(output)} for {shown(header)}, by key {exported.kid.hex()}", soft_wrap=True
        )


def fetched(fetch: Callable[[], bytes], timeout_s: float, wait: bool) -> bytes:
    """A receipt, now or once it is final."""
    return await_final(fetch, timeout_s if wait else 0.0)


def keep(raw: bytes, basis: Basis, output: Path, as_json: bool) -> None:
    """Write a receipt to a file when it verifies."""
    proven = verify_receipt(raw, basis)
    write_bytes(output, raw)
    told(output, raw, basis.genesis, proven, as_json)


def told(file: Path, raw: bytes, genesis: Genesis, proven: Proven, as_json: bool) -> None:
    """What a receipt has proved."""
    if as_json:
        value = proven_value(genesis, proven)
        print_json({"verified": True, "file": str(file), "bytes": len(raw), **value})
        return
    head = Text.assemble(("proven ", "green"), plain(f"{file}, {len(raw):,} bytes"))
    console.print(head, soft_wrap=True)
    for line in proven_lines(genesis, proven):
        console.print(line, soft_wrap=True)


def read_genesis(path: Path) -> Genesis:
    """A genesis in either form. Raises Refusal."""
    return read_source(path) if path.suffix == ".toml" else read_compiled(path)
