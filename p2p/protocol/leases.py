"""To whom we push whole transactions: peers that asked for it, for as long as they asked.

Rules:
- A lease ends by itself. *Why:* a peer that forgot us must not be fed for ever.
- At most LEASES_MAX hold one; a peer we dialled takes the place of one that dialled us. *Why:* each
  costs us a copy of everything; and strangers must not be able to keep our own choices out. Who has
  none is announced to, and measures that we are slow: nothing is lost.
- Those that dialled us take turns: when all places are held, whoever has waited longest gets that
  of whoever has held it longest, once that was GUEST_S. *Why:* eight identities cost nothing, and
  would otherwise keep everybody else's out for ever.
"""

from dataclasses import dataclass

from p2p.peers.peer import PeerId

LEASES_MAX = 8
GUEST_S = 60.0  # several plans of whoever asked: a place that is lost sooner is worth nothing


@dataclass(slots=True)
class _Lease:
    since_s: float
    until_s: float


class Leases:
    """Who holds a lease, until when; and who waits for one, for as long as it was asked for."""

    def __init__(self) -> None:
        self._held: dict[PeerId, _Lease] = {}  # in the order in which the places were given
        self._waiting: dict[PeerId, float] = {}
        self._outbound: dict[PeerId, bool] = {}

    def holders(self, now_s: float) -> list[PeerId]:
        """Who is to be pushed to now."""
        return [peer for peer, lease in self._held.items() if lease.until_s > now_s]

    def connected(self, peer: PeerId, *, outbound: bool) -> None:
        """A peer that may ask."""
        self._outbound[peer] = outbound

    def end(self, peer: PeerId) -> None:
        """Push to a peer no more until it asks again."""
        self._held.pop(peer, None)
        self._waiting.pop(peer, None)

    def disconnected(self, peer: PeerId) -> None:
        """Forget a peer."""
        self.end(peer)
        del self._outbound[peer]

    def asked(self, peer: PeerId, lease_s: int, now_s: float) -> bool:
        """A peer asks for a lease, or gives it back with 0; False if there is no place for it."""
        if not lease_s:
            self.end(peer)
            return True
        self._expire(now_s)
        until_s = now_s + lease_s
        if peer in self._held:
            self._held[peer].until_s = until_s
        elif self._outbound[peer]:
            if self._has_place() or self._displace(now_s):
                self._held[peer] = _Lease(now_s, until_s)
        else:
            self._waiting[peer] = until_s
            self._take_turns(now_s)
        return peer in self._held

    def _expire(self, now_s: float) -> None:
        for peer in [p for p, lease in self._held.items() if lease.until_s <= now_s]:
            del self._held[peer]
        for peer in [p for p, until_s in self._waiting.items() if until_s <= now_s]:
            del self._waiting[peer]

    def _take_turns(self, now_s: float) -> None:
        while self._waiting and (self._has_place() or self._displace(now_s, GUEST_S)):
            first = next(iter(self._waiting))
            self._held[first] = _Lease(now_s, self._waiting.pop(first))

    def _has_place(self) -> bool:
        return len(self._held) < LEASES_MAX

    def _displace(self, now_s: float, held_s: float = 0.0) -> bool:
        """Take the place of the peer that dialled us and has held it longest, for so long."""
        guest = next((peer for peer in self._held if not self._outbound[peer]), None)
        if guest is None or now_s - self._held[guest].since_s < held_s:
            return False
        del self._held[guest]
        return True
