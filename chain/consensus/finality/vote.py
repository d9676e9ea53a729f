"""Checkpoints and votes: what an authority signs for finality.

An epoch is a slot. A checkpoint is a block at an epoch not before the block's own slot: the same
block can be voted for again in later slots. Spec: docs/spec/consensus.md, section 2.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Self

from chain.consensus.authorityset import AUTHORITIES_MAX
from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.keys import SIGNATURE_BYTES, verify

VOTE_CONTEXT = "cornerstone/vote/1"
SAID_KNOWN_MAX = 64
"""What was signed lately: all members of a set sign the same bytes, each looked at thrice."""
VOTE_LIMITS = Limits(size=256, depth=2, items=16)


class Checkpoint(NamedTuple):
    """A block (its id) at an epoch."""

    block: Hash
    epoch: int

    @classmethod
    def from_value(cls, value: Value) -> Self:
        """Read [block id, epoch]. Raises Malformed."""
        block, epoch = shape.array(value, 2, "checkpoint")
        return cls(
            Hash(shape.blob(block, HASH_BYTES, "checkpoint's block")),
            shape.uint(epoch, shape.UINT63_MAX, "epoch"),
        )

    def to_value(self) -> Value:
        """The array a checkpoint travels as."""
        return [self.block, self.epoch]


@dataclass(frozen=True, slots=True)
class Vote:
    """What members of one set say alike: from a justified source to a target."""

    set_id: int
    source: Checkpoint
    target: Checkpoint

    def signed_bytes(self, chain: Hash) -> bytes:
        """What each of them signs; the chain's id keeps it from counting anywhere else."""
        return _said(self, chain)


@lru_cache(maxsize=SAID_KNOWN_MAX)
def _said(vote: Vote, chain: Hash) -> bytes:
    return cbor.encode(
        [VOTE_CONTEXT, chain, vote.set_id, vote.source.to_value(), vote.target.to_value()]
    )


@dataclass(frozen=True, slots=True)
class SignedVote:
    """One member's vote: `member` is its place in the set."""

    vote: Vote
    member: int
    signature: bytes

    def encode(self) -> bytes:
        """The form that travels: [set id, source, target, member, signature]."""
        vote = self.vote
        return cbor.encode(
            [
                vote.set_id,
                vote.source.to_value(),
                vote.target.to_value(),
                self.member,
                self.signature,
            ]
        )

    def verifies(self, key: bytes, chain: Hash) -> bool:
        """Whether the signature is by this vote key."""
        return verify(key, self.vote.signed_bytes(chain), self.signature)


def decode_vote(raw: bytes) -> SignedVote:
    """Read a vote as it travels; its signature is not checked. Raises Malformed."""
    set_id, source, target, member, signature = shape.array(
        cbor.decode(raw, VOTE_LIMITS), 5, "vote"
    )
    return SignedVote(
        Vote(
            shape.uint(set_id, shape.UINT63_MAX, "set id"),
            Checkpoint.from_value(source),
            Checkpoint.from_value(target),
        ),
        shape.uint(member, AUTHORITIES_MAX - 1, "member"),
        shape.blob(signature, SIGNATURE_BYTES, "signature"),
    )
