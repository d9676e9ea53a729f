"""Ids that are not worth asking for: in the chain, of no use, or declined a moment ago."""

from chain.primitives.hashing import Hash
from p2p.peers.recent import RecentSet
from p2p.protocol.instant import Now

SETTLED_MAX = 65_536  # a generation of ids
RETRY_S = 10.0
DECLINED_MAX = 16_384


class Settled:
    """By full id, as bodies show it, and by the name under which it would be asked for."""

    def __init__(self) -> None:
        self._ids = RecentSet(SETTLED_MAX)
        self._items = RecentSet(SETTLED_MAX)
        self._declined: dict[bytes, float] = {}

    def __contains__(self, txid: Hash) -> bool:
        return txid in self._ids

    def wants(self, item: bytes, now: Now) -> bool:
        """Whether an id that is not held is worth asking for."""
        if item in self._items:
            return False
        return not self._declined or self._declined.get(item, 0.0) <= now.s

    def add(self, txid: Hash, item: bytes) -> None:
        """It needs no asking any more."""
        self._ids.add(txid)
        self._items.add(item)

    def discard(self, txid: Hash, item: bytes) -> None:
        """It is in the mempool again, or for the first time."""
        self._ids.discard(txid)
        self._items.discard(item)

    def decline(self, item: bytes, now: Now) -> None:
        """Not to be asked for before RETRY_S."""
        if len(self._declined) >= DECLINED_MAX:
            self._declined.clear()
        self._declined[item] = now.s + RETRY_S

    def clear(self) -> None:
        """A block left the chain: what it included may be wanted again."""
        self._ids = RecentSet(SETTLED_MAX)
        self._items = RecentSet(SETTLED_MAX)
