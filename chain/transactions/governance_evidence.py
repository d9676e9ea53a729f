"""`gov.evidence`: an authority signed two things of which nobody honest signs both.

Rules:
- Anyone may submit it, and it is judged from its own bytes and the offender's record. *Why:* a
  proof does not need a trusted messenger, and every node must find the same.
- The rule punishes, no vote does: the offender's voice is dropped at once, and its seat is taken
  by a change of the authorities. *Why:* those who would have to vote may have signed twice too.
- The seat stays while a set is about to take over, and where four would become fewer: then the
  same evidence, sent again when it can be, takes it. *Why:* one change at a time; and a network
  that expels itself below four stops at the next fault.
- The voice stays where more than half of the seated organisations would no longer have one.
  *Why:* who is left could never admit anybody again.
- What counts is what was signed for the offender's present seat, however long ago, and nothing that
  was signed for an earlier one. *Why:* one mistake is many offences, and those who voted it back in
  knew of the mistake. Things that exclude each other name a set, so nothing can be passed off as
  older than it is and still do harm.
- What was signed for slots to come is not judged before they have come. *Why:* an offence counts
  once, and may be forgiven: who could have itself convicted ahead would be free to commit it. And
  nothing is lost: nobody takes such a thing before its time, so it can do no harm until then.
- What the organisation does besides is untouched. *Why:* a node started twice by mistake signs
  twice too, and its owner's customers are not to blame.
Spec: docs/spec/ledger.md, section 8; docs/spec/consensus.md, section 8.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar, Self

from chain.consensus.finality.evidence import Evidence, Offence, evidence_from_value
from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed
from chain.transactions.document import Purpose
from chain.transactions.governance_actions import SEATED_ROLE, ChangeAuthorities
from chain.transactions.governance_change import SEATS_MIN, change_seats
from chain.transactions.governance_organisations import set_role, voices_suffice
from chain.transactions.governance_records import SLOT_MAX
from chain.transactions.governance_seats import (
    has_voice,
    seated_since,
    set_decided,
    set_in_force,
)
from chain.transactions.identity import DidRecord, organisation_of, record_of

PURPOSES = {Offence.BLOCKS: Purpose.SEAL, Offence.VOTES: Purpose.VOTE}


class Consequence(StrEnum):
    """What came of an offence."""

    UNSEATED = "unseated"  # a set without the offender takes over
    SILENCED = "silenced"  # it has no voice
    RECORDED = "recorded"  # and nothing else: too few would be left


class Prospect(Enum):
    """What evidence can do to its offender."""

    NOW = "now"  # something follows from it in the next block
    LATER = "later"  # it is recorded, and the seat cannot be taken yet
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class OffenceRecord:
    """What the ledger keeps of an offence (state value under `ev/<hash>`)."""

    offender: bytes
    offence: Offence
    epoch: int  # the slot of the blocks, or the later target of the votes
    set_id: int  # of the set in force when it was proved
    slot: int  # in which it was proved
    evidence: Hash
    consequence: Consequence

    def encode(self) -> bytes:
        return cbor.encode(
            [
                self.offender,
                self.offence.value,
                self.epoch,
                self.set_id,
                self.slot,
                self.evidence,
                self.consequence.value,
            ]
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a state value under `ev/<hash>`. Raises Malformed."""
        offender, offence, epoch, set_id, slot, evidence, consequence = shape.array(
            cbor.decode(data), 7, "offence record"
        )
        return cls(
            shape.blob(offender, 32, "offender"),
            shape.choice(offence, Offence, "offence"),
            shape.uint(epoch, what="epoch"),
            shape.uint(set_id, what="set id"),
            shape.uint(slot, SLOT_MAX, "slot"),
            Hash(shape.blob(evidence, 32, "evidence")),
            shape.choice(consequence, Consequence, "consequence"),
        )


def offence_id(evidence: Evidence) -> Hash:
    """What one offence is recorded under, whichever two of its things prove it."""
    epoch = max(evidence.epochs())
    return sha256(cbor.encode([evidence.offence.value, evidence.offender, epoch]))


def prospect(state: State, evidence: Evidence) -> Prospect:
    """What good evidence, of a slot that has come, would do in a block on this state.

    Raises Refusal.
    """
    since = seated_since(state, evidence.offender)
    if since is None or evidence.set_id() < since:
        return Prospect.NEVER
    known = _known(state, evidence, since)
    if known is None:
        return Prospect.NOW
    if _closed(state, evidence.offender, known):
        return Prospect.NEVER
    return Prospect.NOW if _can_unseat(state) else Prospect.LATER


@dataclass(frozen=True, slots=True)
class SubmitEvidence:
    """`gov.evidence`."""

    KIND: ClassVar[str] = "gov.evidence"

    evidence: Evidence

    @classmethod
    def from_value(cls, value: Value) -> Self:
        evidence = evidence_from_value(value)
        evidence.epochs()  # both can be read, so that only codes of our own get into receipts
        return cls(evidence)

    def to_value(self) -> Value:
        return self.evidence.to_value()

    def parties(self) -> tuple[bytes, ...]:
        return (self.evidence.offender,)

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        evidence = self.evidence
        offender, epoch = evidence.offender, max(evidence.epochs())
        set_id = set_in_force(state).id
        known = _known(state, evidence, self.check(state, context))
        if known is None:
            consequence, effects = _punish(state, offender)
        else:
            consequence, effects = _punish_late(state, offender, known)
        kept = OffenceRecord(
            offender, evidence.offence, epoch, set_id, context.slot, evidence.id, consequence
        )
        state.put(paths.offence(offence_id(evidence)), kept.encode())
        shown = (offender, evidence.offence.value, epoch, consequence.value)
        return [("offence", shown), *effects]

    def check(self, state: State, context: Context) -> int:
        """The set from which the offender's seat dates; Failed unless this proves an offence, with
        that seat, of a slot that has come."""
        evidence = self.evidence
        offender = evidence.offender
        record = record_of(state, offender)
        since = seated_since(state, offender)
        if record is None or since is None:
            raise Failed("not-an-authority", f"{offender.hex()} has no seat")
        self._check_proof(record, context)
        if evidence.set_id() < since:
            raise Failed(
                "former-seat",
                f"of set {evidence.set_id()}; the seat of {offender.hex()} dates from set {since}",
            )
        epoch = max(evidence.epochs())
        if epoch > context.slot:
            raise Failed("evidence-early", f"of slot {epoch}; this block is of {context.slot}")
        return since

    def _check_proof(self, record: DidRecord, context: Context) -> None:
        evidence = self.evidence
        purpose = PURPOSES[evidence.offence]
        if not any(k.key.public == evidence.key and k.key.purpose is purpose for k in record.keys):
            raise Failed("evidence-key", f"{evidence.key.hex()} is no {purpose} key of its")
        try:
            evidence.check(context.chain)
        except Refusal as refusal:
            raise Failed(refusal.code, refusal.reason) from None


def _known(state: State, evidence: Evidence, since: int) -> OffenceRecord | None:
    """What is recorded of the offence, by a member whose seat dates from that set.

    What was recorded before then is of another offence, by whoever had that seat.
    """
    raw = state.get(paths.offence(offence_id(evidence)))
    known = None if raw is None else OffenceRecord.decode(raw)
    return None if known is None or known.set_id < since else known


def _punish(state: State, offender: bytes) -> tuple[Consequence, list[Event]]:
    """Take the seat, or else the voice, as far as the rules allow it now."""
    if _can_unseat(state):
        return Consequence.UNSEATED, change_seats(state, ChangeAuthorities((offender,), ()))
    if has_voice(state, offender) and voices_suffice(state, organisation_of(state, offender)):
        set_role(state, offender, SEATED_ROLE, granted=False)
        return Consequence.SILENCED, []
    return Consequence.RECORDED, []


def _punish_late(
    state: State, offender: bytes, known: OffenceRecord
) -> tuple[Consequence, list[Event]]:
    """Take the seat that could not be taken before. Raises Failed when nothing more follows."""
    if _closed(state, offender, known) or not _can_unseat(state):
        raise Failed(
            "offence-known",
            f"recorded in slot {known.slot}, {offender.hex()} was {known.consequence}",
        )
    return _punish(state, offender)


def _closed(state: State, offender: bytes, known: OffenceRecord) -> bool:
    """Whether the seat was taken, or the voice given back since."""
    forgiven = known.consequence is Consequence.SILENCED and has_voice(state, offender)
    return known.consequence is Consequence.UNSEATED or forgiven


def _can_unseat(state: State) -> bool:
    """Whether a set without one of its seats can be decided now."""
    seated = len(set_in_force(state).members)
    return set_decided(state) is None and seated > SEATS_MIN
