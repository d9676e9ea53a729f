"""The group `recovery`: the file that helps a network which lost too many authorities for good."""

from pathlib import Path
from typing import Annotated

import typer

from chain.commands import read_as, write_bytes
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.finality.recovery import (
    REASON_BYTES_MAX,
    RECOVERY_LIMITS,
    Recovery,
    decode_recovery,
)
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.primitives.did import parse_did
from chain.primitives.errors import Refusal
from chain.recovering import told
from chain.store import RocksStore
from chain.transactions.document import Purpose
from p2p.accounts import load_account
from p2p.commands.node import CONFIG_NAME
from p2p.commands.options import AsJson, console, plain, print_json
from p2p.config import load_config
from p2p.process import load_genesis, open_ledger

app = typer.Typer(
    name="recovery",
    help="Let another set of authorities take over, when more than a third is lost for good.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The recovery.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a node, not running.")]
Keep = Annotated[
    list[str], typer.Option("--keep", metavar="DID", help="An authority that stays. Repeatable.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the logs of every node.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where to write it.")]
Signer = Annotated[
    Path, typer.Option("--with", metavar="FILE", help="Account file that holds a vote key.")
]
GenesisHash = Annotated[
    str, typer.Option("--genesis-hash", help="The chain it must be of.", show_default=False)
]


@app.command()
def make(folder: Folder, keep: Keep, reason: Reason, output: Output) -> None:
    """Write a recovery behind the head of a node that was stopped; to be signed next.

    [dim]cornerstone recovery make n1 --keep did:cs:... --reason "fire in Durban" -o r.cbor[/dim]
    """
    if len(reason.encode()) > REASON_BYTES_MAX:
        raise Refusal("recovery-reason", f"at most {REASON_BYTES_MAX} bytes")
    config = load_config(folder / CONFIG_NAME if folder.is_dir() else folder)
    genesis, db = load_genesis(config), config.data_dir / "db"
    if not db.is_dir():
        raise Refusal("no-ledger", f"{db} is missing: name the folder of a node that has the chain")
    store = RocksStore(db)
    try:
        recovery = drafted(open_ledger(genesis, store), genesis, keep, reason)
    finally:
        store.close()
    write_bytes(output, recovery.encode())
    console.print(plain(told(recovery)), soft_wrap=True)


def drafted(ledger: Ledger, genesis: Genesis, keep: list[str], reason: str) -> Recovery:
    """A recovery behind the head, to the authorities in force that stay. Raises Refusal."""
    head = ledger.head
    overtaken = ledger.finality.authorities(head.id)
    kept = [parse_did(text, genesis.network) for text in keep]
    for did in kept:
        if overtaken.index(did) is None:
            raise Refusal("recovery-keep", f"{genesis.did(did)} is no authority now")
    members = tuple(member for member in overtaken.members if member.did in kept)
    following = AuthoritySet(overtaken.id + 1, members)
    return Recovery(genesis.hash, head.id, head.height, head.slot, overtaken, following, reason)


@app.command()
def sign(file: File, signer: Signer) -> None:
    """Add a signature. The file then goes to the next authority, or to every operator.

    [dim]cornerstone recovery sign r.cbor --with authority.json[/dim]
    """
    key = load_account(signer).signing_key(Purpose.VOTE)
    recovery = read_recovery(file).signed(key)
    draft = file.with_name(f".{file.name}.new")
    write_bytes(draft, recovery.encode())
    draft.replace(file)  # in one step: a full disk must not cost the signatures of the others
    console.print(plain(told(recovery)), soft_wrap=True)


def read_recovery(file: Path) -> Recovery:
    """A recovery, signed or not. Raises Refusal."""
    return read_as(decode_recovery, file, RECOVERY_LIMITS.size)


@app.command()
def show(file: File, genesis_hash: GenesisHash = "", as_json: AsJson = False) -> None:
    """Show what a recovery does, and whether enough have signed it.

    [dim]cornerstone recovery show r.cbor[/dim]
    """
    recovery = read_recovery(file)
    try:
        recovery.check(recovery.chain)
        lacks = ""
    except Refusal as refusal:
        lacks = refusal.reason
    if genesis_hash and genesis_hash != recovery.chain.hex():
        lacks = f"it is of chain {recovery.chain.hex()}"
    if as_json:
        print_json(
            {
                "chain": recovery.chain.hex(),
                "block": recovery.block.hex(),
                "height": recovery.height,
                "set": recovery.following.id,
                "members": [member.did.hex() for member in recovery.following.members],
                "reason": recovery.reason,
                "signatures": len(recovery.signatures),
                "lacks": lacks,
            }
        )
        return
    console.print(plain(told(recovery)), soft_wrap=True)
    console.print(plain(lacks or "enough have signed it"), soft_wrap=True)
