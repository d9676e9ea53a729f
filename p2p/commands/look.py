"""`tx show`, `tx wait`, `account`, `block`, `chain`: what is on the chain."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from p2p.api.finality_views import FinalityView
from p2p.api.governance_views import ActionView
from p2p.api.limits import BLOCKS_PAGE_MAX, HISTORY_PAGE_MAX
from p2p.api.views import (
    AccountHistoryView,
    AccountView,
    BlockView,
    StatusView,
    SyncView,
    TransactionView,
)
from p2p.commands.gov_look import describe
from p2p.commands.options import (
    TIMEOUT_S,
    Api,
    AsJson,
    Session,
    Testnet,
    Timeout,
    console,
    open_session,
    plain,
    print_json,
)
from p2p.sending import await_inclusion, check_success
from p2p.wire.fields import quoted

TransactionId = Annotated[str, typer.Argument(metavar="ID", help="Transaction id.")]
AccountRef = Annotated[str, typer.Argument(metavar="NAME|DID", help="An account.")]
BlockRef = Annotated[str, typer.Argument(metavar="HEIGHT|ID", help="Height on the chain, or id.")]
Limit = Annotated[int, typer.Option(min=1, max=BLOCKS_PAGE_MAX, help="How many blocks.")]
History = Annotated[
    int,
    typer.Option(
        "--transactions", min=0, max=HISTORY_PAGE_MAX, help="Show that many of its transactions."
    ),
]
Votes = Annotated[bool, typer.Option("--votes", help="Who has voted in the last slots.")]
ID_SHOWN = 16
TRANSACTIONS_SHOWN = 50


def show(
    txid: TransactionId, testnet: Testnet = None, api: Api = None, as_json: AsJson = False
) -> None:
    """Show a transaction: what it says, and where it stands.

    [dim]cornerstone tx show 5f3a... --testnet demo[/dim]
    """
    with open_session(testnet, api) as session:
        print_transaction(session, session.client.transaction(txid), as_json)


def wait(
    txid: TransactionId,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Wait until a transaction is in a block; exit 1 when it failed, 3 when it is not there.

    [dim]cornerstone tx wait 5f3a... --testnet demo --timeout 30[/dim]
    """
    with open_session(testnet, api) as session:
        view = await_inclusion(session.client, txid, timeout)
        print_transaction(session, view, as_json)
        check_success(view)


def account(
    reference: AccountRef,
    transactions: History = 0,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show an account: balances, sequence numbers, keys.

    [dim]cornerstone account --testnet demo bob --transactions 10[/dim]
    """
    with open_session(testnet, api) as session:
        did = session.genesis.did(session.did(reference))
        view = session.client.account(did)
        history = AccountHistoryView((), None)
        if transactions:
            history = session.client.account_transactions(did, transactions)
    if not as_json:
        print_account(session, view, history)
    elif transactions:
        print_json({"account": view, "transactions": history.transactions})
    else:
        print_json(view)


def block(
    reference: BlockRef, testnet: Testnet = None, api: Api = None, as_json: AsJson = False
) -> None:
    """Show a block.

    [dim]cornerstone block --testnet demo 42[/dim]
    """
    with open_session(testnet, api) as session:
        view = session.client.block(reference)
    if as_json:
        print_json(view)
    else:
        print_block(session, view)


def chain(
    limit: Limit = 20,
    votes: Votes = False,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show where the chain stands, what of it is final, and its newest blocks.

    [dim]cornerstone chain --testnet demo --votes[/dim]
    """
    with open_session(testnet, api) as session:
        status = session.client.status()
        finality = session.client.finality()
        blocks = session.client.blocks(limit)
    if as_json:
        print_json({"status": status, "finality": finality, "blocks": blocks})
        return
    standing = (
        f" height {status.height}, slot {status.slot}, "
        f"{status.mempool_transactions} waiting, by node {status.name} {company(status)}"
    )
    console.print(plain(status.network).append_text(plain(standing)))
    console.print(
        f"final to height {status.finalized_height} ({status.finalized[:ID_SHOWN]}), "
        f"justified to {status.justified_height}"
    )
    if status.finality_late:
        console.print("[yellow]finality is late[/]:", plain(status.finality_late))
    if votes:
        print_votes(session, finality)
    if status.sync is not None:
        console.print(sync_text(status.height, status.sync))
    table = plain_table("height", "time", "block", "author", "transactions")
    for item in blocks:
        moment = time_text(item.time_ms)
        author = session.name(item.author)
        count = str(item.transaction_count)
        table.add_row(str(item.height), moment, plain(item.id[:ID_SHOWN]), plain(author), count)
    console.print(table)


def company(status: StatusView) -> str:
    """How many peers a node has."""
    peers = status.peers_inbound + status.peers_outbound
    return "without peers" if not peers else "with 1 peer" if peers == 1 else f"with {peers} peers"


def print_votes(session: Session, finality: FinalityView) -> None:
    """Who has voted in the last slots."""
    table = plain_table("authority", "heard in slot", f"votes of the last slots to {finality.slot}")
    for one in finality.authorities:
        marks = "".join("x" if voted else "." for voted in one.recent)
        name = plain(one.name or session.name(one.did))
        table.add_row(name, str(one.heard or "never"), marks)
    console.print(table)


def print_transaction(session: Session, view: TransactionView, as_json: bool) -> None:
    """A transaction, for scripts or for people."""
    if as_json:
        print_json(view)
        return
    body = view.body
    details = {name: getattr(body, name) for name in body.__dataclass_fields__}
    if "amount" in details and "currency" in details:
        details["amount"] = session.whole(int(details["amount"]), str(details["currency"]))
    where = plain(view.status)
    if view.status == "included":
        where = plain(f"block {view.height}, {time_text(view.time_ms or 0)}, ")
        where.append_text(result_text(bool(view.ok), view.code or ""))
    print_pairs(
        {
            "id": view.id,
            "status": where,
            "kind": view.kind,
            "sender": f"{session.name(view.sender)} {view.sender}",
            "sequence": f"{view.sequence} in lane {view.lane}",
            "valid to slot": str(view.expiry),
            **{name.replace("_", " "): shown(session, value) for name, value in details.items()},
        }
    )


def shown(session: Session, value: object) -> str:
    """A value of a body; DIDs with the name they have in the genesis."""
    if isinstance(value, ActionView):
        return describe(session, value)
    text = str(value) if value != () and value is not None else "none"
    return f"{session.name(text)} {text}" if text.startswith("did:") else text


def result_text(ok: bool, code: str) -> Text:
    """What came of a transaction."""
    return Text("ok", "green") if ok else Text(quoted(f"failed: {code}"), "red")


def print_account(session: Session, view: AccountView, history: AccountHistoryView) -> None:
    """An account for people."""
    pairs: dict[str, str | Text] = {"account": view.name or "", "did": view.did}
    if not view.registered:
        no = "[yellow]no[/]: it can neither send nor receive yet"
        pairs["registered"] = Text.from_markup(no)
    pairs["roles"] = ", ".join(view.roles) or "none"
    pairs["standing"] = view.standing
    for held in view.balances:
        pairs[held.code] = f"{session.whole(held.amount, held.code)} ({held.amount} minor units)"
    for lane in view.sequences:
        waiting = f", {lane.next_free - lane.next} waiting" if lane.next_free > lane.next else ""
        pairs[f"lane {lane.lane}"] = f"next sequence {lane.next}{waiting}"
    for key in view.keys:
        pairs[f"{key.purpose} key"] = f"{key.public} ({key.id})"
    print_pairs(pairs)
    if history.transactions:
        table = plain_table("height", "index", "transaction")
        for entry in history.transactions:
            table.add_row(str(entry.height), str(entry.index), plain(entry.id))
        console.print(table)


def print_block(session: Session, view: BlockView) -> None:
    """A block for people."""
    aside = "" if view.canonical else " [yellow]on a side branch[/]"
    print_pairs(
        {
            "block": view.id,
            "height": Text.from_markup(f"{view.height}{aside}"),
            "time": f"{time_text(view.time_ms)} (slot {view.slot})",
            "author": f"{session.name(view.author)} {view.author}",
            "parent": view.parent,
            "state root": view.state_root,
            "transactions": f"{view.transaction_count}, {view.size} bytes",
        }
    )
    for entry in view.transactions[:TRANSACTIONS_SHOWN]:
        line = plain(f"  {entry.id}")
        if entry.ok is False:
            line.append(" ").append_text(result_text(False, entry.code))
        console.print(line, soft_wrap=True)
    if view.transaction_count > TRANSACTIONS_SHOWN:
        console.print(f"  and {view.transaction_count - TRANSACTIONS_SHOWN} more (--json has all)")


def print_pairs(pairs: Mapping[str, str | Text]) -> None:
    """Names and values in two columns; long values are not cut, so that they can be copied."""
    for line in columns(pairs):
        console.print(line, soft_wrap=True)


def columns(pairs: Mapping[str, str | Text]) -> Iterator[Text]:
    """Names and values in two columns; a value that is mere text may be a stranger's."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        shown_value = plain(value) if isinstance(value, str) else value
        yield Text.assemble((quoted(name.ljust(width)), "dim"), "  ", shown_value)


def sync_text(height: int, sync: SyncView) -> str:
    """How far a node is that catches up, in one line."""
    left = "standing still" if sync.eta_s is None else f"{sync.eta_s:,.0f} s to go"
    return (
        f"[yellow]syncing[/] block {height:,} of {sync.target:,}: {sync.blocks_per_s:,.0f} "
        f"blocks/s, {sync.transactions_per_s:,.0f} transactions/s, {left}"
    )


def plain_table(*titles: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def time_text(unix_ms: int) -> str:
    """A moment in UTC."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
