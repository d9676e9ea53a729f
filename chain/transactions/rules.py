"""The rules of inclusion: what makes a transaction un-includable, and what applying it does.

A transaction is un-includable (Invalid) when a block that contains it is wrong: its sequence number
is not the next, it has expired or expires too far ahead, its key does not count for its sender, its
sender's organisation was suspended or removed.
Everything else that can go wrong is the sender's own loss: the transaction is included as failed,
uses its sequence number and changes nothing else. *Why the line is there:* whatever an author can
tell from the envelope and the sender's record it must not include, so a stranger can never spend
another's sequence numbers; whatever needs the body may change between admission and inclusion.
Spec: docs/spec/ledger.md, section 2.
"""

from dataclasses import dataclass

from chain.primitives import cbor, shape
from chain.primitives.errors import Invalid
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed
from chain.transactions.document import Purpose
from chain.transactions.envelope import SEQUENCE_MAX, Transaction
from chain.transactions.identity import Register, Standing, live_key, record_of, standing_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an included transaction. `code` is empty exactly when it succeeded."""

    ok: bool
    code: str
    events: tuple[Event, ...]
    reason: str = ""  # for people; never part of a receipt


def next_sequence(state: State, sender: bytes, lane: int) -> int:
    """The sequence number the next transaction of (sender, lane) must have."""
    data = state.get(paths.sequence(sender, lane))
    return 0 if data is None else shape.uint(cbor.decode(data), SEQUENCE_MAX, "sequence")


def check_transaction(state: State, tx: Transaction, context: Context) -> None:
    """Raise Invalid when no block in this state and slot may contain `tx`.

    The envelope's signature is the caller's to check (see `Transaction.check`): it needs no state,
    so it is verified in batches elsewhere.
    """
    check_expiry(tx, context)
    expected = next_sequence(state, tx.sender, tx.lane)
    if tx.sequence != expected:
        raise Invalid(
            "wrong-sequence",
            f"{tx.sender.hex()} lane {tx.lane}: expected sequence {expected}, got {tx.sequence}",
        )
    check_sender(state, tx, context)


def check_expiry(tx: Transaction, context: Context) -> None:
    """Raise Invalid unless the slot is within the transaction's life and that is not too long."""
    if tx.expiry < context.slot:
        raise Invalid(
            "expired", f"good until slot {tx.expiry}, now is {context.slot}; sign it again"
        )
    if tx.expiry - context.slot > context.expiry_slots_max:
        raise Invalid(
            "expiry-too-far",
            f"good until slot {tx.expiry}, now is {context.slot}; "
            f"at most {context.expiry_slots_max} slots ahead are allowed",
        )


def check_sender(state: State, tx: Transaction, context: Context) -> None:
    """Raise Invalid unless the sender is registered (or registers itself), its key counts, and its
    organisation is in good standing."""
    record = record_of(state, tx.sender)
    if record is not None:
        if not live_key(record, tx.key, Purpose.TX, context.slot):
            raise Invalid(
                "key-not-live",
                f"{tx.key.hex()} is no tx key of {tx.sender.hex()} in slot {context.slot}",
            )
        standing = standing_of(state, tx.sender)
        if standing is not Standing.ACTIVE:
            raise Invalid(
                "sender-standing",
                f"the organisation of {tx.sender.hex()} is {standing.name.lower()}: nothing of it "
                "is included until it is admitted again",
            )
        return
    match tx.body:
        case Register() as registration:
            registration.check_self(tx.sender, tx.key, context)
            registration.check_consent(state, tx.sender, context)
        case _:
            raise Invalid(
                "unknown-sender", f"{tx.sender.hex()} is not registered; did.register comes first"
            )


def apply_transaction(state: State, tx: Transaction, context: Context) -> Outcome:
    """Apply a transaction that passed `check_transaction`: sequence number first, then its body."""
    state.put(paths.sequence(tx.sender, tx.lane), cbor.encode(tx.sequence + 1))
    mark = state.mark()
    try:
        events = tx.body.apply(state, tx.sender, tx.id, context)
    except Failed as failure:
        state.revert(mark)
        return Outcome(False, failure.code, (), failure.reason)
    return Outcome(True, "", tuple(events))
