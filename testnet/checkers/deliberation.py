"""What the kinds of governance do to the books. Written from docs/spec/ledger.md, section 8.

Everything that can fail is looked at before anything is changed.
"""

from dataclasses import replace
from hashlib import sha256
from typing import Protocol

from chain.consensus.finality.evidence import Evidence, Offence
from chain.genesis import Genesis
from chain.primitives import cbor
from chain.primitives.cbor import Value
from chain.transactions.document import Purpose
from chain.transactions.envelope import Transaction
from chain.transactions.governance_actions import (
    Action,
    Admit,
    ChangeAuthorities,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
)
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from testnet.checkers import witness
from testnet.checkers.council import (
    GOOD,
    OPEN_MAX,
    OPEN_OF_ONE_MAX,
    REMOVED,
    SEAT,
    SEATS_MIN,
    SUSPENDED,
    VOTING_SLOTS_MAX,
    Council,
    Events,
    Failure,
    Motion,
    enough,
)


class Entries(Protocol):
    """What is needed of the books."""

    genesis: Genesis
    keys: dict[bytes, dict[bytes, tuple[Purpose, int]]]
    council: Council

    def write(self, key: bytes, value: Value) -> None: ...

    def erase(self, key: bytes) -> None: ...

    def enter(self, did: bytes) -> None: ...

    def set_parameter(self, name: str, value: int) -> None: ...


def propose(books: Entries, tx: Transaction, body: Propose, slot: int) -> Events:
    """`gov.propose`."""
    council = books.council
    organisation = council.speaks(tx.sender)
    if organisation is None:
        raise Failure("no-voice")
    if not slot + 1 <= body.until <= slot + VOTING_SLOTS_MAX:
        raise Failure("until-range")
    council.possible(body.action, _currencies(books))
    motions = [motion for _, motion in council.may_be_open(slot)]
    if len([m for m in motions if m.proposer == organisation]) >= OPEN_OF_ONE_MAX:
        raise Failure("proposals-of-one")
    if len(motions) >= OPEN_MAX:
        raise Failure("proposals-open")
    asked = tuple(council.seated())
    motion = Motion(
        organisation, body.action, body.until, body.rationale, slot, council.set_id, asked
    )
    _record(books, tx.id, motion)
    _list_open(books, slot)
    return [["proposed", [tx.id, body.action.name, body.until]]]


def vote(books: Entries, tx: Transaction, body: CastVote, slot: int) -> Events:
    """`gov.vote`."""
    council = books.council
    organisation = council.speaks(tx.sender)
    if organisation is None:
        raise Failure("no-voice")
    motion = council.motions.get(body.proposal)
    if motion is None:
        raise Failure("unknown-proposal")
    if motion.outcome != "open":
        raise Failure("proposal-closed")
    if slot > motion.until:
        raise Failure("proposal-expired")
    read = cbor.encode([motion.action.name, motion.action.arguments()])
    if body.arguments != sha256(read).digest():
        raise Failure("wrong-arguments")
    if organisation not in motion.asked:
        raise Failure("not-asked")
    if organisation in [one for one, _ in motion.votes]:
        raise Failure("already-voted")
    voted = replace(motion, votes=(*motion.votes, (organisation, body.yes)))
    asked = len(motion.asked)
    decided = body.yes and enough(motion.action, council.counted(voted, True), asked)
    if decided and isinstance(motion.action, ChangeAuthorities) and council.decided is not None:
        raise Failure("change-pending")
    lost = not body.yes and not enough(motion.action, asked - council.counted(voted, False), asked)
    _record(books, body.proposal, voted)
    ballot = b"gov/vote/" + body.proposal + b"/" + organisation
    books.write(ballot, [body.yes, slot, tx.sender])
    events: Events = [["voted", [body.proposal, organisation, "yes" if body.yes else "no"]]]
    if lost:
        return events + _close(books, body.proposal, "rejected", slot)
    return events + _decide(books, body.proposal, motion.action, slot) if decided else events


def _decide(books: Entries, identifier: bytes, action: Action, slot: int) -> Events:
    try:
        books.council.possible(action, _currencies(books))
    except Failure as failure:
        closed = _close(books, identifier, "void", slot)
        return [*closed, ["void", [identifier, str(failure)]]]
    closed = _close(books, identifier, "passed", slot)
    return [*closed, *_do(books, action)]


def _do(books: Entries, action: Action) -> Events:
    council = books.council
    match action:
        case ChangeAuthorities():
            return _hand_over(books, action)
        case SetParameter(name, value):
            books.set_parameter(name, value)
            return [["parameter-set", [name, value]]]
        case SetRole(did, role, granted):
            council.set_role(did, role, granted)
            books.enter(did)
            return [["role-granted" if granted else "role-revoked", [did, role]]]
        case Admit(did):
            person = council.people[did]
            person.roles = (*(role for role in person.roles if role != "member"), "member")
            person.standing, said = GOOD, "admitted"
        case Suspend(did):
            council.people[did].standing, said = SUSPENDED, "suspended"
        case Remove(did):
            council.people[did].roles = ()
            council.people[did].standing, said = REMOVED, "removed"
    books.enter(did)
    return [[said, [did]]]


def _hand_over(books: Entries, change: ChangeAuthorities) -> Events:
    council = books.council
    events = council.decide(change)
    assert council.decided is not None
    books.write(b"set/pend", [council.set_id + 1, [seat.to_value() for seat in council.decided]])
    for did in (*change.removed, *change.added):
        books.enter(did)
    return events


def prove(books: Entries, evidence: Evidence, slot: int) -> Events:
    """`gov.evidence`."""
    council, offender = books.council, evidence.offender
    if offender not in [seat.did for seat in council.seats]:
        raise Failure("not-an-authority")
    purpose = Purpose.SEAL if evidence.offence is Offence.BLOCKS else Purpose.VOTE
    if books.keys[offender].get(evidence.key, (None,))[0] is not purpose:
        raise Failure("evidence-key")
    witness.judge(evidence, books.genesis.hash)
    since = council.since[offender]
    if witness.latest_set(evidence) < since:
        raise Failure("former-seat")
    epoch = witness.epoch(evidence)
    if epoch > slot:
        raise Failure("evidence-early")
    offence: list[Value] = [evidence.offence.value, offender, epoch]
    identifier = sha256(cbor.encode(offence)).digest()
    proved_in, before = council.offences.get(identifier, (0, None))
    before = before if proved_in >= since else None
    can_go = council.decided is None and len(council.seats) > SEATS_MIN
    if before == "unseated" or (before is not None and not can_go):
        raise Failure("offence-known")
    if before == "silenced" and council.has_voice(offender):
        raise Failure("offence-known")
    consequence, events = "recorded", Events()
    if can_go:
        consequence, events = "unseated", _hand_over(books, ChangeAuthorities((offender,), ()))
    elif council.has_voice(offender) and council.enough_without(council.organisation(offender)):
        council.set_role(offender, SEAT, False)
        books.enter(offender)
        consequence = "silenced"
    council.offences[identifier] = council.set_id, consequence
    whole = sha256(cbor.encode(evidence.to_value())).digest()
    books.write(
        b"ev/" + identifier,
        [offender, evidence.offence.value, epoch, council.set_id, slot, whole, consequence],
    )
    said: list[Value] = [offender, evidence.offence.value, epoch, consequence]
    return [["offence", said], *events]


def _record(books: Entries, identifier: bytes, motion: Motion) -> None:
    books.council.motions[identifier] = motion
    books.write(b"gov/prop/" + identifier, motion.to_value())


def _close(books: Entries, identifier: bytes, outcome: str, slot: int) -> Events:
    motion = books.council.motions[identifier]
    _record(books, identifier, replace(motion, outcome=outcome, closed=slot))
    _list_open(books, slot)
    return [["decided", [identifier, outcome]]]


def _list_open(books: Entries, slot: int) -> None:
    rows: list[Value] = [
        [identifier, motion.proposer, motion.until]
        for identifier, motion in books.council.may_be_open(slot)
    ]
    if rows:
        books.write(b"gov/open", rows)
    else:
        books.erase(b"gov/open")


def _currencies(books: Entries) -> list[str]:
    return [currency.code for currency in books.genesis.currencies]
