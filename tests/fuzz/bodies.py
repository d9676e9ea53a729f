"""A body of each kind of transaction; a new kind needs one here."""

from chain.consensus.finality.evidence import Evidence, of_votes
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives.hashing import Hash
from chain.transactions.body import Body
from chain.transactions.dataset import Parent, Publish
from chain.transactions.governance_actions import (
    Action,
    Admit,
    ChangeAuthorities,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
)
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import Register
from chain.transactions.payment import Transfer
from tests.chain.consensus.finality.world import LINK, parties, sign
from tests.chain.transactions.world import did, document


def bodies() -> list[Body]:
    """Valid shapes; whether a ledger would take them is another question."""
    ours = document("dave")
    proofs = tuple(b"" if key.purpose.value == "agree" else b"p" * 64 for key in ours.keys)
    return [
        Transfer("CNY", did("bob"), 5, b"invoice"),
        Publish(
            "A title",
            Hash(b"c" * 32),
            Hash(b"h" * 32),
            "text/plain",
            17,
            "transport",
            (Parent(Hash(b"p" * 32), "derived"),),
        ),
        Register(ours, proofs),
        *(Propose(action, 500, Hash(b"r" * 32)) for action in actions()),
        CastVote(Hash(b"p" * 32), Hash(b"a" * 32), True),
        SubmitEvidence(double_vote()),
    ]


def actions() -> list[Action]:
    """One of each kind."""
    return [
        ChangeAuthorities((did("alice"),), (did("bob"),)),
        Admit(did("bob")),
        Suspend(did("bob")),
        Remove(did("bob")),
        SetRole(did("bob"), "auditor", True),
        SetParameter("expiry_slots_max", 5_000),
    ]


def double_vote() -> Evidence:
    """Two votes of one member for the same epoch."""
    signer = parties(3)[2]
    other = Vote(LINK.set_id, LINK.source, Checkpoint(Hash(b"o" * 32), LINK.target.epoch))
    pairs = [(vote, sign(vote, 2, signer).signature) for vote in (LINK, other)]
    return of_votes(signer.did, signer.vote.public, *pairs)
