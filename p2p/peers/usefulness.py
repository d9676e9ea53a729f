"""What peers were good for: when each last brought a block or a transaction that was news.

Engines say so with `Credit`; the router writes it down here; whoever has to let a peer go looks it
up. Nobody's verdict on a peer depends on anybody else's rules.
"""

from dataclasses import dataclass
from enum import Enum

from p2p.peers.peer import PeerId

NEVER_S = float("-inf")


class Use(Enum):
    """What a peer brought first."""

    BLOCK = "block"
    TRANSACTION = "transaction"


@dataclass(slots=True)
class Uses:
    """When a connected peer was last of use; NEVER_S before it ever was."""

    block_s: float = NEVER_S
    transaction_s: float = NEVER_S


class Usefulness:
    """The connected peers' uses. As large as the number of connections."""

    __slots__ = ("_peers",)

    def __init__(self) -> None:
        self._peers: dict[PeerId, Uses] = {}

    def connected(self, peer: PeerId) -> None:
        """A peer starts with nothing."""
        self._peers[peer] = Uses()

    def disconnected(self, peer: PeerId) -> None:
        """What it was good for is forgotten with the connection."""
        self._peers.pop(peer, None)

    def credit(self, peer: PeerId, use: Use, now_s: float) -> None:
        """A peer was of use; one that has left meanwhile is no longer in need of it."""
        uses = self._peers.get(peer)
        if uses is None:
            return
        match use:
            case Use.BLOCK:
                uses.block_s = now_s
            case Use.TRANSACTION:
                uses.transaction_s = now_s

    def of(self, peer: PeerId) -> Uses:
        """A peer's uses."""
        return self._peers.get(peer) or Uses()
