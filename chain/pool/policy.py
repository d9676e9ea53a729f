"""Which valid-looking transactions a node keeps and relays: taste, apart from law.

A transaction that is turned away here is Declined: another node, or this one a block later, may
take it, so nobody is blamed for sending it. Only what no state could ever make right is Invalid.
"""

from chain.primitives.errors import Declined, Invalid
from chain.state.journal import State
from chain.transactions.body import Context, Failed
from chain.transactions.envelope import Transaction
from chain.transactions.governance_evidence import Prospect, SubmitEvidence, prospect
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_seats import speaks_for
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import Register, record_of
from chain.transactions.payment import Transfer, balance
from chain.transactions.rules import check_expiry, check_sender


def check_relay(state: State, tx: Transaction, context: Context) -> None:
    """Raise Declined unless the node should keep `tx`, Invalid when no node ever could.

    `state` is that of the head, `context` the slot now. Judged are the window of expiry, the
    sender and its key, that the sender's balance covers what the transaction moves, that who
    proposes or votes has a voice, and that something follows from evidence; the sequence number is
    the mempool's to judge.
    """
    if isinstance(tx.body, Register) and record_of(state, tx.sender) is None:
        tx.body.check_self(tx.sender, tx.key, context)
    try:
        check_expiry(tx, context)
        check_sender(state, tx, context)
    except Invalid as refusal:
        raise Declined(refusal.code, refusal.reason) from None
    match tx.body:
        case Transfer():
            _check_covered(state, tx.sender, tx.body)
        case Propose() | CastVote() if speaks_for(state, tx.sender) is None:
            raise Declined("no-voice", f"{tx.sender.hex()} has no seat with a voice")
        case SubmitEvidence():
            _check_evidence(state, tx.body, context)


def _check_covered(state: State, sender: bytes, transfer: Transfer) -> None:
    held = balance(state, transfer.code, sender)
    if held < transfer.amount:
        raise Declined(
            "insufficient-balance",
            f"{sender.hex()} holds {held} minor units of {transfer.code}, "
            f"{transfer.amount} are needed",
        )


def _check_evidence(state: State, body: SubmitEvidence, context: Context) -> None:
    """What nothing follows from is cheap to find out; only the rest has its signatures checked.

    Declined even where no state could make it right: an author may include what proves nothing,
    and after a reorganisation those who had its block pass it on.
    """
    offender = body.evidence.offender.hex()
    if prospect(state, body.evidence) is not Prospect.NOW:
        raise Declined(
            "evidence-idle",
            f"nothing follows from it now: {offender} has no seat that dates from before it, or "
            "the offence is recorded",
        )
    try:
        body.check(state, context)
    except Failed as failure:
        raise Declined(failure.code, failure.reason) from None
