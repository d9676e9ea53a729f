"""The backstop: two mempools are compared by sums, and what differs is announced again.

Rules:
- Every EVERY_S one random peer that is not an eager link is sent what our mempool adds up to: of
  each of BUCKETS buckets the count and exclusive or of the short ids under our key. It announces
  what it has in the buckets that differ, says which those are, and we announce what we have in
  them. *Why:* announcements can get lost, a pool can have been full, a partition heals; whatever
  the fast path missed is found here, so that it never needs to be told twice.
- A new peer is told of everything when that is little, and sent sums when it is more than
  ALL_MAX. *Why:* two halves of a healed network have nearly everything in common.
- At most LIST_MAX ids are announced at a time, from a random place; when that was not all, the
  exchange is repeated after AGAIN_S, then after AGAIN_GROWTH times as long, until that is EVERY_S.
  *Why:* nobody remembers more announcements at once. *Why not for ever:* under a large burst, or
  with blocks on their way, full mempools differ in every bucket whatever is announced.
- Summing under the peer's key is paid for from a budget of ids; without it the message is ignored,
  and nobody is blamed. *Why:* it is the one request here that costs more than it weighs. A peer
  that asks more often than COMPARED_RATE gets nothing of it. *Why:* the budget is everybody's. When
  it is spent each peer still has one comparison every OWN_S. *Why:* whoever spends it must not keep
  the others' mempools from healing.
- A peer that answers our sums may be asked again for what it failed to serve. *Why:* it may have
  been at its limit then; if nobody else has it, this is the last way that is left.
- Only a peer that we have sent sums may tell us which buckets differ, and once. *Why:* its
  answer is small and ours is not.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from chain.primitives.hashing import Hash
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Count, Effect, Send
from p2p.protocol.holding import Holding, Sums, bucket_of
from p2p.protocol.instant import Now
from p2p.wire.messages import Differ, Reconcile
from p2p.wire.shorts import Shortener

EVERY_S = 30.0
AGAIN_S = 2.0
AGAIN_GROWTH = 4
ALL_MAX = 256  # ids told to a new peer without asking: 8 KB
LIST_MAX = 4_096  # ids; a peer remembers 5,000 announcements of ours
SUMMED_RATE = 20_000  # ids a second that we hash for all others: 20 ms
SUMMED_BURST = 200_000  # four full mempools, when as many peers come at once
COMPARED_RATE = 0.2  # comparisons a second and peer: twice what one whose mempool differs asks for
COMPARED_BURST = 6.0
OWN_S = 120.0  # a twentieth of our time, if every peer asks for it and the mempool is full


@dataclass(frozen=True, slots=True)
class Differing:
    """What to do about two mempools that differ, and the ids to announce."""

    effects: list[Effect]
    ids: list[Hash]


class _Peer:
    """What a peer may ask for: so often in all, and whatever others ask for."""

    __slots__ = ("compared", "own")

    def __init__(self, now: Now) -> None:
        self.compared = TokenBucket(COMPARED_RATE, COMPARED_BURST, now.s)
        self.own = TokenBucket(1 / OWN_S, 1, now.s)


class Reconciliation:
    """Whom to compare with, and what differs."""

    def __init__(self, holding: Holding, rng: random.Random) -> None:
        self._holding = holding
        self._rng = rng
        self._peers: dict[PeerId, _Peer] = {}
        self._asked: dict[PeerId, None] = {}
        self._again: dict[PeerId, float] = {}
        self._pauses_s: dict[PeerId, float] = {}  # before the next repetition, once there was one
        self._budget: TokenBucket | None = None
        self._next_s: float | None = None

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Compare with a new peer, if there is more than it is simply told."""
        self._peers[peer] = _Peer(now)
        if self._next_s is None:
            self._next_s = now.s + self._rng.uniform(0, EVERY_S)
        return self._ask(peer) if len(self._holding) > ALL_MAX else []

    def disconnected(self, peer: PeerId) -> None:
        """Forget a peer."""
        del self._peers[peer]
        self._asked.pop(peer, None)
        self._again.pop(peer, None)
        self._pauses_s.pop(peer, None)

    def asked(
        self, peer: PeerId, message: Reconcile, shortener: Shortener | None, now: Now
    ) -> Differing:
        """A peer's sums: what to answer, and what to announce to it."""
        if shortener is None or not self._may_ask(peer, now):
            return Differing([Count("ignored", "reconcile")], [])
        shorts = [(shortener.of(txid), txid) for txid in self._holding]
        sums = Sums()
        for short, _ in shorts:
            sums.change(short, 1)
        buckets = sums.differing(message.sums)
        if not buckets:
            return Differing([], [])
        ids = [txid for short, txid in shorts if buckets >> bucket_of(short) & 1]
        more = len(ids) > LIST_MAX
        effects: list[Effect] = [Send(peer, Differ(buckets, more))]
        return Differing([*effects, Count("gossip", "reconciled")], self._listed(ids))

    def awaits(self, peer: PeerId) -> bool:
        """Whether we have sent a peer sums that it has not answered."""
        return peer in self._asked

    def told(self, peer: PeerId, message: Differ, now: Now) -> Differing:
        """The buckets in which a peer we asked differs: what to announce to it."""
        if not self.awaits(peer):
            return Differing([Count("ignored", "differ")], [])
        del self._asked[peer]
        ids = list(self._in(message.buckets))
        pause_s = self._pauses_s.pop(peer, AGAIN_S)
        if (message.more or len(ids) > LIST_MAX) and pause_s < EVERY_S:
            self._again[peer] = now.s + pause_s
            self._pauses_s[peer] = pause_s * AGAIN_GROWTH
        return Differing([], self._listed(ids))

    def tick(self, now: Now, eager: tuple[PeerId, ...]) -> list[Effect]:
        """Ask whom it is time to ask."""
        effects: list[Effect] = []
        for peer in [peer for peer, at_s in self._again.items() if at_s <= now.s]:
            del self._again[peer]
            effects += self._ask(peer)
        if self._next_s is not None and now.s >= self._next_s:
            self._next_s = now.s + EVERY_S if self._peers else None
            lazy = [peer for peer in self._peers if peer not in eager] or list(self._peers)
            effects += self._ask(self._rng.choice(lazy)) if lazy else []
        return effects

    def deadline_s(self) -> float | None:
        """When to tick next."""
        if not self._again:
            return self._next_s
        soonest_s = min(self._again.values())
        return soonest_s if self._next_s is None else min(soonest_s, self._next_s)

    def _may_ask(self, peer: PeerId, now: Now) -> bool:
        if self._budget is None:
            self._budget = TokenBucket(SUMMED_RATE, SUMMED_BURST, now.s)
        state = self._peers[peer]
        if not state.compared.take(1, now.s):
            return False
        return self._budget.take(len(self._holding), now.s) or state.own.take(1, now.s)

    def _ask(self, peer: PeerId) -> list[Effect]:
        self._asked[peer] = None
        return [Send(peer, Reconcile(self._holding.sums.encode()))]

    def _in(self, buckets: int) -> Iterator[Hash]:
        short = self._holding.short
        return (txid for txid in self._holding if buckets >> bucket_of(short(txid)) & 1)

    def _listed(self, ids: list[Hash]) -> list[Hash]:
        if len(ids) <= LIST_MAX:
            return ids
        start = self._rng.randrange(len(ids))
        return (ids[start:] + ids[:start])[:LIST_MAX]
