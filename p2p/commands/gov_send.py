"""`gov propose`, `gov vote`, `gov evidence`: what an account sends to govern."""

from pathlib import Path
from typing import Annotated

import typer

from chain.commands import read_as
from chain.consensus.finality.evidence import EVIDENCE_BYTES_MAX, decode_evidence
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash, sha256
from chain.transactions.governance_actions import arguments_hash
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import VOTING_SLOTS_MAX, Propose
from chain.transactions.governance_vote import CastVote
from p2p.commands.gov_look import describe
from p2p.commands.gov_words import action_of, parse_action
from p2p.commands.options import (
    TIMEOUT_S,
    Api,
    AsJson,
    From,
    Testnet,
    Timeout,
    Wait,
    console,
    open_session,
    plain,
)
from p2p.commands.transfer import finish
from p2p.sending import Sender

SLOTS = 3_600
"""An hour of one-second slots."""
SAID = {"yes": True, "no": False}

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="ACTION ARGUMENT...",
        help="auth.add, auth.remove, auth.replace, org.admit, org.suspend, org.remove, org.role, "
        "param; each with whom or what it concerns.",
    ),
]
Slots = Annotated[
    int, typer.Option(min=1, max=VOTING_SLOTS_MAX, help="For how many slots votes count.")
]
Reasons = Annotated[
    Path | None,
    typer.Option(
        "--reasons",
        metavar="FILE",
        help="A file with the reasons, of which the chain gets the hash.",
        show_default=False,
    ),
]
ProposalId = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Id of the proposal.")]
Said = Annotated[str, typer.Argument(metavar="yes|no", help="The vote.")]
EvidenceFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="The evidence (CBOR): what the event `evidence-found` has in hex."
    ),
]


def propose(
    words: Words,
    sender: From,
    slots: Slots = SLOTS,
    reasons: Reasons = None,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Put something to the authorities. Proposing is not voting: vote on it as well.

    [dim]cornerstone gov propose auth.replace n1,n2 customs,did:cornerstone:demo:z6Mk... --from n3
    cornerstone gov propose param block_bytes_max 8388608 --from n1 --wait
    cornerstone gov propose org.role bank issuer:CNY grant --from n1 --reasons minutes.pdf[/dim]
    """
    rationale = sha256(b"" if reasons is None else reasons.read_bytes())
    with open_session(testnet, api) as session:
        action = parse_action(words, session.did)
        until = session.client.status().slot + slots
        account = session.account(sender)
        body = Propose(action, until, rationale)
        tx = Sender(session.client, session.genesis, account).send(body)
        finish(session, tx, wait, timeout, as_json)


def vote(
    proposal: ProposalId,
    said: Said,
    sender: From,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Vote for an organisation on a proposal; it cannot be taken back.

    The vote names the hash of what is shown here, so it cannot count for anything else.

    [dim]cornerstone gov vote 5f3a... yes --testnet demo --from n2 --wait[/dim]
    """
    if said not in SAID:
        raise typer.BadParameter(f"{said!r}: say yes or no")
    with open_session(testnet, api) as session:
        view = session.client.proposal(proposal)
        action = action_of(view.action, session.genesis)
        if arguments_hash(action).hex() != view.action.hash:
            raise Refusal(
                "wrong-arguments",
                f"{session.client.url} shows {describe(session, view.action)}, but its hash is "
                f"{view.action.hash}: ask another node",
            )
        if not as_json:
            console.print(plain(f"{said}: {describe(session, view.action)}"), soft_wrap=True)
        account = session.account(sender)
        body = CastVote(Hash(bytes.fromhex(view.id)), arguments_hash(action), SAID[said])
        tx = Sender(session.client, session.genesis, account).send(body)
        finish(session, tx, wait, timeout, as_json)


def evidence(
    file: EvidenceFile,
    sender: From,
    wait: Wait = False,
    timeout: Timeout = TIMEOUT_S,
    testnet: Testnet = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Report that an authority signed two things that exclude each other. Anyone may.

    [dim]cornerstone gov evidence double-block.cbor --testnet demo --from alice --wait[/dim]
    """
    found = read_as(decode_evidence, file, EVIDENCE_BYTES_MAX)
    with open_session(testnet, api) as session:
        found.check(session.genesis.hash)
        account = session.account(sender)
        tx = Sender(session.client, session.genesis, account).send(SubmitEvidence(found))
        finish(session, tx, wait, timeout, as_json)
