"""A host's inbound slots: who leaves when all are taken, by the node's own rule."""

from collections.abc import Mapping

from p2p.peers.contact import group_of
from p2p.peers.eviction import Guest, evicted
from p2p.peers.peer import PeerId
from p2p.peers.usefulness import Usefulness
from testnet.engines.net import Way


def who_leaves(
    ways: Mapping[PeerId, tuple[Way, float]], uses: Usefulness, newcomer: str, secret: bytes
) -> PeerId | None:
    """Of inbound ways and since when they are there; nobody: the newcomer's group has no place."""
    guests: list[Guest] = []
    for peer, (way, since_s) in ways.items():
        known = uses.of(peer)
        guests.append(
            Guest(
                peer=peer,
                group=group_of(way.dst.address),
                since_s=since_s,
                latency_ms=2_000 * way.delay_s,
                block_s=known.block_s,
                transaction_s=known.transaction_s,
            )
        )
    return evicted(guests, newcomer, secret)
