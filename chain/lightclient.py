"""A client that follows what is final by certificates and handovers, and needs no blocks.

Rules:
- It begins at the genesis, or at a recent checkpoint that somebody it trusts gave it. *Why a
  checkpoint:* the keys of authorities long gone can be stolen or sold, and with a quorum of them
  another history can be signed; who starts from a recent final block cannot be led there (weak
  subjectivity).
- A set's certificates count until its handover has been followed. *Why:* sets meet only at a block
  that is final under the earlier one, so one chain of handovers leads to each set.
- What is final stays: a final header that contradicts one it holds is refused as a conflict. *Why:*
  it takes a third of a set to lie, and then people must choose, not a program.
Cost: a quorum of signature checks for each header and each handover that is followed.
Spec: docs/spec/receipts.md, section 2.
"""

from dataclasses import dataclass
from typing import Self

from chain.block import HEADER_BYTES_MAX, Header, decode_header
from chain.consensus.authorityset import SET_LIMITS, AuthoritySet, decode_set
from chain.consensus.finality.certificate import Known
from chain.finalproof import FinalHeader, Handover, check_chain
from chain.genesis import Genesis
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import Hash

CHECKPOINT_FORMAT = "cornerstone-checkpoint/1"
CHECKPOINT_LIMITS = Limits(size=SET_LIMITS.size + 1024, depth=1, items=4)


@dataclass(frozen=True, slots=True)
class TrustedCheckpoint:
    """A final header whose word is taken, and the set by which it is final."""

    header: Header
    authorities: AuthoritySet

    def __post_init__(self) -> None:
        named = (self.header.set_id, self.header.set_hash)
        given = (self.authorities.id, self.authorities.hash)
        if named != given:
            raise Invalid(
                "wrong-set",
                f"the header is of set {named[0]} ({named[1].hex()}), "
                f"the set given is {given[0]} ({given[1].hex()})",
            )

    def encode(self) -> bytes:
        """The form it is handed around in: [format, header, set]."""
        return cbor.encode([CHECKPOINT_FORMAT, self.header.raw, self.authorities.raw])


def decode_checkpoint(raw: bytes) -> TrustedCheckpoint:
    """Read a checkpoint. Raises Malformed or Invalid."""
    form, header, authorities = shape.array(cbor.decode(raw, CHECKPOINT_LIMITS), 3, "checkpoint")
    if form != CHECKPOINT_FORMAT:
        raise Malformed("checkpoint-format", f"expected {CHECKPOINT_FORMAT!r}, got {form!r}")
    return TrustedCheckpoint(
        decode_header(shape.blob_max(header, HEADER_BYTES_MAX, "header")),
        decode_set(shape.blob_max(authorities, SET_LIMITS.size, "authority set")),
    )


class LightClient:
    """Where a client stands: the set in force, and the newest final header it knows."""

    def __init__(
        self,
        chain: Hash,
        authorities: AuthoritySet,
        header: Header | None = None,
        known: Known | None = None,
    ) -> None:
        """`known` says which signatures were found good before; they are not verified again."""
        if not authorities.members:
            raise Invalid(
                "never-final", "nobody votes on this network, so nothing on it becomes final"
            )
        self.chain = chain
        self.authorities = authorities
        self.header = header
        self._known = known

    @classmethod
    def from_genesis(cls, genesis: Genesis, known: Known | None = None) -> Self:
        """A client that has seen nothing but the genesis. Raises Invalid where nobody votes."""
        return cls(genesis.hash, genesis.authority_set, known=known)

    @classmethod
    def from_checkpoint(
        cls, chain: Hash, checkpoint: TrustedCheckpoint, known: Known | None = None
    ) -> Self:
        """A client that takes a checkpoint's word. Raises Invalid for one of another network."""
        check_chain(checkpoint.header, chain)
        return cls(chain, checkpoint.authorities, checkpoint.header, known)

    @property
    def height(self) -> int:
        """Height of the newest final header; 0 before the first."""
        return 0 if self.header is None else self.header.height

    def hand_over(self, handover: Handover) -> None:
        """Follow a change of the authorities. Raises Invalid, with nothing changed."""
        handover.check(self.chain, self.authorities, self._known)
        self._follow(handover.final.header)
        self.authorities = handover.next_set

    def finalize(self, final: FinalHeader) -> bool:
        """Take a final header; True when it is newer than what was known. Raises Invalid."""
        final.check(self.chain, self.authorities, self._known)
        return self._follow(final.header)

    def checkpoint(self) -> TrustedCheckpoint | None:
        """Where to begin next time. None before the first final header of the set in force."""
        header = self.header
        if header is None or header.set_hash != self.authorities.hash:
            return None
        return TrustedCheckpoint(header, self.authorities)

    def _follow(self, header: Header) -> bool:
        newest = self.header
        if newest is None:
            self.header = header
            return True
        above, later = header.height > newest.height, header.slot > newest.slot
        same_height = header.height == newest.height
        if above != later or (same_height and header.id != newest.id):
            raise Invalid(
                "conflicting-final",
                f"a quorum has made {header.id.hex()} (height {header.height}, slot "
                f"{header.slot}) final, and before it {newest.id.hex()} (height "
                f"{newest.height}, slot {newest.slot}): one of them is a lie",
            )
        if above:
            self.header = header
        return above
