"""Governance as the API shows it."""

from collections.abc import Iterator
from dataclasses import replace

from chain.consensus.authorityset import AuthoritySet
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.parameters import PARAMETER_RANGES
from chain.primitives.hashing import Hash
from chain.state.journal import State
from chain.transactions.governance_actions import (
    CHANGEABLE,
    Action,
    Admit,
    ChangeAuthorities,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
    arguments_hash,
    votes_needed,
)
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_parameters import parameter_of
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_records import (
    Outcome,
    Proposal,
    open_proposals,
    proposal_of,
    vote_of,
)
from chain.transactions.governance_seats import (
    has_voice,
    seats,
    set_decided,
    set_in_force,
    voices,
)
from chain.transactions.governance_vote import CastVote, count
from chain.transactions.identity import organisation_of
from p2p.api.governance_views import (
    ActionView,
    AuthoritiesView,
    BallotView,
    EvidenceBody,
    ParametersView,
    ParameterView,
    ProposalView,
    ProposeBody,
    SeatView,
    SetView,
    VoteBody,
)

EXPIRED = "expired"


def propose_body(body: Propose, genesis: Genesis) -> ProposeBody:
    """A transaction that proposes."""
    return ProposeBody(action_view(body.action, genesis), body.until, body.rationale.hex())


def vote_body(body: CastVote) -> VoteBody:
    """A transaction that votes."""
    return VoteBody(body.proposal.hex(), body.arguments.hex(), body.yes)


def evidence_body(body: SubmitEvidence, genesis: Genesis) -> EvidenceBody:
    """A transaction that proves an offence."""
    evidence = body.evidence
    return EvidenceBody(
        evidence.offence.value,
        genesis.did(evidence.offender),
        evidence.key.hex(),
        evidence.first.hex(),
        evidence.second.hex(),
    )


def action_view(action: Action, genesis: Genesis) -> ActionView:
    """What is proposed."""
    bare = ActionView(action.name, arguments_hash(action).hex())
    match action:
        case ChangeAuthorities(removed, added):
            gone, come = (tuple(map(genesis.did, dids)) for dids in (removed, added))
            return replace(bare, removed=gone, added=come)
        case Admit(identity) | Suspend(identity) | Remove(identity):
            return replace(bare, identity=genesis.did(identity))
        case SetRole(identity, role, granted):
            return replace(bare, identity=genesis.did(identity), role=role, granted=granted)
        case SetParameter(parameter, value):
            return replace(bare, parameter=parameter, value=value)


def open_views(ledger: Ledger, slot: int) -> Iterator[ProposalView]:
    """What may be voted on in a slot, one after the other.

    *Why not all at once:* 64 proposals of 200 voters each take a tenth of a second. What a block
    in between has decided, or taken back, is left out.
    """
    for entry in open_proposals(ledger.state, slot):
        view = proposal_view(ledger, entry.id, slot)
        if view is not None and view.status == Outcome.OPEN.value:
            yield view


def proposal_view(ledger: Ledger, identifier: Hash, slot: int) -> ProposalView | None:
    """A proposal and its votes; None when there is none of that id."""
    state, genesis = ledger.state, ledger.genesis
    proposal = proposal_of(state, identifier)
    if proposal is None:
        return None
    heard = voices(state, seats(set_in_force(state)))
    tally = count(state, identifier, proposal, heard)
    return ProposalView(
        id=identifier.hex(),
        status=_status(proposal, slot),
        proposer=genesis.did(proposal.proposer),
        action=action_view(proposal.action, genesis),
        until=proposal.until,
        rationale=proposal.rationale.hex(),
        slot=proposal.slot,
        set_id=proposal.set_id,
        closed=None if proposal.outcome is Outcome.OPEN else proposal.closed,
        yes=tally.yes,
        no=tally.no,
        needed=votes_needed(proposal.action, len(proposal.electorate)),
        ballots=tuple(
            _ballot(ledger, identifier, organisation, organisation in heard)
            for organisation in proposal.electorate
        ),
    )


def authorities_view(ledger: Ledger) -> AuthoritiesView:
    """Who has a seat, and who will."""
    state, genesis = ledger.state, ledger.genesis
    decided = set_decided(state)
    return AuthoritiesView(
        _set_view(state, genesis, set_in_force(state)),
        None if decided is None else _set_view(state, genesis, decided),
    )


def parameters_view(ledger: Ledger) -> ParametersView:
    """The numbers that votes may change."""
    return ParametersView(
        tuple(
            ParameterView(name, parameter_of(ledger.state, name), *PARAMETER_RANGES[name])
            for name in CHANGEABLE
        )
    )


def _status(proposal: Proposal, slot: int) -> str:
    if proposal.outcome is Outcome.OPEN and slot > proposal.until:
        return EXPIRED
    return proposal.outcome.value


def _ballot(ledger: Ledger, identifier: Hash, organisation: bytes, counts: bool) -> BallotView:
    did = ledger.genesis.did
    vote = vote_of(ledger.state, identifier, organisation)
    if vote is None:
        return BallotView(did(organisation), None, None, None, counts)
    return BallotView(did(organisation), vote.yes, did(vote.voter), vote.slot, counts)


def _set_view(state: State, genesis: Genesis, authorities: AuthoritySet) -> SetView:
    return SetView(
        authorities.id,
        authorities.hash.hex(),
        tuple(
            SeatView(
                genesis.did(did), genesis.did(organisation_of(state, did)), has_voice(state, did)
            )
            for did in seats(authorities)
        ),
    )
