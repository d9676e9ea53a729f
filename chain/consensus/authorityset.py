"""The authorities that are in force together: who they are, what they seal and vote with.

Rules:
- Members stand in ascending order of their ids. *Why:* slot s belongs to member s mod n, and a bit
  in a certificate to the member at that place; everybody must count alike.
- A member has one vote key, and no key appears twice in a set. *Why:* a second vote key would be a
  second vote, and a key with two purposes could be tricked into signing one as the other.
- A set does not change: new keys or new members are a new set, under the next id. *Why:* whoever
  checks a certificate later needs the keys of that time, and finds them under the set's hash.
Spec: docs/spec/consensus.md, section 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import HASH_BYTES, Hash, sha256
from chain.primitives.keys import PUBLIC_KEY_BYTES
from chain.transactions.document import Key, Purpose

AUTHORITIES_MAX = 200
"""A certificate with every signature then takes 13 KB of a block."""
SEALS_MAX = 8
"""Seal keys of one member: the machines that may stand in for each other."""
SET_LIMITS = Limits(size=1 << 17, depth=4, items=AUTHORITIES_MAX * (SEALS_MAX + 4) + 8)


@dataclass(frozen=True, slots=True)
class Member:
    """An authority (32-byte id) and its public keys."""

    did: bytes
    seals: tuple[bytes, ...]
    vote: bytes

    def to_value(self) -> Value:
        """The array a member travels as: [did, [seal key], vote key]."""
        return [self.did, list(self.seals), self.vote]


def member(did: bytes, keys: Iterable[Key]) -> Member:
    """The member an identity makes. Raises Invalid when it lacks the keys of an authority."""
    listed = list(keys)
    seals = tuple(key.public for key in listed if key.purpose is Purpose.SEAL)
    votes = [key.public for key in listed if key.purpose is Purpose.VOTE]
    if not 1 <= len(seals) <= SEALS_MAX:
        raise Invalid(
            "authority-keys",
            f"{len(seals)} keys of purpose seal: an authority needs a key of purpose seal, "
            f"and has at most {SEALS_MAX}",
        )
    if len(votes) != 1:
        raise Invalid(
            "authority-keys",
            f"{len(votes)} keys of purpose vote: an authority needs exactly one key of "
            "purpose vote",
        )
    return Member(did, seals, votes[0])


def quorum(members: int) -> int:
    """How many of a set must sign: more than two thirds, so that any two quorums share an honest
    member while less than a third is dishonest."""
    return 2 * members // 3 + 1


@dataclass(frozen=True, slots=True)
class AuthoritySet:
    """A set and its number; correct by construction (raises Invalid). Empty only under `work`."""

    id: int
    members: tuple[Member, ...]
    raw: bytes = field(init=False, compare=False, repr=False)
    hash: Hash = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check(self.members)
        value: Value = [self.id, [member.to_value() for member in self.members]]
        object.__setattr__(self, "raw", cbor.encode(value))
        object.__setattr__(self, "hash", sha256(self.raw))

    @classmethod
    def of(cls, set_id: int, members: Iterable[Member]) -> Self:
        """A set of these members, in whatever order they come."""
        return cls(set_id, tuple(sorted(members, key=lambda member: member.did)))

    @property
    def quorum(self) -> int:
        """Signatures a certificate of this set needs."""
        return quorum(len(self.members))

    def leader(self, slot: int) -> Member:
        """The member to whom a slot belongs."""
        return self.members[slot % len(self.members)]

    def index(self, did: bytes) -> int | None:
        """A member's place, which is its bit in certificates; None for a stranger."""
        for place, member in enumerate(self.members):
            if member.did == did:
                return place
        return None


def decode_set(raw: bytes) -> AuthoritySet:
    """Read a set, as the state keeps it under `set/cur` and `set/pend`. Raises Refusal."""
    set_id, members = shape.array(cbor.decode(raw, SET_LIMITS), 2, "authority set")
    return AuthoritySet(
        shape.uint(set_id, shape.UINT63_MAX, "set id"),
        tuple(_member(value) for value in shape.items(members, AUTHORITIES_MAX, "members")),
    )


def _member(value: Value) -> Member:
    did, seals, vote = shape.array(value, 3, "member")
    return Member(
        shape.blob(did, HASH_BYTES, "member id"),
        tuple(
            shape.blob(seal, PUBLIC_KEY_BYTES, "seal key")
            for seal in shape.items(seals, SEALS_MAX, "seal keys")
        ),
        shape.blob(vote, PUBLIC_KEY_BYTES, "vote key"),
    )


def _check(members: tuple[Member, ...]) -> None:
    if len(members) > AUTHORITIES_MAX:
        raise Invalid(
            "authority-set", f"{len(members)} authorities, at most {AUTHORITIES_MAX} are allowed"
        )
    dids = [member.did for member in members]
    if any(a >= b for a, b in pairwise(dids)):
        raise Invalid("authority-set", "authorities: each once, in ascending order of their ids")
    seen = dict[bytes, bytes]()
    for member in members:
        if not member.seals:
            raise Invalid("authority-set", f"{member.did.hex()} has no seal key")
        for key in (*member.seals, member.vote):
            if key in seen:
                raise Invalid(
                    "authority-set",
                    f"key {key.hex()} of {member.did.hex()} is one of {seen[key].hex()} already",
                )
            seen[key] = member.did
