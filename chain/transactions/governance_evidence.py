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
from chain.transactions.governance_seats import has_voice, set_decided, set_in_force
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
    slot: int  # in which it was proved
    evidence: Hash
    consequence: Consequence

    def encode(self) -> bytes:
        return cbor.encode(
            [
                self.offender,
                self.offence.value,
                self.epoch,
                self.slot,
                self.evidence,
                self.consequence.value,
            ]
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a state value under `ev/<hash>`. Raises Malformed."""
        offender, offence, epoch, slot, evidence, consequence = shape.array(
            cbor.decode(data), 6, "offence record"
        )
        return cls(
            shape.blob(offender, 32, "offender"),
            Offence(shape.text(offence, 16, "offence")),
            shape.uint(epoch, what="epoch"),
            shape.uint(slot, SLOT_MAX, "slot"),
            Hash(shape.blob(evidence, 32, "evidence")),
            Consequence(shape.text(consequence, 16, "consequence")),
        )


def offence_id(evidence: Evidence) -> Hash:
    """What one offence is recorded under, whichever two of its things prove it."""
    epoch = max(evidence.epochs())
    return sha256(cbor.encode([evidence.offence.value, evidence.offender, epoch]))


def prospect(state: State, evidence: Evidence) -> Prospect:
    """What good evidence would do in a block on this state. Raises Refusal."""
    if set_in_force(state).index(evidence.offender) is None:
        return Prospect.NEVER
    known = state.get(paths.offence(offence_id(evidence)))
    if known is None:
        return Prospect.NOW
    if _closed(state, evidence.offender, OffenceRecord.decode(known)):
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
        offender = evidence.offender
        record = record_of(state, offender)
        if record is None or set_in_force(state).index(offender) is None:
            raise Failed("not-an-authority", f"{offender.hex()} has no seat")
        self._check(record, context)
        path = paths.offence(offence_id(evidence))
        known = state.get(path)
        if known is None:
            consequence, effects = _punish(state, offender)
        else:
            consequence, effects = _punish_late(state, offender, OffenceRecord.decode(known))
        epoch = max(evidence.epochs())
        kept = OffenceRecord(
            offender, evidence.offence, epoch, context.slot, evidence.id, consequence
        )
        state.put(path, kept.encode())
        shown = (offender, evidence.offence.value, epoch, consequence.value)
        return [("offence", shown), *effects]

    def _check(self, record: DidRecord, context: Context) -> None:
        evidence = self.evidence
        purpose = PURPOSES[evidence.offence]
        if not any(k.key.public == evidence.key and k.key.purpose is purpose for k in record.keys):
            raise Failed("evidence-key", f"{evidence.key.hex()} is no {purpose} key of its")
        try:
            evidence.check(context.chain)
        except Refusal as refusal:
            raise Failed(refusal.code, refusal.reason) from None


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
