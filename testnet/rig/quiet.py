"""A behaviour that lets everything pass; the kinds of faults say what they do otherwise."""

from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from testnet.rig.behaviour import Host, Item


class Quiet:
    """Implements Behaviour by doing nothing. `begin` is called for every life of the node."""

    host: Host

    def __init__(self) -> None:
        self.hits = 0

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        self.host = host

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return items

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return items

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return None

    def tick(self, now: Now) -> None:
        """See Behaviour."""

    def end(self) -> None:
        """See Behaviour."""
