"""`tx publish`: files become datasets."""

import os
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from p2p.api.views import TransactionView
from p2p.commands.options import (
    TIMEOUT_S,
    Api,
    AsJson,
    From,
    Lane,
    Session,
    Testnet,
    Timeout,
    Wait,
    console,
    notes,
    open_session,
    print_json,
    shown,
)
from p2p.publishing import Published, Publisher, Terms, parse_parent
from p2p.sending import Sender, await_inclusion, check_success
from p2p.vault import Vault

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files to publish.")]
Sector = Annotated[str, typer.Option(help="For example shipping, payments, transport.")]
Title = Annotated[
    str, typer.Option(help="For people; the file's name when left out.", show_default=False)
]
Parents = Annotated[
    list[str] | None,
    typer.Option(
        "--parent",
        metavar="DATASET[:RELATION]",
        help="A dataset these were made from; `derived` when no relation is given. Repeatable.",
        show_default=False,
    ),
]


def publish(
    files: Files,
    sender: From,
    sector: Sector,
    title: Title = "",
    parents: Parents = None,
    lane: Lane = 0,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Publish files as datasets: salted commitments, never the content.

    Each file is encrypted to the account's own key and kept, with its salt, in the vault; the chain
    gets the commitment, the hash of the encrypted file, media type, size and sector. Publishing a
    file again makes a new dataset.

    [dim]cornerstone tx publish --testnet demo --from alice --sector shipping bill.json --wait
    cornerstone tx publish --from alice --sector transport gtfs/*.txt --wait --json[/dim]
    """
    terms = Terms(sector, title, tuple(parse_parent(text) for text in parents or []))
    with open_session(testnet, api) as session:
        account = session.account(sender)
        vault = Vault(session.profile.vault_path(account.name))
        publisher = Publisher(
            Sender(session.client, session.genesis, account, lane), vault, os.urandom
        )
        published = publisher.publish(files, terms)
        views = follow(session, published, timeout) if wait else []
    for one, view in zip(published, views, strict=False):
        if view.ok is False:
            vault.discard(one.record)
    show(published, views, as_json)
    for view in views:
        check_success(view)


def follow(session: Session, published: list[Published], timeout_s: float) -> list[TransactionView]:
    """Wait for each in turn: when the last is in a block, all are, for they are in sequence."""
    return [
        await_inclusion(session.client, one.transaction.id.hex(), timeout_s)
        for one in track(published, "publishing", console=notes, transient=True)
    ]


def show(published: list[Published], views: list[TransactionView], as_json: bool) -> None:
    """What became of each file, in the order given."""
    lines = [line(one, view) for one, view in zip_longest(published, views)]
    if as_json:
        print_json(lines)
        return
    for item in lines:
        place = "sent" if item["height"] is None else f"block {item['height']}"
        console.print(f"[bold]{shown(item['file'])}[/] {item['dataset']} {place}", soft_wrap=True)


def line(one: Published, view: TransactionView | None) -> dict[str, str | int | bool | None]:
    """One file's result."""
    identity, record = one.transaction.id.hex(), one.record
    return {
        "file": str(one.file),
        "id": identity,
        "dataset": record.dataset,
        "height": None if view is None else view.height,
        "block": None if view is None else view.block,
        "ok": None if view is None else view.ok,
        "commitment": record.commitment,
        "ciphertext_hash": record.ciphertext_hash,
        "media_type": record.media_type,
        "size": record.size,
    }
