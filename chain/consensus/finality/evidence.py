"""Evidence: two things signed by one authority that nobody honest signs both of.

Rules:
- *Double block*: two sealed headers of one slot. *Double vote*: two votes of one set for the same
  target epoch. *Surround*: of two votes of one set, one has the earlier source and the later
  target. *Why within a set:* a new set starts from a base of its own (docs/spec/consensus.md,
  section 6), so an honest member of two sets may cross its earlier votes there, to no effect.
- The two stand in ascending order of their bytes. *Why:* one offence has one encoding, so it
  cannot be reported twice by turning it around.
- Evidence proves that a key signed both; whose key it is, the reader's state says.
Spec: docs/spec/consensus.md, section 8.
"""

from dataclasses import dataclass
from enum import StrEnum

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX, Header, decode_header
from chain.consensus.authority import sealed_bytes
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import HASH_BYTES, Hash, sha256
from chain.primitives.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verify

EVIDENCE_BYTES_MAX = 2 * (HEADER_BYTES_MAX + SEAL_BYTES_MAX) + 256
EVIDENCE_LIMITS = Limits(size=EVIDENCE_BYTES_MAX, depth=4, items=32)


class Offence(StrEnum):
    """What evidence shows."""

    BLOCKS = "blocks"  # two blocks in one slot, sealed by a key of purpose seal
    VOTES = "votes"  # two votes that exclude each other, signed by a key of purpose vote


@dataclass(frozen=True, slots=True)
class Evidence:
    """The offence, the offender (32-byte id), its public key, and the two signed things.

    Each is an array: [header bytes, seal], or [set id, source, target, signature].
    """

    offence: Offence
    offender: bytes
    key: bytes
    first: bytes
    second: bytes

    def to_value(self) -> list[Value]:
        """The array evidence travels as: [offence, offender, key, first, second]."""
        return [self.offence.value, self.offender, self.key, self.first, self.second]

    def encode(self) -> bytes:
        """Its one encoding."""
        return cbor.encode(self.to_value())

    @property
    def id(self) -> Hash:
        """The hash of its encoding."""
        return sha256(self.encode())

    def epochs(self) -> tuple[int, int]:
        """The slots of the blocks, or the targets' epochs of the votes. Raises Refusal."""
        if self.offence is Offence.BLOCKS:
            return _sealed(self.first)[0].slot, _sealed(self.second)[0].slot
        return _signed(self.first)[0].target.epoch, _signed(self.second)[0].target.epoch

    def set_id(self) -> int:
        """The later of the sets that the two name. Raises Refusal.

        The two blocks of a slot may be of two sets, on two branches.
        """
        if self.offence is Offence.BLOCKS:
            return max(_sealed(self.first)[0].set_id, _sealed(self.second)[0].set_id)
        return max(_signed(self.first)[0].set_id, _signed(self.second)[0].set_id)

    def check(self, chain: Hash) -> None:
        """Raise Refusal unless both are signed by the key, on this chain, and exclude each other.

        Whether the key is the offender's, and of the right purpose, is the caller's to check.
        """
        if self.first >= self.second:
            raise Invalid("evidence-order", "the two things are not in ascending order, or equal")
        if self.offence is Offence.BLOCKS:
            self._check_blocks(chain)
        else:
            self._check_votes(chain)

    def _check_blocks(self, chain: Hash) -> None:
        headers = [_sealed(raw) for raw in (self.first, self.second)]
        for header, seal in headers:
            if header.chain != chain or header.author != self.offender:
                raise Invalid(
                    "evidence-block",
                    f"block {header.id.hex()} is of chain {header.chain.hex()} by "
                    f"{header.author.hex()}, the evidence against {self.offender.hex()}",
                )
            if not verify(self.key, sealed_bytes(header.id), seal):
                raise Invalid("evidence-signature", f"{header.id.hex()} is not sealed by the key")
        (a, _), (b, _) = headers
        if a.slot != b.slot or a.id == b.id:
            raise Invalid(
                "evidence-harmless", f"blocks of slots {a.slot} and {b.slot} exclude nothing"
            )

    def _check_votes(self, chain: Hash) -> None:
        votes = [_signed(raw) for raw in (self.first, self.second)]
        for vote, signature in votes:
            if not verify(self.key, vote.signed_bytes(chain), signature):
                raise Invalid("evidence-signature", "a vote is not signed by the key")
        (a, _), (b, _) = votes
        if not exclude(a, b):
            raise Invalid(
                "evidence-harmless",
                f"votes {a.source.epoch} to {a.target.epoch} of set {a.set_id} and "
                f"{b.source.epoch} to {b.target.epoch} of set {b.set_id} may both be signed",
            )


def exclude(a: Vote, b: Vote) -> bool:
    """Whether no honest member signs both: a double vote, or one surrounds the other."""
    if a.set_id != b.set_id or a == b:
        return False
    if a.target.epoch == b.target.epoch:
        return True
    inner, outer = (a, b) if a.target.epoch < b.target.epoch else (b, a)
    return outer.source.epoch < inner.source.epoch


def of_blocks(
    offender: bytes, key: bytes, one: tuple[Header, bytes], other: tuple[Header, bytes]
) -> Evidence:
    """Evidence from two headers with their seals."""
    a, b = (cbor.encode([header.raw, seal]) for header, seal in (one, other))
    return Evidence(Offence.BLOCKS, offender, key, min(a, b), max(a, b))


def of_votes(
    offender: bytes, key: bytes, one: tuple[Vote, bytes], other: tuple[Vote, bytes]
) -> Evidence:
    """Evidence from two votes with their signatures."""
    a, b = (
        cbor.encode([v.set_id, v.source.to_value(), v.target.to_value(), signature])
        for v, signature in (one, other)
    )
    return Evidence(Offence.VOTES, offender, key, min(a, b), max(a, b))


def evidence_from_value(value: Value) -> Evidence:
    """Read evidence; `check` judges it. Raises Malformed or Invalid."""
    offence, offender, key, first, second = shape.array(value, 5, "evidence")
    named = shape.text(offence, 16, "offence")
    if named not in list(Offence):
        raise Invalid("evidence-offence", f"{named!r} is unknown; known: {', '.join(Offence)}")
    return Evidence(
        Offence(named),
        shape.blob(offender, HASH_BYTES, "offender"),
        shape.blob(key, PUBLIC_KEY_BYTES, "key"),
        shape.blob_max(first, EVIDENCE_BYTES_MAX, "first"),
        shape.blob_max(second, EVIDENCE_BYTES_MAX, "second"),
    )


def decode_evidence(raw: bytes) -> Evidence:
    """Read evidence from a file or an event of a node. Raises Malformed or Invalid."""
    return evidence_from_value(cbor.decode(raw, EVIDENCE_LIMITS))


def _sealed(raw: bytes) -> tuple[Header, bytes]:
    header, seal = shape.array(cbor.decode(raw, EVIDENCE_LIMITS), 2, "sealed header")
    return (
        decode_header(shape.blob_max(header, HEADER_BYTES_MAX, "header")),
        shape.blob_max(seal, SEAL_BYTES_MAX, "seal"),
    )


def _signed(raw: bytes) -> tuple[Vote, bytes]:
    set_id, source, target, signature = shape.array(
        cbor.decode(raw, EVIDENCE_LIMITS), 4, "signed vote"
    )
    vote = Vote(
        shape.uint(set_id, shape.UINT63_MAX, "set id"),
        Checkpoint.from_value(source),
        Checkpoint.from_value(target),
    )
    return vote, shape.blob(signature, SIGNATURE_BYTES, "signature")
