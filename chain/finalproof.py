"""What shows that a header is final, and that a set of authorities took over from the one before.

A certificate justifies its target. When its epochs are adjacent its source is final too, and honest
members vote only from a source that is justified: one certificate is the whole proof of finality.
A handover is such a proof for the block that decided a change, together with the set it decided.
Spec: docs/spec/receipts.md, sections 1 and 2.
"""

from dataclasses import dataclass
from typing import Self

from chain.block import CERTIFICATE_BYTES_MAX, HEADER_BYTES_MAX, Header, decode_header
from chain.consensus.authorityset import SET_LIMITS, AuthoritySet, decode_set
from chain.consensus.finality.certificate import (
    Certificate,
    Known,
    check_signatures,
    decode_certificate,
)
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash

HANDOVER_BYTES_MAX = HEADER_BYTES_MAX + CERTIFICATE_BYTES_MAX + SET_LIMITS.size + 16
HANDOVER_LIMITS = Limits(size=HANDOVER_BYTES_MAX, depth=1, items=4)


@dataclass(frozen=True, slots=True)
class FinalHeader:
    """A header and the certificate whose source it is."""

    header: Header
    certificate: Certificate

    def check(self, chain: Hash, authorities: AuthoritySet, known: Known | None = None) -> None:
        """Raise Invalid unless a quorum of this set made the header final."""
        header, vote = self.header, self.certificate.vote
        check_chain(header, chain)
        if (header.set_id, header.set_hash) != (authorities.id, authorities.hash):
            raise Invalid(
                "wrong-set",
                f"header {header.height} is of set {header.set_id} ({header.set_hash.hex()}), "
                f"in force is set {authorities.id} ({authorities.hash.hex()})",
            )
        if vote.source.block != header.id:
            raise Invalid(
                "wrong-source",
                f"the certificate's source is {vote.source.block.hex()}, "
                f"the header hashes to {header.id.hex()}",
            )
        if vote.target.epoch != vote.source.epoch + 1:
            raise Invalid(
                "not-adjacent",
                f"the certificate leads from epoch {vote.source.epoch} to {vote.target.epoch}; "
                "only with the next epoch as its target is its source final",
            )
        check_signatures(self.certificate, authorities, chain, known)

    @classmethod
    def from_values(cls, header: Value, certificate: Value) -> Self:
        """Read both from byte strings. Raises Malformed or Invalid."""
        return cls(
            decode_header(shape.blob_max(header, HEADER_BYTES_MAX, "final header")),
            decode_certificate(shape.blob_max(certificate, CERTIFICATE_BYTES_MAX, "certificate")),
        )


@dataclass(frozen=True, slots=True)
class Handover:
    """The final block that decided a change of the authorities, and the set it decided."""

    final: FinalHeader
    next_set: AuthoritySet

    def check(self, chain: Hash, authorities: AuthoritySet, known: Known | None = None) -> None:
        """Raise Invalid unless `authorities` handed over to the next set."""
        header, following = self.final.header, self.next_set
        if header.next_set != following.hash:
            raise Invalid(
                "wrong-next-set",
                f"header {header.height} names {header.next_set.hex() or 'no next set'}, "
                f"the set hashes to {following.hash.hex()}",
            )
        if following.id != authorities.id + 1:
            raise Invalid("wrong-set", f"set {following.id} does not follow set {authorities.id}")
        self.final.check(chain, authorities, known)

    def to_value(self) -> Value:
        """The array a handover travels as: [header, certificate, set], each in its encoding."""
        return [self.final.header.raw, self.final.certificate.encode(), self.next_set.raw]

    def encode(self) -> bytes:
        """The bytes of that array."""
        return cbor.encode(self.to_value())

    @classmethod
    def from_value(cls, value: Value) -> Self:
        """Read what `to_value` gave. Raises Malformed or Invalid."""
        header, certificate, following = shape.array(value, 3, "handover")
        return cls(
            FinalHeader.from_values(header, certificate),
            decode_set(shape.blob_max(following, SET_LIMITS.size, "next set")),
        )


def decode_handover(raw: bytes) -> Handover:
    """Read what `encode` gave. Raises Malformed or Invalid."""
    return Handover.from_value(cbor.decode(raw, HANDOVER_LIMITS))


def check_chain(header: Header, chain: Hash) -> None:
    """Raise Invalid unless a header is of that chain."""
    if header.chain != chain:
        raise Invalid(
            "wrong-network",
            f"header {header.height} is of chain {header.chain.hex()}, "
            f"the genesis hashes to {chain.hex()}",
        )
