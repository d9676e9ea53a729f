"""Authorities in turn: slot s belongs to authority s mod n, and the longest valid chain counts.

Rules:
- Each block weighs one. *Why:* weights that prefer one author over another (Clique) deadlock when
  two halves tie; strict slots and a rule on ties do not.
- A block is signed by its author's `seal` key over the block's id. *Why:* the signature stands
  outside the hash, so the id is fixed before it exists.
Alone this is safe against faults, not against an authority that signs two chains: see finality.
Spec: docs/spec/blocks.md, section 4.
"""

from collections.abc import Mapping, Sequence

from chain.block import Header
from chain.consensus.engine import Ancestry, Author, HeaderNode
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.primitives.keys import verify

SEAL_CONTEXT = b"cornerstone/seal/1"


def sealed_bytes(block_id: Hash) -> bytes:
    """What an author signs."""
    return SEAL_CONTEXT + block_id


class AuthorityEngine:
    """The engine over a fixed set: ids in ascending order, each with its seal keys."""

    name = "authority"
    exclusive = True

    def __init__(self, authorities: Sequence[bytes], seal_keys: Mapping[bytes, Sequence[bytes]]):
        assert authorities, "a genesis without authorities is refused where it is read"
        self._authorities = tuple(authorities)
        self._seal_keys = {did: tuple(keys) for did, keys in seal_keys.items()}

    def leader(self, slot: int) -> bytes:
        """The authority to which a slot belongs."""
        return self._authorities[slot % len(self._authorities)]

    def proposes(self, author: bytes, slot: int, parent: HeaderNode) -> bool:
        """See Engine."""
        return slot > parent.slot and self.leader(slot) == author

    def target(self, parent: HeaderNode, ancestry: Ancestry) -> int:
        """See Engine: nothing is searched for."""
        return 0

    def weight(self, target: int) -> int:
        """See Engine: the chain's weight is its height."""
        return 1

    def check(self, header: Header, seal: bytes, parent: HeaderNode, target: int) -> None:
        """See Engine."""
        leader = self.leader(header.slot)
        if header.author != leader:
            raise Invalid(
                "wrong-author",
                f"slot {header.slot} belongs to {leader.hex()}, not to {header.author.hex()}",
            )
        message = sealed_bytes(header.id)
        if not any(verify(key, message, seal) for key in self._seal_keys[leader]):
            raise Invalid(
                "wrong-seal",
                f"the seal of {header.id.hex()} is not by a seal key of {leader.hex()}",
            )

    def seal(self, header: Header, author: Author, target: int, attempts: range) -> bytes | None:
        """See Engine: one signature, whatever the attempts."""
        return author.key.sign(sealed_bytes(header.id))
