"""The messages that bring finality: votes, and certificates made of them.

Both travel as the bytes they were made of. *Why:* one that is known is recognised by its bytes
before anything is decoded, and what is passed on is what came.
"""

from dataclasses import dataclass
from typing import ClassVar

from chain.block import CERTIFICATE_BYTES_MAX
from chain.consensus.authorityset import AUTHORITIES_MAX
from chain.primitives.cbor import Value
from p2p.wire.fields import blobs, length
from p2p.wire.lanes import Lane

VOTES_MAX = 2 * AUTHORITIES_MAX  # a whole set's votes for two slots: what a new peer is told
VOTE_BYTES_MAX = 256  # with the largest numbers it takes 174
CERTIFICATES_SENT_MAX = 16  # a quarter of what one block may carry; usually three are of use


@dataclass(frozen=True, slots=True)
class Votes:
    """Signed votes, not decoded here; nobody asks for them."""

    KIND: ClassVar[int] = 30
    LANE: ClassVar[Lane] = Lane.VOTE
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Votes":
        length(f, 1, "votes")
        return cls(blobs(f[0], VOTES_MAX, VOTE_BYTES_MAX, "vote"))


@dataclass(frozen=True, slots=True)
class Certificates:
    """Certificates, not decoded here; nobody asks for them."""

    KIND: ClassVar[int] = 31
    LANE: ClassVar[Lane] = Lane.VOTE
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Certificates":
        length(f, 1, "certificates")
        return cls(blobs(f[0], CERTIFICATES_SENT_MAX, CERTIFICATE_BYTES_MAX, "certificate"))
