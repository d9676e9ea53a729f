"""The group `keys`: make, list and show account files, each with all keys of an organisation."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from chain.genesis import NAME, NAME_MAX
from chain.primitives.did import check_network_name
from chain.primitives.errors import Refusal
from chain.primitives.keys import KeyPair
from chain.transactions.document import Purpose, commit_next_keys
from p2p.accounts import Account, HeldKey, document_of, load_account, save_account, write_secret
from p2p.commands.options import AsJson, Testnet, console, print_json, shown
from p2p.profile import Profile, home, own_profile, profile_of_testnet

PURPOSES = (Purpose.ADMIN, Purpose.TX, Purpose.AGREE, Purpose.ASSERT)
AUTHOR_PURPOSES = (*PURPOSES, Purpose.SEAL, Purpose.VOTE)

app = typer.Typer(
    name="keys",
    help="The keys of organisations: make, list, show.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]
Network = Annotated[str, typer.Option(help="The network's name, as in its genesis.")]
Author = Annotated[bool, typer.Option("--author", help="With keys to make blocks and vote.")]


@app.command()
def new(
    name: Name, network: Network = "local", author: Author = False, as_json: AsJson = False
) -> None:
    """Make an organisation's keys, and the section that names it in a genesis.

    The account file has its secrets, readable by you alone. The next admin key, which can replace
    the present one, goes into a file of its own: keep it elsewhere. To join a running network use
    `cornerstone tx register`; to found one, paste the section into genesis.toml.

    [dim]cornerstone keys new acme --network open --author[/dim]
    """
    if not NAME.fullmatch(name):
        raise typer.BadParameter(f"{name!r}: use 1 to {NAME_MAX} of a-z, 0-9, '.', '_' and '-'")
    check_network_name(network)
    folder = own_profile(home(os.environ), ()).accounts
    path, spare = folder / f"{name}.json", folder / "next-admin" / name
    if path.exists():
        raise Refusal("account-exists", f"{path} is there already; choose another name")
    successor = KeyPair.from_seed(os.urandom(32))
    purposes = AUTHOR_PURPOSES if author else PURPOSES
    held = tuple(HeldKey(purpose.value, purpose, os.urandom(32)) for purpose in purposes)
    document = document_of(held, commit_next_keys([successor.public], 1))
    account = Account(name, network, document.id, held, document.next)
    spare.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(spare, successor.seed)
    save_account(path, account)
    section = genesis_section(account)
    if as_json:
        print_json({**described(account, path), "next_admin": str(spare), "genesis": section})
        return
    show_account(account, path)
    console.print(f"next admin key in {shown(spare)}\n\nfor a genesis:\n", soft_wrap=True)
    typer.echo(section)


@app.command("list")
def list_(testnet: Testnet = None, as_json: AsJson = False) -> None:
    """List the accounts whose keys are on this machine, or those of a testnet.

    [dim]cornerstone keys list --testnet demo[/dim]
    """
    folder = key_folder(testnet)
    found = [load_account(folder.accounts / f"{name}.json") for name in folder.account_names()]
    if as_json:
        print_json([described(a, folder.accounts / f"{a.name}.json") for a in found])
        return
    if not found:
        console.print(
            f"no accounts in {shown(folder.accounts)}; `cornerstone keys new NAME` makes one"
        )
    for account in found:
        console.print(f"[bold]{shown(account.name)}[/] {shown(account.did_text)}", soft_wrap=True)


@app.command()
def show(name: Name, testnet: Testnet = None, as_json: AsJson = False) -> None:
    """Show an account's DID and public keys; never its secrets.

    [dim]cornerstone keys show alice --testnet demo[/dim]
    """
    folder = key_folder(testnet)
    account = folder.account(name)
    path = folder.accounts / f"{name}.json"
    if as_json:
        print_json({**described(account, path), "genesis": genesis_section(account)})
    else:
        show_account(account, path)


def key_folder(testnet: str | None) -> Profile:
    """Where the accounts are: of a testnet, or our own."""
    root = home(os.environ)
    return own_profile(root, ()) if testnet is None else profile_of_testnet(root, testnet)


def described(account: Account, path: Path) -> dict[str, object]:
    """An account for scripts, without its secrets."""
    keys = [
        {"id": key.id, "purpose": key.purpose.value, "public": key.public.hex()}
        for key in account.keys
    ]
    return {
        "name": account.name,
        "network": account.network,
        "did": account.did_text,
        "file": str(path),
        "keys": keys,
    }


def show_account(account: Account, path: Path) -> None:
    """An account for people."""
    console.print(f"[bold]{shown(account.name)}[/] {shown(account.did_text)}", soft_wrap=True)
    for key in account.keys:
        console.print(f"  [dim]{key.purpose.value.ljust(6)}[/] {key.public.hex()}", soft_wrap=True)
    console.print(f"secrets in {shown(path)}", soft_wrap=True)


def genesis_section(account: Account) -> str:
    """The [[identity]] section of a genesis source."""
    makes_blocks = any(key.purpose is Purpose.SEAL for key in account.keys)
    roles = ["member", "authority"] if makes_blocks else ["member"]
    keys = [
        f"  {{ id = {json.dumps(key.id)}, purpose = {json.dumps(key.purpose.value)}, "
        f"public = {json.dumps(key.public.hex())} }},"
        for key in account.keys
    ]
    lines = [
        "[[identity]]",
        f"# {account.did_text}",
        f"name = {json.dumps(account.name)}",
        f"roles = {json.dumps(roles)}",
        f"next = {json.dumps(account.next.hex())}",
        "keys = [",
        *keys,
        "]",
    ]
    return "\n".join(lines)
