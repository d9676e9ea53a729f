"""The accepted headers, whichever chain they are on, and which tip is best.

Rules:
- Among tips, best is the greatest weight, then the lower slot, then the lower id. *Why:* the rule
  needs no memory of what arrived first, so all nodes that hold the same blocks choose the same.
- Nodes are read from the store when needed and a bounded number is kept. *Why:* a year of blocks
  must not live in memory.
- A block found invalid when it was executed is marked, and so is, when met, whatever stands on it.
  *Why:* an invalid branch is never tried twice.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chain import tables
from chain.block import decode_header
from chain.consensus.engine import HeaderNode
from chain.consensus.finality.standing import Place, Standing, standing_from_value
from chain.primitives import cbor, shape
from chain.primitives.hashing import Hash
from chain.primitives.merkle import CompactRange
from chain.store import Batch, KeyValueStore

NODES_CACHED_MAX = 4096  # about 1.5 KiB each: an hour of one-second blocks
# Branches other than the head's. Slots bound what honest authors make; beyond this the lightest
# are forgotten as candidates (their blocks stay, and count again when someone builds on them).
TIPS_MAX = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """What the tree keeps of a header."""

    node: HeaderNode
    history: CompactRange  # over all headers up to and including this one
    invalid: str  # why the block is invalid; empty while it is not known to be
    standing: Standing  # of finality, after this block


def better(a: HeaderNode, b: HeaderNode) -> bool:
    """Whether `a` is the better head."""
    return rank(a) > rank(b)


def rank(node: HeaderNode) -> tuple[int, int, int]:
    """The order of tips: the best has the greatest rank."""
    return node.weight, -node.slot, -int.from_bytes(node.id, "big")


class HeaderTree:
    """The tree over a store. Changes go into a batch; `settle` once the batch is written."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._cache: OrderedDict[Hash, Entry] = OrderedDict()
        self._tips: dict[Hash, HeaderNode] = {}
        for key, _ in store.scan(tables.TIP, limit=TIPS_MAX * 2):
            entry = self.entry(Hash(key[1:]))
            assert entry is not None, f"tip {key[1:].hex()} has no header in the store"
            self._tips[entry.node.id] = entry.node

    def entry(self, block_id: Hash) -> Entry | None:
        """What is known of a header, or None."""
        entry = self._cache.get(block_id)
        if entry is None:
            row = self._store.get(tables.META + block_id)
            if row is None:
                return None
            entry = _decode(row)
            self._remember(entry)
        return entry

    def node(self, block_id: Hash) -> HeaderNode:
        """The node of an accepted header."""
        entry = self.entry(block_id)
        assert entry is not None, f"header {block_id.hex()} is not in the tree"
        return entry.node

    def add(self, entry: Entry, batch: Batch) -> None:
        """Accept a header, whose parent is accepted or which is the genesis."""
        batch.put(tables.META + entry.node.id, _encode(entry))
        if entry.node.parent in self._tips:
            batch.delete(tables.TIP + entry.node.parent)
            del self._tips[entry.node.parent]
        self._remember(entry)
        self.retip(entry.node, batch)

    def mark_invalid(self, block_id: Hash, reason: str, batch: Batch) -> None:
        """Remember that a block is invalid."""
        entry = self.entry(block_id)
        assert entry is not None
        marked = replace(entry, invalid=reason)
        batch.put(tables.META + block_id, _encode(marked))
        self._remember(marked)
        if block_id in self._tips:
            batch.delete(tables.TIP + block_id)
            del self._tips[block_id]

    def retip(self, node: HeaderNode, batch: Batch) -> None:
        """Count a block as a tip: it is new, or what stood on it turned out invalid."""
        self._tips[node.id] = node
        batch.put(tables.TIP + node.id, b"")
        if len(self._tips) > TIPS_MAX:
            lightest = min(self._tips.values(), key=rank)
            batch.delete(tables.TIP + lightest.id)
            del self._tips[lightest.id]

    def tips(self) -> Iterator[HeaderNode]:
        """The tips, best first."""
        return iter(sorted(self._tips.values(), key=rank, reverse=True))

    def candidates(self, head: HeaderNode) -> list[HeaderNode]:
        """The tips, and the present head unless it is invalid, best first."""
        found = self._tips if head.id in self._tips else {**self._tips, head.id: head}
        ranked = sorted(found.values(), key=rank, reverse=True)
        return [node for node in ranked if self.good(node.id)]

    def good(self, block_id: Hash) -> bool:
        """Whether a block is known, and not known to be invalid."""
        entry = self.entry(block_id)
        return entry is not None and not entry.invalid

    def place(self, block_id: Hash) -> Place | None:
        """See finality.standing.Blocks."""
        entry = self.entry(block_id)
        if entry is None:
            return None
        return Place(entry.node.height, entry.node.slot, entry.standing)

    def descends(self, block_id: Hash, ancestor: Hash) -> bool:
        """See finality.standing.Blocks: walks down to the head's chain, then one look-up."""
        above, below = self.entry(block_id), self.entry(ancestor)
        if above is None or below is None:
            return False
        node, height = above.node, below.node.height
        while node.height > height:
            if self._store.get(tables.height_key(node.height)) == node.id:
                return self._store.get(tables.height_key(height)) == ancestor
            node = self.node(node.parent)
        return node.id == ancestor

    def forget_tips(self, final: Hash, batch: Batch) -> None:
        """Count branches that do not stand on a final block as tips no more."""
        for tip in list(self._tips):
            if not self.descends(tip, final) and not self.descends(final, tip):
                batch.delete(tables.TIP + tip)
                del self._tips[tip]

    def restand(self, block_id: Hash, standing: Standing, batch: Batch) -> None:
        """Let children of a block be judged by another standing: a recovery."""
        entry = self.entry(block_id)
        assert entry is not None, f"header {block_id.hex()} is not in the tree"
        changed = replace(entry, standing=standing)
        batch.put(tables.META + block_id, _encode(changed))
        self._remember(changed)

    def _remember(self, entry: Entry) -> None:
        self._cache[entry.node.id] = entry
        self._cache.move_to_end(entry.node.id)
        if len(self._cache) > NODES_CACHED_MAX:
            self._cache.popitem(last=False)


def _encode(entry: Entry) -> bytes:
    node = entry.node
    return cbor.encode(
        [
            node.header.raw,
            node.seal,
            _integer(node.weight),
            _integer(node.target),
            entry.history.to_value(),
            entry.invalid,
            entry.standing.to_value(),
        ]
    )


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _decode(row: bytes) -> Entry:
    header, seal, weight, target, history, invalid, standing = shape.array(
        cbor.decode(row), 7, "header row"
    )
    node = HeaderNode(
        decode_header(shape.blob_max(header, 512, "header")),
        shape.blob_max(seal, 64, "seal"),
        int.from_bytes(shape.blob_max(weight, 64, "weight"), "big"),
        int.from_bytes(shape.blob_max(target, 64, "target"), "big"),
    )
    return Entry(
        node,
        CompactRange.from_value(history),
        shape.text(invalid, 4096, "invalid"),
        standing_from_value(standing),
    )
