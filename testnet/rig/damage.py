"""Corrupt: a message's bytes are damaged before they are encrypted, one way or another."""

import random
from collections.abc import Callable

from p2p.peers.peer import PeerId
from p2p.wire.codec import encode_message
from testnet.faults.gossip import Corrupt
from testnet.rig.aim import Aim
from testnet.rig.behaviour import Item
from testnet.rig.quiet import Quiet

DEEP = 10_000
"""Arrays within arrays: far beyond any decoder's recursion, in 10 kB."""

ARRAY = 0x80
ARRAY_OF_ONE = 0x81
ARRAY_LENGTH_FOLLOWS = 0x98
"""First bytes of CBOR arrays (RFC 8949, section 3): every message is one of less than 24 items."""


class Corrupting(Quiet):
    """Damages what it hits, so that the receiver has to refuse it by itself."""

    def __init__(self, kind: Corrupt, to: frozenset[str]) -> None:
        super().__init__()
        self._damage = DAMAGES[kind.how]
        self._aim = Aim(kind.messages, kind.probability, to)

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return [self._damaged(peer, item) for item in items]

    def _damaged(self, peer: PeerId, item: Item) -> Item:
        if isinstance(item, bytes) or not self._aim.takes(self.host, peer, item):
            return item
        self.hits += 1
        return self._damage(encode_message(item), self.host.rng)


def bit_flip(data: bytes, rng: random.Random) -> bytes:
    """One bit is the other."""
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]


def truncate(data: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: rng.randrange(1, len(data))]


def non_canonical(data: bytes, rng: random.Random) -> bytes:
    """The same message in one byte more: the array's length has a longer form than needed."""
    return bytes([ARRAY_LENGTH_FOLLOWS, data[0] - ARRAY]) + data[1:]


def deep_nesting(data: bytes, rng: random.Random) -> bytes:
    """Nothing but arrays, one in another."""
    return bytes([ARRAY_OF_ONE]) * DEEP + bytes([ARRAY])


def wrong_length(data: bytes, rng: random.Random) -> bytes:
    """The array says that it holds one item more, or one less, than follow."""
    return bytes([data[0] + rng.choice((-1, 1))]) + data[1:]


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "bit-flip": bit_flip,
    "truncate": truncate,
    "non-canonical": non_canonical,
    "deep-nesting": deep_nesting,
    "wrong-length": wrong_length,
}
