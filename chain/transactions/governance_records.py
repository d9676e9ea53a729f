"""What the ledger keeps of proposals and votes: records in the state, each bounded.

Rules:
- A proposal keeps the organisations of the set in force when it was made: its electorate. *Why:*
  a change of the set in between must not change who was asked, nor how many make a majority.
- `gov/open` lists what may still be voted on. *Why:* how much is open can be bounded only if it
  can be counted without walking the state.
- A proposal whose last slot has passed is not written again. *Why:* time closes it; nothing has to
  run when a slot begins.
Spec: docs/spec/ledger.md, section 8.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from chain.consensus.authorityset import AUTHORITIES_MAX
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.state.journal import State
from chain.transactions.governance_actions import Action, read_action

SLOT_MAX = 2**63 - 1
OPEN_MAX = 64
"""The list is rewritten by every proposal: 5 KiB."""
OPEN_PER_ORGANISATION_MAX = 3
"""Less than a third of up to 64 organisations cannot fill the list and silence the others."""
RECORD_LIMITS = Limits(size=64 * 1024, depth=6, items=1024)
"""An electorate and two lists of seats of 200 identities each take 20 KiB."""


class Outcome(StrEnum):
    """What became of a proposal. One that is still open when its last slot passes has expired."""

    OPEN = "open"
    PASSED = "passed"
    REJECTED = "rejected"
    VOID = "void"  # carried, but what it asks for had become impossible


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was proposed, to whom, and what became of it (state value under `gov/prop/<id>`)."""

    proposer: bytes  # the organisation
    action: Action
    until: int  # last slot in which a vote counts
    rationale: Hash
    slot: int  # in which it was made
    set_id: int
    electorate: tuple[bytes, ...]  # organisations, ascending
    outcome: Outcome = Outcome.OPEN
    closed: int = 0  # slot in which it was decided; 0 while it is not

    def encode(self) -> bytes:
        return cbor.encode(
            [
                self.proposer,
                self.action.name,
                self.action.arguments(),
                self.until,
                self.rationale,
                self.slot,
                self.set_id,
                list(self.electorate),
                self.outcome.value,
                self.closed,
            ]
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a state value under `gov/prop/<id>`. Raises Malformed or Invalid."""
        proposer, name, arguments, until, rationale, slot, set_id, electorate, outcome, closed = (
            shape.array(cbor.decode(data, RECORD_LIMITS), 10, "proposal")
        )
        return cls(
            shape.blob(proposer, 32, "proposer"),
            read_action(name, arguments),
            shape.uint(until, SLOT_MAX, "until"),
            Hash(shape.blob(rationale, 32, "rationale")),
            shape.uint(slot, SLOT_MAX, "slot"),
            shape.uint(set_id, SLOT_MAX, "set id"),
            tuple(
                shape.blob(one, 32, "organisation")
                for one in shape.items(electorate, AUTHORITIES_MAX, "electorate")
            ),
            shape.choice(outcome, Outcome, "outcome"),
            shape.uint(closed, SLOT_MAX, "closed"),
        )


@dataclass(frozen=True, slots=True)
class Vote:
    """An organisation's vote (state value under `gov/vote/<proposal>/<organisation>`)."""

    yes: bool
    slot: int
    voter: bytes  # the identity that signed for the organisation

    def encode(self) -> bytes:
        return cbor.encode([self.yes, self.slot, self.voter])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a state value. Raises Malformed."""
        yes, slot, voter = shape.array(cbor.decode(data), 3, "vote")
        return cls(
            shape.boolean(yes, "vote"),
            shape.uint(slot, SLOT_MAX, "slot"),
            shape.blob(voter, 32, "voter"),
        )


@dataclass(frozen=True, slots=True)
class Open:
    """An entry of the list of what may still be voted on."""

    id: Hash
    proposer: bytes
    until: int


def proposal_of(state: State, identifier: bytes) -> Proposal | None:
    """A proposal, or None when nothing was proposed under that id."""
    data = state.get(paths.proposal(identifier))
    return None if data is None else Proposal.decode(data)


def vote_of(state: State, identifier: bytes, organisation: bytes) -> Vote | None:
    """An organisation's vote on a proposal, or None."""
    data = state.get(paths.vote(identifier, organisation))
    return None if data is None else Vote.decode(data)


def open_proposals(state: State, slot: int) -> list[Open]:
    """What may be voted on in a slot, in the order it was proposed."""
    data = state.get(paths.OPEN_PROPOSALS)
    if data is None:
        return []
    listed = (
        shape.array(entry, 3, "open proposal")
        for entry in shape.items(cbor.decode(data), OPEN_MAX, "open proposals")
    )
    entries = [
        Open(
            Hash(shape.blob(identifier, 32, "proposal")),
            shape.blob(proposer, 32, "proposer"),
            shape.uint(until, SLOT_MAX, "until"),
        )
        for identifier, proposer, until in listed
    ]
    return [entry for entry in entries if entry.until >= slot]


def set_open(state: State, entries: list[Open]) -> None:
    """Record what may be voted on; nothing is recorded for nothing."""
    if not entries:
        state.delete(paths.OPEN_PROPOSALS)
        return
    rows: list[Value] = [[entry.id, entry.proposer, entry.until] for entry in entries]
    state.put(paths.OPEN_PROPOSALS, cbor.encode(rows))
