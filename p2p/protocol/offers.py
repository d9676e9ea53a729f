"""What we tell peers we have: fresh transactions in batches, pending ones again, never the known.

Rules:
- Fresh ids wait a random time, FLUSH_MAX_S at most, and go out together, to peers not known to have
  them. *Why together:* a frame costs the same for one id as for fifty. *Why random:* neighbours
  that got an id at the same moment would otherwise all announce it to each other.
- What is still pending after REMIND_S is announced once more to one random peer; a new peer is told
  everything pending. *Why:* a healed partition, or a peer whose pool was full, must not depend on
  luck; this is the backstop, so it need not be fast.
Bounds: KNOWN_MAX ids remembered per peer (2 MB at most); the pending are those of the mempool.
"""

import random
from collections.abc import Iterable
from itertools import islice

from chain.pool.mempool import Mempool
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet
from p2p.protocol.effects import Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.messages import AnnounceTransactions

FLUSH_MIN_S = 0.01
FLUSH_MAX_S = 0.05  # what a hop may add to the way of a transaction
ANNOUNCE_MAX = 1000  # ids in one message: 33 KB
KNOWN_MAX = 16_384  # a generation of ids known to one peer: 30 s at 500 a second
REMIND_S = 30.0
REMIND_EVERY_S = 10.0
REMIND_MAX = 1000


class Offers:
    """Pending transactions of ours, and who knows of them."""

    def __init__(self, mempool: Mempool, rng: random.Random) -> None:
        self._mempool = mempool
        self._rng = rng
        self._known: dict[PeerId, RecentSet] = {}
        self._pending: dict[Hash, float] = {}
        self._fresh: list[Hash] = []
        self._flush_s: float | None = None
        self._remind_s: float | None = None

    def connected(self, peer: PeerId) -> list[Effect]:
        """Tell a new peer of everything pending."""
        self._known[peer] = RecentSet(KNOWN_MAX)
        return self._announce(peer, list(self._pending))

    def disconnected(self, peer: PeerId) -> None:
        """Forget what a peer knows."""
        del self._known[peer]

    def knows(self, peer: PeerId, ids: Iterable[Hash]) -> None:
        """The peer has the transactions: it said so, sent them, or was sent them."""
        self._known[peer].update(ids)

    def add(self, txid: Hash, now: Now, *, again: bool = False) -> None:
        """Announce with the next flush; `again` also to those that knew of it before."""
        self._pending[txid] = now.s
        self._fresh.append(txid)
        if self._flush_s is None:
            self._flush_s = now.s + self._rng.uniform(FLUSH_MIN_S, FLUSH_MAX_S)
        if again:
            for known in self._known.values():
                known.discard(txid)

    def remove(self, txid: Hash) -> None:
        """The transaction is no longer pending here."""
        self._pending.pop(txid, None)

    def deadline_s(self) -> float:
        """When to tick next."""
        if self._remind_s is None:
            return 0.0
        return self._remind_s if self._flush_s is None else min(self._flush_s, self._remind_s)

    def tick(self, now: Now) -> list[Effect]:
        """Flush what is due, and remind."""
        effects: list[Effect] = []
        if self._flush_s is not None and now.s >= self._flush_s:
            fresh, self._fresh, self._flush_s = self._fresh, [], None
            for peer in self._known:
                effects += self._announce(peer, fresh)
        if self._remind_s is None:
            self._remind_s = now.s + REMIND_EVERY_S
        elif now.s >= self._remind_s:
            self._remind_s = now.s + REMIND_EVERY_S
            effects += self._remind(now)
        return effects

    def _announce(self, peer: PeerId, ids: list[Hash]) -> list[Effect]:
        known = self._known[peer]
        unknown = [txid for txid in ids if txid not in known]
        known.update(unknown)
        return [
            Send(peer, AnnounceTransactions(tuple(unknown[start : start + ANNOUNCE_MAX])))
            for start in range(0, len(unknown), ANNOUNCE_MAX)
        ]

    def _remind(self, now: Now) -> list[Effect]:
        old: list[Hash] = []
        for txid, since_s in list(islice(self._pending.items(), REMIND_MAX)):
            if now.s - since_s < REMIND_S:
                break
            del self._pending[txid]
            if self._mempool.has(txid):
                self._pending[txid] = now.s
                old.append(txid)
        if not old or not self._known:
            return []
        peer = self._rng.choice(list(self._known))
        return [Send(peer, AnnounceTransactions(tuple(old)))]
