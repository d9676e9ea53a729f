"""`gov.propose`: something is put to the authorities, until some slot.

Rules:
- Only who has a voice proposes, at most three at a time and sixty-four in all. *Why:* identities
  are free, so strangers could otherwise keep the list full; less than a third of the authorities
  cannot.
- The reasons stand elsewhere; their hash stands here. *Why:* a chain cannot forget a name that
  somebody wrote into a reason.
Spec: docs/spec/ledger.md, section 8.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed
from chain.transactions.governance_actions import (
    Action,
    Admit,
    ChangeAuthorities,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
    read_action,
)
from chain.transactions.governance_effects import check_action
from chain.transactions.governance_records import (
    OPEN_MAX,
    OPEN_PER_ORGANISATION_MAX,
    SLOT_MAX,
    Open,
    Proposal,
    open_proposals,
    set_open,
)
from chain.transactions.governance_seats import (
    organisations,
    seats,
    set_in_force,
    speaks_for,
)

VOTING_SLOTS_MAX = 1_000_000
"""Eleven days of one-second slots, a month of three-second ones: boards meet; nothing is open for
ever."""


@dataclass(frozen=True, slots=True)
class Propose:
    """`gov.propose`: votes count up to slot `until`; `rationale` is the hash of the reasons."""

    KIND: ClassVar[str] = "gov.propose"

    action: Action
    until: int
    rationale: Hash

    @classmethod
    def from_value(cls, value: Value) -> Self:
        name, arguments, until, rationale = shape.array(value, 4, "gov.propose body")
        return cls(
            read_action(name, arguments),
            shape.uint(until, SLOT_MAX, "until"),
            Hash(shape.blob(rationale, 32, "rationale")),
        )

    def to_value(self) -> list[Value]:
        return [self.action.name, self.action.arguments(), self.until, self.rationale]

    def parties(self) -> tuple[bytes, ...]:
        match self.action:
            case ChangeAuthorities(removed, added):
                return (*removed, *added)
            case Admit(identity) | Suspend(identity) | Remove(identity):
                return (identity,)
            case SetRole(identity):
                return (identity,)
            case SetParameter():
                return ()

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        organisation = speaks_for(state, sender)
        if organisation is None:
            raise Failed("no-voice", f"{sender.hex()} has no seat with a voice")
        if not context.slot < self.until <= context.slot + VOTING_SLOTS_MAX:
            raise Failed(
                "until-range",
                f"until {self.until} in slot {context.slot}: at most {VOTING_SLOTS_MAX} ahead",
            )
        check_action(state, self.action)
        entries = _make_room(open_proposals(state, context.slot), organisation)
        set_open(state, [*entries, Open(txid, organisation, self.until)])
        current = set_in_force(state)
        proposal = Proposal(
            organisation,
            self.action,
            self.until,
            self.rationale,
            context.slot,
            current.id,
            organisations(state, seats(current)),
        )
        state.put(paths.proposal(txid), proposal.encode())
        return [("proposed", (txid, self.action.name, self.until))]


def _make_room(entries: list[Open], organisation: bytes) -> list[Open]:
    own = sum(entry.proposer == organisation for entry in entries)
    if own >= OPEN_PER_ORGANISATION_MAX:
        raise Failed("proposals-of-one", f"{own} of {organisation.hex()} are open already")
    if len(entries) >= OPEN_MAX:
        raise Failed("proposals-open", f"{len(entries)} proposals are open already")
    return entries
