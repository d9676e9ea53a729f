"""Transactions that came by lately, whatever became of them: a block may hold what no pool holds.

The mempool forgets what a block took, what was replaced, what it declined; and what is still being
validated is not there yet. Another block, by a peer that saw things in another order, may hold any
of it, and asking for it again would cost a round trip.
Bounds: RECENT_MAX transactions and RECENT_BYTES_MAX, the oldest forgotten first. *Why it cannot be
used to hurt:* gossip lets in only what it has asked for or has budgeted, and what is forgotten too
soon costs a round trip, never a block.
"""

from collections import OrderedDict
from collections.abc import Iterator

from chain.primitives.hashing import Hash

RECENT_MAX = 16_384  # half a minute at 500 a second: longer than blocks of two branches are apart
RECENT_BYTES_MAX = 8 * 1024 * 1024


class RecentTransactions:
    """Raw transactions by the SHA-256 of their bytes, in order of arrival."""

    def __init__(self) -> None:
        self._raws: OrderedDict[Hash, tuple[bytes, float]] = OrderedDict()
        self.size = 0  # bytes kept

    def __len__(self) -> int:
        return len(self._raws)

    def __iter__(self) -> Iterator[Hash]:
        """The hashes, the newest first."""
        return reversed(self._raws)

    def add(self, digest: Hash, raw: bytes, now_s: float) -> None:
        """Keep one; a second arrival changes nothing."""
        if digest in self._raws:
            return
        self._raws[digest] = raw, now_s
        self.size += len(raw)
        while len(self._raws) > RECENT_MAX or self.size > RECENT_BYTES_MAX:
            _, (oldest, _) = self._raws.popitem(last=False)
            self.size -= len(oldest)

    def get(self, digest: Hash) -> bytes | None:
        """The bytes with this hash."""
        kept = self._raws.get(digest)
        return None if kept is None else kept[0]

    def since(self, after_s: float) -> Iterator[bytes]:
        """Those that came after a moment, the newest first."""
        for raw, came_s in reversed(self._raws.values()):
            if came_s <= after_s:
                return
            yield raw
