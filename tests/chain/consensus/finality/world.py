"""An authority set with its keys, and votes and certificates it signs."""

from collections.abc import Iterable

from chain.consensus.authorityset import AuthoritySet, member
from chain.consensus.finality.certificate import Certificate, assemble
from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote
from chain.primitives.hashing import Hash, sha256
from tests.parties import Party, party

CHAIN = sha256(b"chain")
SOURCE = Checkpoint(sha256(b"source"), 3)
TARGET = Checkpoint(sha256(b"target"), 4)
LINK = Vote(0, SOURCE, TARGET)


def parties(count: int, prefix: str = "authority") -> tuple[Party, ...]:
    """That many authorities, in the order of their ids."""
    return tuple(sorted((party(f"{prefix}{i}") for i in range(count)), key=lambda p: p.did))


def set_of(of: Iterable[Party], set_id: int = 0) -> AuthoritySet:
    """The set these authorities make."""
    return AuthoritySet.of(set_id, [member(p.did, p.document.keys) for p in of])


def sign(vote: Vote, place: int, by: Party, chain: Hash = CHAIN) -> SignedVote:
    """The vote of the member at that place."""
    return SignedVote(vote, place, by.vote.sign(vote.signed_bytes(chain)))


def certify(
    vote: Vote, of: tuple[Party, ...], signers: Iterable[int], chain: Hash = CHAIN
) -> Certificate:
    """A certificate signed by the members at these places."""
    signatures = {i: sign(vote, i, of[i], chain).signature for i in signers}
    return assemble(vote, signatures, len(of))
