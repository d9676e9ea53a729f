"""The way out, by hand, when more than a third of the authorities is lost for good.

A recovery says: children of this block are of that set. It is a file; every operator loads it.

Rules:
- It is signed, with vote keys, by a quorum of the new set. *Why:* a set whose members do not agree
  could not finalize, and the network would stand again.
- It is signed by more than a third of the set it overtakes. *Why:* as long as less than a third
  lies, an honest member is among them; and nothing was final without one of them.
- No node takes one by itself, from a peer or from a block. *Why:* a set that can be overtaken
  without people deciding it can be overtaken by whoever cuts the network in two.
Spec: docs/spec/consensus.md, section 9.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from chain.consensus.authorityset import (
    AUTHORITIES_MAX,
    SET_LIMITS,
    AuthoritySet,
    decode_set,
)
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, KeyPair, verify

FORMAT = "cornerstone-recovery/1"
CONTEXT = "cornerstone/recovery/1"
REASON_BYTES_MAX = 1024
"""A paragraph, for the logs of those who come later."""
SIGNATURES_MAX = 2 * AUTHORITIES_MAX  # members of both sets
RECOVERY_LIMITS = Limits(
    size=2 * SET_LIMITS.size + REASON_BYTES_MAX + 128 * SIGNATURES_MAX,
    depth=3,
    items=3 * SIGNATURES_MAX + 16,
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Behind which block which set takes over from which, why, and who says so, by vote key."""

    chain: Hash
    block: Hash
    height: int
    slot: int
    overtaken: AuthoritySet
    following: AuthoritySet
    reason: str
    signatures: tuple[tuple[bytes, bytes], ...] = ()

    def signed_bytes(self) -> bytes:
        """What everybody signs."""
        return cbor.encode(
            [
                CONTEXT,
                self.chain,
                self.block,
                self.height,
                self.slot,
                self.overtaken.hash,
                self.following.hash,
                self.reason,
            ]
        )

    def signed(self, key: KeyPair) -> Self:
        """The same, signed with one more vote key. Raises Invalid for the key of a stranger."""
        if not self._seats(key.public):
            raise Invalid("recovery-signer", f"{key.public.hex()} is a vote key of neither set")
        others = [pair for pair in self.signatures if pair[0] != key.public]
        pair = (key.public, key.sign(self.signed_bytes()))
        return replace(self, signatures=tuple(sorted((*others, pair))))

    def encode(self) -> bytes:
        """The file."""
        return cbor.encode(
            [
                FORMAT,
                self.chain,
                self.block,
                self.height,
                self.slot,
                self.overtaken.raw,
                self.following.raw,
                self.reason,
                [[key, signature] for key, signature in self.signatures],
            ]
        )

    def check(self, chain: Hash) -> None:
        """Raise Invalid unless it is of this chain and enough have signed it."""
        if self.chain != chain:
            raise Invalid("wrong-chain", f"a recovery of {self.chain.hex()}, not {chain.hex()}")
        if self.following.id != self.overtaken.id + 1:
            raise Invalid(
                "recovery-set", f"set {self.following.id} cannot follow set {self.overtaken.id}"
            )
        message = self.signed_bytes()
        for key, signature in self.signatures:
            if not self._seats(key):
                raise Invalid("recovery-signer", f"{key.hex()} is a vote key of neither set")
            if not verify(key, message, signature):
                raise Invalid("recovery-signature", f"the signature of {key.hex()} is wrong")
        new, old = self._count(self.following), self._count(self.overtaken)
        if new < self.following.quorum:
            raise Invalid(
                "recovery-unsigned",
                f"{new} of the {len(self.following.members)} authorities to come have signed, "
                f"{self.following.quorum} are needed",
            )
        if 3 * old <= len(self.overtaken.members):
            raise Invalid(
                "recovery-unsigned",
                f"{old} of the {len(self.overtaken.members)} authorities in force have signed, "
                "more than a third is needed",
            )

    def _seats(self, key: bytes) -> bool:
        return any(
            key == member.vote
            for authorities in (self.overtaken, self.following)
            for member in authorities.members
        )

    def _count(self, authorities: AuthoritySet) -> int:
        keys = dict(self.signatures)
        return sum(member.vote in keys for member in authorities.members)


def decode_recovery(raw: bytes) -> Recovery:
    """Read a recovery; judged by `check`. Raises Malformed or Invalid."""
    form, *values = shape.array(cbor.decode(raw, RECOVERY_LIMITS), 9, "recovery")
    if form != FORMAT:
        raise Malformed("recovery-format", f"expected {FORMAT!r}, got {form!r}")
    chain, block, height, slot, overtaken, following, reason, signatures = values
    pairs = [
        shape.array(pair, 2, "signature")
        for pair in shape.items(signatures, SIGNATURES_MAX, "signatures")
    ]
    read = tuple(
        (
            shape.blob(key, PUBLIC_KEY_BYTES, "vote key"),
            shape.blob(signature, SIGNATURE_BYTES, "signature"),
        )
        for key, signature in pairs
    )
    if any(a[0] >= b[0] for a, b in pairwise(read)):
        raise Invalid("recovery-signatures", "each key once, in ascending order")
    return Recovery(
        Hash(shape.blob(chain, HASH_BYTES, "chain")),
        Hash(shape.blob(block, HASH_BYTES, "block")),
        shape.uint(height, shape.UINT63_MAX, "height"),
        shape.uint(slot, shape.UINT63_MAX, "slot"),
        decode_set(shape.blob_max(overtaken, SET_LIMITS.size, "set in force")),
        decode_set(shape.blob_max(following, SET_LIMITS.size, "set to come")),
        shape.text(reason, REASON_BYTES_MAX, "reason"),
        read,
    )
