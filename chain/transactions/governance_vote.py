"""`gov.vote`: an organisation says yes or no to a proposal, and the deciding vote carries it out.

Rules:
- A proposal is judged when a vote on it is cast, and never otherwise; it carries upon a yes and
  fails upon a no. *Why:* a decision that drops votes or gives a voice back must not decide another
  by that alone (EIP-225 forbids such cascades, which two nodes could see in two orders).
- Counted are the organisations asked that still have a voice, out of all that were asked. *Why:*
  the vote of who was suspended or lost its seat is dropped; the number needed does not fall with
  it.
- An organisation votes once. *Why:* a vote is a signed statement that others build on.
- A proposal that can no longer carry is rejected at once. *Why:* it makes room for another.
Spec: docs/spec/ledger.md, section 8.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.state.journal import State
from chain.transactions import governance_records as records
from chain.transactions.body import Context, Event, Failed
from chain.transactions.governance_actions import ChangeAuthorities, arguments_hash, votes_needed
from chain.transactions.governance_effects import carry_out
from chain.transactions.governance_records import Outcome, Proposal, proposal_of, vote_of
from chain.transactions.governance_seats import (
    seats,
    set_decided,
    set_in_force,
    speaks_for,
    voices,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """The votes that count, by organisation."""

    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class CastVote:
    """`gov.vote`: `arguments` is the hash of what the voter read (see arguments_hash)."""

    KIND: ClassVar[str] = "gov.vote"

    proposal: Hash
    arguments: Hash
    yes: bool

    @classmethod
    def from_value(cls, value: Value) -> Self:
        proposal, arguments, yes = shape.array(value, 3, "gov.vote body")
        return cls(
            Hash(shape.blob(proposal, 32, "proposal")),
            Hash(shape.blob(arguments, 32, "arguments hash")),
            shape.boolean(yes, "vote"),
        )

    def to_value(self) -> list[Value]:
        return [self.proposal, self.arguments, self.yes]

    def parties(self) -> tuple[bytes, ...]:
        return ()

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        organisation = speaks_for(state, sender)
        if organisation is None:
            raise Failed("no-voice", f"{sender.hex()} has no seat with a voice")
        proposal = self._open(state, context)
        if organisation not in proposal.electorate:
            raise Failed("not-asked", f"{organisation.hex()} had no seat when it was proposed")
        if vote_of(state, self.proposal, organisation) is not None:
            raise Failed("already-voted", f"{organisation.hex()} has voted on it")
        vote = records.Vote(self.yes, context.slot, sender)
        state.put(paths.vote(self.proposal, organisation), vote.encode())
        cast: Event = ("voted", (self.proposal, organisation, "yes" if self.yes else "no"))
        return [cast, *self._judge(state, proposal, context)]

    def _open(self, state: State, context: Context) -> Proposal:
        """The proposal, when it can be voted on as the voter understood it."""
        proposal = proposal_of(state, self.proposal)
        if proposal is None:
            raise Failed("unknown-proposal", f"nothing was proposed as {self.proposal.hex()}")
        if proposal.outcome is not Outcome.OPEN:
            raise Failed("proposal-closed", f"it was {proposal.outcome} in slot {proposal.closed}")
        if context.slot > proposal.until:
            raise Failed("proposal-expired", f"votes counted until slot {proposal.until}")
        if self.arguments != arguments_hash(proposal.action):
            raise Failed(
                "wrong-arguments",
                f"the vote is on {self.arguments.hex()}, proposed is "
                f"{arguments_hash(proposal.action).hex()}",
            )
        return proposal

    def _judge(self, state: State, proposal: Proposal, context: Context) -> list[Event]:
        """What this vote brings about."""
        heard = voices(state, seats(set_in_force(state)))
        asked, tally = len(proposal.electorate), count(state, self.proposal, proposal, heard)
        needed = votes_needed(proposal.action, asked)
        if not self.yes:
            if asked - tally.no >= needed:
                return []
            return self._close(state, proposal, Outcome.REJECTED, context)
        if tally.yes < needed:
            return []
        if isinstance(proposal.action, ChangeAuthorities) and set_decided(state) is not None:
            raise Failed("change-pending", "another set is about to take over: vote after that")
        mark = state.mark()
        try:
            effects = carry_out(state, proposal.action)
        except Failed as impossible:
            state.revert(mark)
            closed = self._close(state, proposal, Outcome.VOID, context)
            return [*closed, ("void", (self.proposal, impossible.code))]
        return [*self._close(state, proposal, Outcome.PASSED, context), *effects]

    def _close(
        self, state: State, proposal: Proposal, outcome: Outcome, context: Context
    ) -> list[Event]:
        closed = replace(proposal, outcome=outcome, closed=context.slot)
        state.put(paths.proposal(self.proposal), closed.encode())
        entries = records.open_proposals(state, context.slot)
        records.set_open(state, [entry for entry in entries if entry.id != self.proposal])
        return [("decided", (self.proposal, outcome.value))]


def count(state: State, identifier: Hash, proposal: Proposal, heard: tuple[bytes, ...]) -> Tally:
    """The votes on a proposal by the organisations in `heard`, of those that were asked."""
    found = [
        vote
        for organisation in proposal.electorate
        if organisation in heard and (vote := vote_of(state, identifier, organisation)) is not None
    ]
    yes = sum(vote.yes for vote in found)
    return Tally(yes, len(found) - yes)
