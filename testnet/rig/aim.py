"""Which messages a fault of gossip takes: by kind, by chance, and by whom they are exchanged with.

Hellos and goodbyes are no kind a fault can name: they pass. So does what another fault has damaged
before, because it is no message any more.
"""

from dataclasses import dataclass

from p2p.peers.peer import PeerId
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Blocks,
    BlockTransactions,
    Certificates,
    CompactBlock,
    Differ,
    Eager,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    GetPeers,
    GetShort,
    GetTransactions,
    Headers,
    Message,
    Peers,
    Ping,
    Pong,
    PreferBlocks,
    Reconcile,
    ShortKey,
    Transactions,
    Votes,
)
from testnet.faults.gossip import MESSAGES
from testnet.rig.behaviour import Host, Item

CLASSES: dict[str, type[Message]] = {
    "get-peers": GetPeers,
    "peers": Peers,
    "announce-transactions": AnnounceTransactions,
    "get-transactions": GetTransactions,
    "transactions": Transactions,
    "announce-block": AnnounceBlock,
    "get-blocks": GetBlocks,
    "blocks": Blocks,
    "get-headers": GetHeaders,
    "headers": Headers,
    "compact-block": CompactBlock,
    "get-compact-block": GetCompactBlock,
    "get-block-transactions": GetBlockTransactions,
    "block-transactions": BlockTransactions,
    "prefer-blocks": PreferBlocks,
    "ping": Ping,
    "pong": Pong,
    "eager": Eager,
    "short-key": ShortKey,
    "announce-short": AnnounceShort,
    "get-short": GetShort,
    "reconcile": Reconcile,
    "differ": Differ,
    "votes": Votes,
    "certificates": Certificates,
}
"""The classes of the kinds that scenarios name."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Messages of these kinds (empty: all), hit with this probability, with these peers."""

    kinds: tuple[str, ...]
    probability: float
    to: frozenset[str]  # names in the testnet; empty: everyone, strangers too

    def takes(self, host: Host, peer: PeerId, item: Item) -> bool:
        """Whether this one is hit; draws from the fault's randomness only for what could be."""
        classes = tuple(CLASSES[kind] for kind in self.kinds or MESSAGES)
        if not isinstance(item, classes) or not is_for(host, peer, self.to):
            return False
        return self.probability >= 1 or host.rng.random() < self.probability


def is_for(host: Host, peer: PeerId, to: frozenset[str]) -> bool:
    """Whether a fault limited to `to` concerns this peer."""
    return not to or host.name_of(peer) in to
