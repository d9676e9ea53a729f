"""To whom we push whole transactions: peers that asked for it, for as long as they asked.

Rules:
- A lease ends by itself. *Why:* a peer that forgot us must not be fed for ever.
- At most LEASES_MAX hold one; a peer we dialled takes the place of one that dialled us. *Why:* each
  costs us a copy of everything; and strangers must not be able to keep our own choices out. Who has
  none is announced to, and measures that we are slow: nothing is lost.
"""

from p2p.peers.peer import PeerId

LEASES_MAX = 8


class Leases:
    """Who holds a lease, until when."""

    def __init__(self) -> None:
        self._until_s: dict[PeerId, float] = {}
        self._outbound: dict[PeerId, bool] = {}

    def holders(self, now_s: float) -> list[PeerId]:
        """Who is to be pushed to now."""
        return [peer for peer, until_s in self._until_s.items() if until_s > now_s]

    def connected(self, peer: PeerId, *, outbound: bool) -> None:
        """A peer that may ask."""
        self._outbound[peer] = outbound

    def end(self, peer: PeerId) -> None:
        """Push to a peer no more until it asks again."""
        self._until_s.pop(peer, None)

    def disconnected(self, peer: PeerId) -> None:
        """Forget a peer."""
        self.end(peer)
        del self._outbound[peer]

    def asked(self, peer: PeerId, lease_s: int, now_s: float) -> bool:
        """A peer asks for a lease, or gives it back with 0; False if there is no place for it."""
        if not lease_s:
            self.end(peer)
            return True
        for past in [p for p, until_s in self._until_s.items() if until_s <= now_s]:
            self.end(past)
        if peer not in self._until_s and len(self._until_s) >= LEASES_MAX:
            guest = next((p for p in self._until_s if not self._outbound[p]), None)
            if guest is None or not self._outbound[peer]:
                return False
            self.end(guest)
        self._until_s[peer] = now_s + lease_s
        return True
