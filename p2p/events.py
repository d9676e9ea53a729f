"""What a node tells its subscribers: the ledger's events and the comings and goings of peers."""

from dataclasses import dataclass

from chain.ledger import LedgerEvent
from p2p.peers.peer import PeerId


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A peer passed the handshake and the hello."""

    peer: PeerId
    address: str
    outbound: bool


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """A peer's connection ended, with the reason both sides logged."""

    peer: PeerId
    reason: str


@dataclass(frozen=True, slots=True)
class SubscriptionDropped:
    """The last event a slow subscriber gets: it fell `limit` events behind and was let go."""

    limit: int
    reason: str


NodeEvent = LedgerEvent | PeerConnected | PeerDisconnected | SubscriptionDropped
