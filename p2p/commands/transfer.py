"""`tx transfer` and `tx register`: one transaction of an account."""

from typing import Annotated

import typer

from chain.primitives.errors import Refusal
from chain.transactions.envelope import Transaction
from chain.transactions.identity import register as make_registration
from chain.transactions.payment import REFERENCE_MAX, Transfer
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
    open_session,
    print_json,
    shown,
)
from p2p.sending import Sender, await_inclusion, check_success

To = Annotated[str, typer.Option("--to", metavar="ACCOUNT|DID", help="Who receives it.")]
Amount = Annotated[
    int, typer.Option(min=1, help="Minor units: 5 of a currency with 2 decimals is 0.05.")
]
Currency = Annotated[
    str | None,
    typer.Option(help="Currency code; the genesis's first when left out.", show_default=False),
]
Reference = Annotated[
    str, typer.Option(help=f"Free text that travels along, at most {REFERENCE_MAX} bytes.")
]


def transfer(
    sender: From,
    to: To,
    amount: Amount,
    currency: Currency = None,
    reference: Reference = "",
    lane: Lane = 0,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Pay an amount in minor units (cents).

    [dim]cornerstone tx transfer --testnet demo --from alice --to bob --amount 5 --wait
    cornerstone tx transfer --from alice --to did:cornerstone:demo:z6Mk... --amount 250[/dim]
    """
    with open_session(testnet, api) as session:
        code = choose_currency(session, currency)
        body = Transfer(code, session.did(to), amount, check_reference(reference))
        account = session.account(sender)
        tx = Sender(session.client, session.genesis, account, lane).send(body)
        if not as_json:
            paid = session.whole(amount, code)
            console.print(
                f"[bold]{shown(paid)}[/] from {shown(account.name)} to {shown(to)}", soft_wrap=True
            )
        finish(session, tx, wait, timeout, as_json)


def register(
    sender: From,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Register an account's identity, so that it can send and receive.

    Accounts that the genesis names are registered already.

    [dim]cornerstone keys new acme --network open
    cornerstone tx register --api http://127.0.0.1:8080 --from acme --wait[/dim]
    """
    with open_session(testnet, api) as session:
        account = session.account(sender)
        chain = session.genesis.hash
        body = make_registration(account.document(), chain, account.signing_pairs())
        tx = Sender(session.client, session.genesis, account).send(body)
        finish(session, tx, wait, timeout, as_json)


def choose_currency(session: Session, currency: str | None) -> str:
    """The currency of that code, or the genesis's first. Raises Refusal."""
    codes = [known.code for known in session.genesis.currencies]
    if currency is None and codes:
        return codes[0]
    if currency is None or currency not in codes:
        known = ", ".join(codes) or "none"
        raise Refusal("unknown-currency", f"no currency {currency!r} here; known: {known}")
    return currency


def check_reference(text: str) -> bytes:
    """The bytes of a reference. Raises BadParameter when they are too many."""
    reference = text.encode()
    if len(reference) > REFERENCE_MAX:
        raise typer.BadParameter(f"{len(reference)} bytes, at most {REFERENCE_MAX} travel along")
    return reference


def finish(session: Session, tx: Transaction, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Print what became of a submitted transaction; wait for its block when asked to."""
    identity = tx.id.hex()
    if not wait:
        if as_json:
            print_json({"id": identity, "status": "pending"})
        else:
            console.print(f"sent {shown(identity)}", soft_wrap=True)
        return
    view = await_inclusion(session.client, identity, timeout_s)
    if as_json:
        place = {"height": view.height, "block": view.block, "index": view.index}
        print_json({"id": identity, **place, "ok": view.ok, "code": view.code})
    elif view.ok:
        console.print(
            f"{shown(identity)}\nin block {view.height}, {shown(view.block)}", soft_wrap=True
        )
    check_success(view)
