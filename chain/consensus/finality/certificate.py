"""Certificates: the votes of a quorum for one link, in a block or passed between peers.

Rules:
- Bit i, counted from the lowest bit of the first byte, stands for member i; the bits behind the
  last member are zero; signatures stand in the order of their bits. *Why:* one set of signers has
  one encoding, and nobody can be counted twice.
- The number of signatures is the number of bits, and at least the quorum.
Spec: docs/spec/consensus.md, section 3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chain.block import CERTIFICATE_BYTES_MAX
from chain.consensus.authorityset import AUTHORITIES_MAX, AuthoritySet
from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.primitives.keys import SIGNATURE_BYTES, verify

BITMAP_BYTES_MAX = (AUTHORITIES_MAX + 7) // 8
Known = Callable[[SignedVote], bool]
CERTIFICATE_LIMITS = Limits(size=CERTIFICATE_BYTES_MAX, depth=2, items=AUTHORITIES_MAX + 16)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One vote and who signed it."""

    vote: Vote
    bits: bytes
    signatures: tuple[bytes, ...]

    @property
    def signers(self) -> list[int]:
        """Places of the signers in their set, ascending."""
        return [i for i in range(8 * len(self.bits)) if self.bits[i >> 3] >> (i & 7) & 1]

    def encode(self) -> bytes:
        """The one encoding: [set id, source, target, bits, [signature]]."""
        vote = self.vote
        return cbor.encode(
            [
                vote.set_id,
                vote.source.to_value(),
                vote.target.to_value(),
                self.bits,
                list(self.signatures),
            ]
        )

    def votes(self) -> list[SignedVote]:
        """The votes it is made of."""
        pairs = zip(self.signers, self.signatures, strict=True)
        return [SignedVote(self.vote, member, signature) for member, signature in pairs]


def assemble(vote: Vote, signatures: Mapping[int, bytes], members: int) -> Certificate:
    """The certificate of a vote from signatures by place, for a set of `members`."""
    bits = bytearray((members + 7) // 8)
    for member in signatures:
        bits[member >> 3] |= 1 << (member & 7)
    return Certificate(vote, bytes(bits), tuple(signatures[i] for i in sorted(signatures)))


def decode_certificate(raw: bytes) -> Certificate:
    """Read a certificate; judged against a set by `check_signatures`. Raises Malformed, Invalid."""
    set_id, source, target, bits, signatures = shape.array(
        cbor.decode(raw, CERTIFICATE_LIMITS), 5, "certificate"
    )
    certificate = Certificate(
        Vote(
            shape.uint(set_id, shape.UINT63_MAX, "set id"),
            Checkpoint.from_value(source),
            Checkpoint.from_value(target),
        ),
        shape.blob_max(bits, BITMAP_BYTES_MAX, "bits"),
        tuple(
            shape.blob(signature, SIGNATURE_BYTES, "signature")
            for signature in shape.items(signatures, AUTHORITIES_MAX, "signatures")
        ),
    )
    if len(certificate.signers) != len(certificate.signatures):
        raise Invalid(
            "certificate-signers",
            f"{len(certificate.signers)} bits for {len(certificate.signatures)} signatures",
        )
    return certificate


def check_signers(certificate: Certificate, authorities: AuthoritySet) -> None:
    """Raise Invalid unless a quorum of the set is said to have signed, and nobody else."""
    members = authorities.members
    if certificate.vote.set_id != authorities.id:
        raise Invalid(
            "certificate-set",
            f"of set {certificate.vote.set_id}, judged by set {authorities.id}",
        )
    if len(certificate.bits) != (len(members) + 7) // 8:
        raise Invalid(
            "certificate-bits",
            f"{len(certificate.bits)} bytes of bits for a set of {len(members)}",
        )
    signers = certificate.signers
    if signers and signers[-1] >= len(members):
        raise Invalid("certificate-bits", f"bit {signers[-1]} in a set of {len(members)}")
    if len(signers) < authorities.quorum:
        raise Invalid(
            "certificate-quorum",
            f"{len(signers)} of {len(members)} signed, {authorities.quorum} are needed",
        )


def check_signatures(
    certificate: Certificate, authorities: AuthoritySet, chain: Hash, known: Known | None = None
) -> None:
    """Raise Invalid unless a quorum of the set has signed, and nobody else.

    `known` says which signatures were found good before; they are not verified again.
    """
    check_signers(certificate, authorities)
    members = authorities.members
    message = certificate.vote.signed_bytes(chain)
    for signed in certificate.votes():
        if known is not None and known(signed):
            continue
        member = members[signed.member]
        if not verify(member.vote, message, signed.signature):
            raise Invalid(
                "certificate-signature",
                f"the signature of member {signed.member}, {member.did.hex()}, does not verify",
            )
