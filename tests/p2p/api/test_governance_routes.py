"""Proposals, seats and parameters as the API shows them, and proofs of their records."""

import pytest
from trio.testing import MockClock

from chain.primitives.hashing import sha256
from chain.receipts.finality import Basis
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.governance_actions import Suspend, arguments_hash
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_records import Proposal, open_proposals
from chain.transactions.governance_vote import CastVote
from p2p.api import governance_routes
from p2p.api.governance_present import open_views
from p2p.api.governance_views import (
    AuthoritiesView,
    ParametersView,
    ProposalsView,
    ProposalView,
    ProposeBody,
    VoteBody,
)
from p2p.api.json_codec import decode_json
from p2p.api.verification import verified_value
from p2p.api.views import ProofView, StatusView, TransactionView
from tests.p2p.api.serving import EXPIRY, Served, serve

UNTIL = 400


def signed(served: Served, sequence: int, body: Body) -> Transaction:
    """A transaction of the only authority."""
    founding = served.founding
    (authority,) = founding.authorities
    return sign_transaction(
        authority.tx, founding.genesis.hash, authority.did, 0, sequence, EXPIRY, body
    )


async def view(served: Served, path: str, kind: type) -> object:
    return decode_json(kind, (await served.http.get(f"/v1/{path}")).content)


async def test_from_a_proposal_to_its_decision(autojump_clock: MockClock) -> None:
    async with serve() as served:
        action = Suspend(served.founding.bob.did)
        genesis = served.founding.genesis
        proposing = signed(served, 0, Propose(action, UNTIL, sha256(b"why")))
        await served.include(proposing)
        place = f"governance/proposals/{proposing.id.hex()}"
        found = await view(served, "governance/proposals", ProposalsView)
        assert isinstance(found, ProposalsView)
        (listed,) = found.proposals
        assert listed == await view(served, place, ProposalView)
        assert (listed.status, listed.yes, listed.needed, listed.closed) == ("open", 0, 1, None)
        assert listed.action.identity == genesis.did(served.founding.bob.did)
        assert listed.action.hash == arguments_hash(action).hex()
        (ballot,) = listed.ballots
        assert (ballot.yes, ballot.voter, ballot.counts) == (None, None, True)
        voting = signed(served, 1, CastVote(proposing.id, arguments_hash(action), True))
        await served.include(voting)
        decided = await view(served, place, ProposalView)
        assert isinstance(decided, ProposalView)
        assert (decided.status, decided.yes, decided.ballots[0].yes) == ("passed", 1, True)
        assert await view(served, "governance/proposals", ProposalsView) == ProposalsView(())
        bob = await served.get("/v1/accounts/bob")
        assert bob["standing"] == "suspended"
        for txid, body in ((proposing.id, ProposeBody), (voting.id, VoteBody)):
            shown = await view(served, f"transactions/{txid.hex()}", TransactionView)
            assert isinstance(shown, TransactionView)
            assert isinstance(shown.body, body)
        for path, kind in (
            (f"gov/prop/{proposing.id.hex()}", Proposal),
            (f"gov/vote/{proposing.id.hex()}/{ballot.organisation}", None),
            ("gov/param/block_bytes_max", None),
        ):
            proof = await view(served, f"proofs/{path}", ProofView)
            assert isinstance(proof, ProofView)
            value = verified_value(proof, path, Basis(genesis))
            assert value is not None
            if kind is Proposal:
                assert Proposal.decode(value).action == action


async def test_others_go_on_while_proposals_are_read(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve() as served:
        body = Propose(Suspend(served.founding.bob.did), UNTIL, sha256(b"why"))
        await served.include(signed(served, 0, body))
        (shown,) = open_views(served.node.ledger, served.node.status().slot)
        monkeypatch.setattr(governance_routes, "open_views", lambda *_: iter([shown] * 64))
        assert await served.turns_during("/v1/governance/proposals") > 50


async def test_what_a_block_takes_back_meanwhile_is_left_out(autojump_clock: MockClock) -> None:
    async with serve() as served:
        action = Suspend(served.founding.bob.did)
        for number in range(2):
            body = Propose(action, UNTIL, sha256(b"%d" % number))
            await served.include(signed(served, number, body))
        views = open_views(served.node.ledger, served.node.status().slot)
        next(views)
        (_, other) = open_proposals(served.node.ledger.state, 0)
        vote = CastVote(other.id, arguments_hash(action), True)
        await served.include(signed(served, 2, vote))
        assert list(views) == []


async def test_a_proposal_expires_by_its_slot(autojump_clock: MockClock) -> None:
    async with serve() as served:
        status = await view(served, "status", StatusView)
        assert isinstance(status, StatusView)
        assert status.expiry_slots_max == served.founding.genesis.parameters.expiry_slots_max
        body = Propose(Suspend(served.founding.bob.did), status.slot + 4, sha256(b""))
        proposing = signed(served, 0, body)
        await served.include(proposing)
        for number in range(6):  # the head, and with it the slot, moves on
            await served.include(served.founding.transfer(number))
        shown = await view(served, f"governance/proposals/{proposing.id.hex()}", ProposalView)
        assert isinstance(shown, ProposalView)
        assert shown.status == "expired"
        assert await view(served, "governance/proposals", ProposalsView) == ProposalsView(())


async def test_seats_and_parameters(autojump_clock: MockClock) -> None:
    async with serve() as served:
        (authority,) = served.founding.authorities
        genesis = served.founding.genesis
        seats = await view(served, "governance/authorities", AuthoritiesView)
        assert isinstance(seats, AuthoritiesView)
        assert seats.decided is None
        assert seats.current.hash == genesis.authority_set.hash.hex()
        assert [(s.did, s.organisation, s.voice) for s in seats.current.seats] == [
            (genesis.did(authority.did), genesis.did(authority.did), True)
        ]
        numbers = await view(served, "governance/parameters", ParametersView)
        assert isinstance(numbers, ParametersView)
        assert [(p.name, p.value) for p in numbers.parameters] == [
            ("block_bytes_max", genesis.parameters.block_bytes_max),
            ("block_transactions_max", genesis.parameters.block_transactions_max),
            ("expiry_slots_max", genesis.parameters.expiry_slots_max),
        ]


async def test_proposals_that_are_none(autojump_clock: MockClock) -> None:
    async with serve() as served:
        missing = f"/v1/governance/proposals/{'00' * 32}"
        assert (await served.get(missing, 404))["code"] == "unknown-proposal"
        assert (await served.get("/v1/governance/proposals/1", 400))["code"] == "id"
