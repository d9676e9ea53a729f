"""Asking for announced transactions: when the eager links have had their time, and we had ours.

Rules:
- An id is asked for when `patience_s` (see `mesh`) has passed since its announcement, by the name
  it was announced under. *Why:* the peer may know it by no other. What was pushed and put off is
  asked for by its full id. *Why:* whoever pushed it has announced it by no name at all.
- When a tick comes LATE_S after it was due we were busy: pulls wait as long again, up to LATE_MAX_S
  a time and SUSPENDED_MAX_S in all, and requests do not run out meanwhile. *Why:* what we would ask
  for is likely to have come already, and to wait in a socket.
- A request that ran out is a promise not kept: a fault of the peer's, unless we were more than
  BUSY_S late in the last BUSY_MEMORY_S. *Why:* a peer must not pay for our own busy loop.
"""

import random
from collections.abc import Iterable

from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentMap
from p2p.peers.requests import PROMISES_MAX, Ask, RequestTracker
from p2p.protocol.effects import Count, Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.fields import Short
from p2p.wire.messages import GetShort, GetTransactions

LATE_S = 0.02
LATE_MAX_S = 0.25
SUSPENDED_MAX_S = 2.0
BUSY_S = 0.25
BUSY_MEMORY_S = 1.0
FULL_MAX = PROMISES_MAX  # a generation of ids that were announced in full


class Pulls:
    """The requests of this node. Ids are short ones of its own key, or full ones that clash."""

    def __init__(self, rng: random.Random) -> None:
        self._tracker = RequestTracker(rng)
        self._full: RecentMap[bytes, Hash] = RecentMap(FULL_MAX)
        self._hold_s = 0.0
        self._held_since_s: float | None = None
        self._busy_until_s = 0.0

    def connected(self, peer: PeerId, *, outbound: bool) -> None:
        """A peer that may announce."""
        self._tracker.connected(peer, outbound=outbound)

    def disconnected(self, peer: PeerId) -> None:
        """Ask others for what the peer still owed."""
        self._tracker.disconnected(peer)

    def announced(self, peer: PeerId, items: Iterable[bytes], due_s: float) -> list[Effect]:
        """A peer has what we lack."""
        ignored = self._tracker.announced(peer, items, due_s)
        return [Count("ignored", "announcements-beyond-allowance", ignored)] if ignored else []

    def named(self, item: bytes, txid: Hash) -> None:
        """An item was announced by its full id, or by none, and can only be asked for by that."""
        self._full.put(item, txid)

    def arrived(self, peer: PeerId, item: bytes, now: Now) -> bool:
        """Bytes have come; True if this peer was asked for them."""
        return self._tracker.arrived(peer, item, now.s)

    def rejected(self, item: bytes) -> None:
        """They were wrong: others are asked."""
        self._tracker.rejected(item)

    def put_off(self, peer: PeerId, item: bytes, txid: Hash, due_s: float) -> None:
        """They came, but there is no room for them now: the peer has them, and is asked later."""
        self.named(item, txid)
        self._tracker.put_off(peer, item, due_s)

    def forgive(self, peer: PeerId) -> None:
        """A peer may be asked again for what it did not serve."""
        self._tracker.forgive(peer)

    def settled(self, item: bytes) -> list[PeerId]:
        """An id is wanted no more; who had announced it."""
        return self._tracker.settled(item)

    def answers(self, peer: PeerId, request: int, bodies: int) -> bool:
        """Whether so many bodies can be part of the answer to a request."""
        return self._tracker.answers(peer, request, bodies)

    def finished(self, peer: PeerId, request: int) -> None:
        """A peer has nothing more to say to a request."""
        self._tracker.finished(peer, request)

    def late(self, late_s: float, now: Now) -> None:
        """A tick came so late."""
        if late_s < LATE_S:
            self._held_since_s = None
            return
        if late_s > BUSY_S:
            self._busy_until_s = now.s + BUSY_MEMORY_S
        if self._held_since_s is None:
            self._held_since_s = now.s
        if now.s - self._held_since_s < SUSPENDED_MAX_S:
            self._hold_s = now.s + min(late_s, LATE_MAX_S)

    def due(self, now: Now, *, patient: bool) -> list[Effect]:
        """Whom to ask for what; while we are busy nobody, if we are patient."""
        if patient and now.s < self._hold_s:
            return []
        effects: list[Effect] = []
        for ask in self._tracker.due(now.s):
            effects += self._requests(ask)
        return effects

    def faults(self, now: Now) -> list[PeerId]:
        """Peers that kept silent, once for each request that ran out; they are not asked again."""
        if now.s < self._hold_s:
            return []
        failures = self._tracker.expire(now.s)
        return [] if now.s < self._busy_until_s else [failure.peer for failure in failures]

    def deadline_s(self) -> float | None:
        """When to look again."""
        times = (self._tracker.next_ripe_s(), self._tracker.next_timeout_s())
        soonest_s = min((time for time in times if time is not None), default=None)
        return None if soonest_s is None else max(soonest_s, self._hold_s)

    def _requests(self, ask: Ask) -> list[Effect]:
        shorts: list[Short] = []
        full: list[Hash] = []
        for item in ask.ids:
            txid = self._full.get(item)
            if txid is None:
                shorts.append(Short(item))
            else:
                full.append(txid)
        effects: list[Effect] = [Count("gossip", "asked", len(ask.ids))]
        if shorts:
            effects.append(Send(ask.peer, GetShort(ask.request, tuple(shorts))))
        if full:
            effects.append(Send(ask.peer, GetTransactions(ask.request, tuple(full))))
        return effects
