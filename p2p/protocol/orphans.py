"""Compact blocks that came before their parents: kept for a moment, few, and nobody's fault.

Bounds: ORPHANS_PER_PEER of each peer (a run of blocks that overtook their first), ORPHANS_MAX and
ORPHAN_BYTES_MAX in all; beyond its own share a peer loses its oldest, beyond the common one the
peer that holds the most loses its oldest. *Why:* nothing about an orphan has been checked, so
anyone can invent some; then they displace only each other. What is lost is asked for whole.
"""

from chain.block import Header
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.wire.messages import CompactBlock

ORPHANS_PER_PEER = 16
ORPHANS_MAX = 256
ORPHAN_BYTES_MAX = 8 * 1024 * 1024

Orphan = tuple[PeerId, Header, CompactBlock]


class Orphans:
    """By block id; one of each, whoever brought it first."""

    def __init__(self) -> None:
        self._kept: dict[Hash, Orphan] = {}
        self._of: dict[PeerId, dict[Hash, int]] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, block_id: Hash) -> bool:
        return block_id in self._kept

    def put(self, peer: PeerId, header: Header, message: CompactBlock) -> None:
        """Keep one."""
        if header.id in self._kept:
            return
        size = _size(message)
        own = self._of.setdefault(peer, {})
        if len(own) >= ORPHANS_PER_PEER:
            self.pop(next(iter(own)))
            own = self._of.setdefault(peer, {})
        own[header.id] = size
        self._kept[header.id] = peer, header, message
        self.bytes += size
        while len(self._kept) > ORPHANS_MAX or self.bytes > ORPHAN_BYTES_MAX:
            heaviest = max(self._of, key=lambda p: (sum(self._of[p].values()), p))
            self.pop(next(iter(self._of[heaviest])))

    def pop(self, block_id: Hash) -> Orphan | None:
        """Take one out."""
        orphan = self._kept.pop(block_id, None)
        if orphan is not None:
            own = self._of[orphan[0]]
            self.bytes -= own.pop(block_id)
            if not own:
                del self._of[orphan[0]]
        return orphan

    def children(self, parent: Hash) -> list[Hash]:
        """Those that name this block as their parent."""
        return [i for i, (_, header, _) in self._kept.items() if header.parent == parent]

    def forget(self, peer: PeerId) -> None:
        """Whatever a peer brought."""
        for block_id in list(self._of.get(peer, ())):
            self.pop(block_id)


def _size(message: CompactBlock) -> int:
    """About what it takes in memory."""
    parts = (*message.certificates, *message.prefilled, *message.short_ids)
    return len(message.header) + sum(map(len, parts)) + 40 * len(message.short_ids)
