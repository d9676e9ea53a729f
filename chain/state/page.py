"""One page of the state tree: sixteen slots, and the hashes of the four levels above them.

Stored as two 16-bit masks (occupied, leaf) and then, for each occupied slot, 64 bytes of a leaf
(key hash, value hash) or 32 bytes of the root of the page below.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import TypeAlias

from chain.primitives.hashing import HASH_BYTES, ZERO_HASH, Hash

LEVELS = 4
SLOTS = 16

Leaf: TypeAlias = tuple[bytes, bytes]  # (key hash, value hash)
Slot: TypeAlias = Leaf | Hash | None

# Nodes are numbered as in a heap: 1 is the page's root, 16 to 31 are the slots.
_PARENT_LEVELS = ((8, 16), (4, 8), (2, 4), (1, 2))


def leaf_hash(path: bytes, content: bytes) -> Hash:
    """The hash of a leaf, given the hashes of its key and of its value."""
    return Hash(sha256(b"\x00" + path + content).digest())


class Page:
    """An immutable page; `replaced` makes the next one."""

    __slots__ = ("_leaves", "_nodes", "slots")

    def __init__(self, slots: list[Slot], nodes: list[Hash | None], leaves: int) -> None:
        self.slots = slots
        self._nodes = nodes
        self._leaves = leaves  # bit n: node n stands for a lone leaf

    @classmethod
    def empty(cls) -> "Page":
        """A page with nothing in it."""
        return cls([None] * SLOTS, [None] * (2 * SLOTS), 0)

    def replaced(self, changes: Mapping[int, Slot]) -> "Page":
        """This page with some slots set anew; only the nodes above them are hashed again."""
        slots, nodes, leaves = self.slots.copy(), self._nodes.copy(), self._leaves
        dirty = 0
        for index, slot in changes.items():
            slots[index] = slot
            node = SLOTS + index
            if slot is None or isinstance(slot, bytes):
                nodes[node] = slot
                leaves &= ~(1 << node)
            else:
                nodes[node] = leaf_hash(slot[0], slot[1])
                leaves |= 1 << node
            dirty |= 1 << (node >> 1)
        for first, end in _PARENT_LEVELS:
            for node in range(first, end):
                if dirty >> node & 1:
                    leaves = _join(nodes, leaves, node)
                    dirty |= 1 << (node >> 1)
        return Page(slots, nodes, leaves)

    def root(self) -> Hash:
        """The hash that stands for this page in the page above, or for the tree."""
        return self._nodes[1] or ZERO_HASH

    def is_occupied(self) -> bool:
        """Whether anything is in it."""
        return self._nodes[1] is not None

    def lone(self) -> Leaf | None:
        """The only leaf, when there is exactly one and nothing below."""
        if not self._leaves >> 1 & 1:
            return None
        return next(slot for slot in self.slots if isinstance(slot, tuple))

    def descend(self, nibble: int, siblings: list[Hash]) -> Slot:
        """Where the path through `nibble` ends in this page; the siblings passed are appended."""
        node = 1
        for shift in (3, 2, 1, 0):
            if self._nodes[node] is None:
                return None
            if self._leaves >> node & 1:
                return self._leaf_below(node)
            node = 2 * node + (nibble >> shift & 1)
            siblings.append(self._nodes[node ^ 1] or ZERO_HASH)
        return self.slots[nibble]

    def _leaf_below(self, node: int) -> Leaf:
        first = last = node
        while first < SLOTS:
            first, last = 2 * first, 2 * last + 1
        span = self.slots[first - SLOTS : last - SLOTS + 1]
        return next(slot for slot in span if isinstance(slot, tuple))

    def encode(self) -> bytes:
        """The stored row."""
        occupied = leaf = 0
        parts = [b""]
        for index, slot in enumerate(self.slots):
            if slot is None:
                continue
            occupied |= 1 << index
            if isinstance(slot, tuple):
                leaf |= 1 << index
                parts.extend(slot)
            else:
                parts.append(slot)
        parts[0] = occupied.to_bytes(2, "big") + leaf.to_bytes(2, "big")
        return b"".join(parts)

    @classmethod
    def decode(cls, row: bytes) -> "Page":
        """The page of a row that `encode` wrote."""
        occupied, leaf = int.from_bytes(row[:2], "big"), int.from_bytes(row[2:4], "big")
        changes: dict[int, Slot] = {}
        position = 4
        for index in range(SLOTS):
            if not occupied >> index & 1:
                continue
            middle = position + HASH_BYTES
            if leaf >> index & 1:
                changes[index] = (row[position:middle], row[middle : middle + HASH_BYTES])
                position = middle + HASH_BYTES
            else:
                changes[index] = Hash(row[position:middle])
                position = middle
        assert position == len(row), f"state page of {len(row)} bytes, {position} were expected"
        return cls.empty().replaced(changes)


def _join(nodes: list[Hash | None], leaves: int, node: int) -> int:
    """Set `node` from its two children; returns the leaf bits."""
    left, right = nodes[2 * node], nodes[2 * node + 1]
    if left is not None and right is not None:
        nodes[node] = Hash(sha256(b"\x01" + left + right).digest())
        return leaves & ~(1 << node)
    child = 2 * node + (left is None)
    only = nodes[child]
    if only is None:
        nodes[node] = None
        return leaves & ~(1 << node)
    if leaves >> child & 1:
        nodes[node] = only
        return leaves | 1 << node
    pair = ZERO_HASH + only if left is None else only + ZERO_HASH
    nodes[node] = Hash(sha256(b"\x01" + pair).digest())
    return leaves & ~(1 << node)
