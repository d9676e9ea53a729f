"""Authorities in turn: slot s belongs to authority s mod n, and the longest valid chain counts.

Rules:
- Each block weighs one. *Why:* weights that prefer one author over another (Clique) deadlock when
  two halves tie; strict slots and a rule on ties do not.
- A block is signed by its author's `seal` key over the block's id. *Why:* the signature stands
  outside the hash, so the id is fixed before it exists.
Alone this is safe against faults, not against an authority that signs two chains: see `finality`.
Spec: docs/spec/blocks.md, section 4.
"""

from chain.block import Header
from chain.consensus.authorityset import AuthoritySet, Member
from chain.consensus.engine import Ancestry, Author, HeaderNode
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.primitives.keys import verify

SEAL_CONTEXT = b"cornerstone/seal/1"


def sealed_bytes(block_id: Hash) -> bytes:
    """What an author signs."""
    return SEAL_CONTEXT + block_id


def sealing_key(member: Member, header: Header, seal: bytes) -> bytes | None:
    """The seal key of a member by which a header is sealed, or None."""
    message = sealed_bytes(header.id)
    return next((key for key in member.seals if verify(key, message, seal)), None)


class AuthorityEngine:
    """The engine; who the authorities are follows from the chain, so each question brings them."""

    name = "authority"
    exclusive = True

    def proposes(
        self, author: bytes, slot: int, parent: HeaderNode, authorities: AuthoritySet
    ) -> bool:
        """See Engine."""
        return slot > parent.slot and authorities.leader(slot).did == author

    def target(self, parent: HeaderNode, ancestry: Ancestry) -> int:
        """See Engine: nothing is searched for."""
        return 0

    def weight(self, target: int) -> int:
        """See Engine: the chain's weight is its height."""
        return 1

    def check(self, header: Header, seal: bytes, target: int, authorities: AuthoritySet) -> None:
        """See Engine."""
        leader = authorities.leader(header.slot)
        if header.author != leader.did:
            raise Invalid(
                "wrong-author",
                f"slot {header.slot} belongs to {leader.did.hex()}, not to {header.author.hex()}",
            )
        if sealing_key(leader, header, seal) is None:
            raise Invalid(
                "wrong-seal",
                f"the seal of {header.id.hex()} is not by a seal key of {leader.did.hex()}",
            )

    def seal(self, header: Header, author: Author, target: int, attempts: range) -> bytes | None:
        """See Engine: one signature, whatever the attempts."""
        return author.key.sign(sealed_bytes(header.id))
