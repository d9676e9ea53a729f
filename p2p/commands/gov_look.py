"""`gov list`, `gov show`, `gov authorities`, `gov parameters`: how the network is governed."""

from typing import Annotated

import typer
from rich.table import Table

from p2p.api.governance_views import ActionView, ProposalView, SetView
from p2p.commands.options import (
    Api,
    AsJson,
    Session,
    Testnet,
    console,
    open_session,
    plain,
    print_json,
    shown,
)

ProposalId = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Id of the proposal.")]


def show_open(testnet: Testnet = None, api: Api = None, as_json: AsJson = False) -> None:
    """List what may be voted on.

    [dim]cornerstone gov list --testnet demo[/dim]
    """
    with open_session(testnet, api) as session:
        found = session.client.proposals()
        if as_json:
            print_json(list(found))
            return
        if not found:
            console.print("nothing is open")
        for view in found:
            for line in (
                view.id,
                f"  {describe(session, view.action)}",
                f"  by {session.name(view.proposer)}, until slot {view.until}: {tally(view)}",
            ):
                console.print(plain(line), soft_wrap=True)


def show(
    proposal: ProposalId, testnet: Testnet = None, api: Api = None, as_json: AsJson = False
) -> None:
    """Show a proposal, what became of it, and every vote.

    [dim]cornerstone gov show 5f3a... --testnet demo[/dim]
    """
    with open_session(testnet, api) as session:
        view = session.client.proposal(proposal)
        if as_json:
            print_json(view)
            return
        console.print(
            f"[bold]{shown(describe(session, view.action))}[/]\n{shown(view.status)}, by "
            f"{shown(session.name(view.proposer))} in slot {view.slot}, until slot {view.until}\n"
            f"{tally(view)}\nreasons {shown(view.rationale)}",
            soft_wrap=True,
        )
        table = Table("organisation", "vote", "slot", "")
        for ballot in view.ballots:
            said = "" if ballot.yes is None else "yes" if ballot.yes else "no"
            slot = "" if ballot.slot is None else str(ballot.slot)
            name = plain(session.name(ballot.organisation))
            table.add_row(name, said, slot, "" if ballot.counts else "no voice")
        console.print(table)


def authorities(testnet: Testnet = None, api: Api = None, as_json: AsJson = False) -> None:
    """Show who has a seat, and the set that takes over next.

    [dim]cornerstone gov authorities --testnet demo[/dim]
    """
    with open_session(testnet, api) as session:
        view = session.client.authorities()
        if as_json:
            print_json(view)
            return
        print_set(session, "in force", view.current)
        if view.decided is not None:
            print_set(session, "decided, not in force yet", view.decided)


def parameters(testnet: Testnet = None, api: Api = None, as_json: AsJson = False) -> None:
    """Show the numbers that votes may change.

    [dim]cornerstone gov parameters --testnet demo[/dim]
    """
    with open_session(testnet, api) as session:
        found = session.client.parameters()
        if as_json:
            print_json(list(found))
            return
        table = Table("parameter", "value", "range")
        for view in found:
            table.add_row(plain(view.name), str(view.value), f"{view.low} to {view.high}")
        console.print(table)


def describe(session: Session, action: ActionView) -> str:
    """What is proposed, in one line."""
    if action.parameter is not None:
        return f"{action.name} {action.parameter} = {action.value}"
    if action.identity is not None:
        role = f" {action.role} {'granted' if action.granted else 'revoked'}" if action.role else ""
        return f"{action.name} {session.name(action.identity)}{role}"
    gone, come = (
        " ".join(sign + session.name(did) for did in dids)
        for sign, dids in (("-", action.removed), ("+", action.added))
    )
    return " ".join(part for part in (action.name, gone, come) if part)


def tally(view: ProposalView) -> str:
    """The count, in one line."""
    return f"{view.yes} yes, {view.no} no of {len(view.ballots)}; {view.needed} yes decide"


def print_set(session: Session, title: str, view: SetView) -> None:
    """A set and its seats."""
    console.print(f"[bold]set {view.id}[/] {title}, {shown(view.hash)}", soft_wrap=True)
    table = Table("seat", "organisation", "")
    for seat in view.seats:
        table.add_row(
            plain(session.name(seat.did)),
            plain(session.name(seat.organisation)),
            "" if seat.voice else "no voice",
        )
    console.print(table)
