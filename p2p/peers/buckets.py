"""Buckets: where in the address book a contact may be, decided by a secret and by its network.

Rules (Bitcoin's addrman, and Heilman et al. 2015, "Eclipse Attacks on Bitcoin's Peer-to-Peer
Network", whose countermeasures it took up):
- A contact that was only heard of can be in one place for each source group, of the NEW_PER_SOURCE
  buckets that this source group reaches. *Why:* whoever floods us with addresses overwrites a
  sixteenth of the table, however many he sends.
- A contact that we have reached is in one of the TRIED_PER_GROUP buckets of its own group. *Why:*
  a network, however large, gets a thirty-second of what we trust most.
- Which bucket and which slot follows from a hash with the node's own secret. *Why:* nobody can work
  out which address pushes out which.
- The place follows from the address, not from the identity. *Why:* identities are free; a thousand
  of them at one address are one contact.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from p2p.peers.peer import PeerId

NEW_BUCKETS = 1024
TRIED_BUCKETS = 256
BUCKET_SLOTS = 64
NEW_PER_SOURCE = 64
TRIED_PER_GROUP = 8
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a table."""

    bucket: int
    position: int


class Placement:
    """The keyed hash that says where a contact belongs."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        assert len(secret) == SECRET_BYTES, "a secret has 32 bytes"
        self._secret = secret

    def new(self, address: str, group: str, source: str) -> Slot:
        """Where a contact of this group belongs that a source of that group has named."""
        one_of = self._hash("new", source, group) % NEW_PER_SOURCE
        bucket = self._hash("new", source, one_of) % NEW_BUCKETS
        return Slot(bucket, self._hash("new", bucket, address) % BUCKET_SLOTS)

    def tried(self, address: str, group: str) -> Slot:
        """Where a contact belongs that we have reached."""
        one_of = self._hash("tried", address) % TRIED_PER_GROUP
        bucket = self._hash("tried", group, one_of) % TRIED_BUCKETS
        return Slot(bucket, self._hash("tried", bucket, address) % BUCKET_SLOTS)

    def again(self, address: str, source: str, places: int) -> bool:
        """Whether a contact with so many places gets another one: half as likely with each."""
        return self._hash("again", address, source) % (1 << places) == 0

    def _hash(self, *parts: str | int) -> int:
        text = "\0".join(map(str, parts)).encode()
        return int.from_bytes(hashlib.blake2b(text, key=self._secret, digest_size=8).digest())


class Table:
    """Slots and who is in them. Only buckets that hold somebody take memory."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[int, dict[int, PeerId]] = {}

    def at(self, slot: Slot) -> PeerId | None:
        """Who is there."""
        return self._buckets.get(slot.bucket, {}).get(slot.position)

    def put(self, slot: Slot, peer: PeerId) -> None:
        """Fill an empty slot."""
        bucket = self._buckets.setdefault(slot.bucket, {})
        assert slot.position not in bucket, "the slot has been emptied before"
        bucket[slot.position] = peer

    def clear(self, slot: Slot) -> None:
        """Empty a slot."""
        bucket = self._buckets[slot.bucket]
        del bucket[slot.position]
        if not bucket:
            del self._buckets[slot.bucket]

    def fullest(self) -> list[PeerId]:
        """Who is in the bucket that holds most, those first that came first."""
        if not self._buckets:
            return []
        return list(max(self._buckets.values(), key=len).values())

    def walk(self, rng: random.Random) -> Iterator[PeerId]:
        """Everybody, one random bucket after the other; slots from a random one on.

        *Why by bucket:* who fills a few of them to the brim is met no more often than who is alone
        in one. The order is drawn as it is used, for most walks end early.
        """
        left = list(self._buckets)
        while left:
            chosen = rng.randrange(len(left))
            left[chosen], left[-1] = left[-1], left[chosen]
            peers = list(self._buckets[left.pop()].values())
            start = rng.randrange(len(peers))
            yield from peers[start:]
            yield from peers[:start]
