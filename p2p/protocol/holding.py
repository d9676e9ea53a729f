"""What our mempool holds, by short id under our own key, and what it adds up to by bucket."""

import struct
from collections.abc import Iterator

from chain.primitives.hashing import Hash
from p2p.wire.fields import Short
from p2p.wire.messages import BUCKETS
from p2p.wire.shorts import Shortener

_SUM = struct.Struct(">IQ")


def bucket_of(short: Short) -> int:
    """The bucket an id falls into."""
    return short[0] % BUCKETS


class Sums:
    """For each bucket the number of ids and the exclusive or of their short ids."""

    __slots__ = ("_counts", "_total", "_xors")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._xors = [0] * BUCKETS
        self._total = 0

    def change(self, short: Short, by: int) -> None:
        """One id more (1) or less (-1)."""
        bucket = bucket_of(short)
        self._counts[bucket] += by
        self._xors[bucket] ^= int.from_bytes(short)
        self._total += by

    def encode(self) -> bytes:
        """As Reconcile carries them; nothing where nothing is held."""
        if not self._total:
            return b""
        return b"".join(map(_SUM.pack, self._counts, self._xors))

    def differing(self, sums: bytes) -> int:
        """The buckets in which another's encoded sums differ from these, one bit each."""
        theirs = list(_SUM.iter_unpack(sums or bytes(_SUM.size * BUCKETS)))
        buckets = 0
        for bucket in range(BUCKETS):
            if (self._counts[bucket], self._xors[bucket]) != theirs[bucket]:
                buckets |= 1 << bucket
        return buckets


class Holding:
    """Ids of the mempool. Two that look alike under our key are both held; the first is found."""

    def __init__(self, shortener: Shortener) -> None:
        self._shortener = shortener
        self._shorts: dict[Hash, Short] = {}
        self._ids: dict[Short, Hash] = {}
        self.sums = Sums()

    def __len__(self) -> int:
        return len(self._shorts)

    def __iter__(self) -> Iterator[Hash]:
        """The ids, in the order they came."""
        return iter(self._shorts)

    def short(self, txid: Hash) -> Short:
        """An id's short id under our key."""
        return self._shorts.get(txid) or self._shortener.of(txid)

    def find(self, short: Short) -> Hash | None:
        """The id we hold under a short id."""
        return self._ids.get(short)

    def add(self, txid: Hash) -> None:
        """The mempool took it in."""
        if txid not in self._shorts:
            short = self._shorts[txid] = self._shortener.of(txid)
            self._ids.setdefault(short, txid)
            self.sums.change(short, 1)

    def remove(self, txid: Hash) -> Short | None:
        """The mempool let it go; its short id, if it was held."""
        short = self._shorts.pop(txid, None)
        if short is not None:
            self.sums.change(short, -1)
            if self._ids.get(short) == txid:
                del self._ids[short]
        return short
