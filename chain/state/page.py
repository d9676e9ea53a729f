"""The rows of the state tree: pages of four levels with sixteen slots, and buckets of few leaves.

What stands at a place of the tree is bytes, and their length says what: none (empty), 32 (the hash
of an inner node) or 64 (a leaf that is alone there: key hash, value hash). A leaf is hashed only
where it meets a neighbour, so a lone one moves up unhashed. A page is stored as the sixteen lengths
and then the sixteen slots, a bucket as its leaves in order; their sizes tell the two apart.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from chain.primitives.hashing import HASH_BYTES, ZERO_HASH, Hash

LEVELS = 4
PATH_BITS = 256
SLOTS = 16
LEAF_BYTES = 2 * HASH_BYTES
EMPTY = b""
# Leaves that share a row before they become a page. Hashing eight anew costs what a page of its own
# would, and a page costs a row for each of its slots that holds two.
BUCKET_LEAVES_MAX = 8


class Page:
    """Nodes 1 to 31, numbered as in a heap: 1 is the page's root, 16 to 31 its slots. Immutable."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: list[bytes]) -> None:
        self.nodes = nodes

    def slot(self, nibble: int) -> bytes:
        """What stands in a slot."""
        return self.nodes[SLOTS + nibble]

    def replaced(self, changes: Mapping[int, bytes]) -> "Page":
        """The page with some slots set anew; only the nodes above them are hashed again."""
        nodes = self.nodes.copy()
        dirty = 0  # bit n: node n is to be hashed; children have higher numbers than parents
        for index, slot in changes.items():
            nodes[SLOTS + index] = slot
            dirty |= 1 << (SLOTS + index >> 1)
        while dirty > 1:
            node = dirty.bit_length() - 1
            left, right = nodes[2 * node], nodes[2 * node + 1]
            if len(left) == HASH_BYTES == len(right):
                nodes[node] = sha256(b"\x01" + left + right).digest()  # join, without the call
            else:
                nodes[node] = join(left, right)
            dirty = (dirty ^ 1 << node) | 1 << (node >> 1)
        return Page(nodes)

    def encode(self) -> bytes:
        """The stored row."""
        slots = self.nodes[SLOTS:]
        return bytes(map(len, slots)) + b"".join(slots)

    @classmethod
    def decode(cls, row: bytes) -> "Page":
        """The page of a row that `encode` wrote."""
        nodes = [EMPTY] * SLOTS
        position = SLOTS
        for size in row[:SLOTS]:
            nodes.append(row[position : position + size])
            position += size
        assert position == len(row), f"state page of {len(row)} bytes, {position} were expected"
        for node in range(SLOTS - 1, 0, -1):
            nodes[node] = join(nodes[2 * node], nodes[2 * node + 1])
        return cls(nodes)

    def few(self) -> list[bytes] | None:
        """All leaves below, when they fit a bucket and none is in another row; otherwise None."""
        slots = [slot for slot in self.nodes[SLOTS:] if slot]
        if len(slots) > BUCKET_LEAVES_MAX or any(len(slot) == HASH_BYTES for slot in slots):
            return None
        return slots

    def descend(self, nibble: int, siblings: list[Hash]) -> bytes:
        """What the path through `nibble` ends in; hashes beside it are appended to `siblings`."""
        node = 1
        for shift in range(LEVELS - 1, -1, -1):
            if len(self.nodes[node]) != HASH_BYTES:
                break
            node = 2 * node + (nibble >> shift & 1)
            siblings.append(hashed(self.nodes[node ^ 1]))
        return self.nodes[node]


EMPTY_PAGE = Page([EMPTY] * (2 * SLOTS))
Row = Page | bytes
"""A page, or a bucket as it is stored."""


def encode_row(row: Row) -> bytes:
    """The stored form."""
    return row if isinstance(row, bytes) else row.encode()


def decode_row(row: bytes) -> Row:
    """What a stored row is: leaves have 64 bytes each, a page 16 more than a multiple of 32."""
    return Page.decode(row) if len(row) % LEAF_BYTES else row


def leaves_of(bucket: bytes) -> list[bytes]:
    """The leaves of a bucket."""
    return [bucket[at : at + LEAF_BYTES] for at in range(0, len(bucket), LEAF_BYTES)]


def merged(leaves: Sequence[bytes], items: Sequence[bytes]) -> list[bytes]:
    """Leaves after some were set (64 bytes) or removed (their key hash), in order."""
    if len(items) == 1 and len(items[0]) == LEAF_BYTES:
        path = items[0][:HASH_BYTES]
        for index, leaf in enumerate(leaves):
            if leaf.startswith(path):
                return [*leaves[:index], items[0], *leaves[index + 1 :]]
    by_path = {leaf[:HASH_BYTES]: leaf for leaf in leaves}
    by_path.update((item[:HASH_BYTES], item) for item in items)
    return sorted(leaf for leaf in by_path.values() if len(leaf) == LEAF_BYTES)


def hashed(node: bytes) -> Hash:
    """The hash of what stands at a place."""
    if len(node) == HASH_BYTES:
        return Hash(node)
    return Hash(sha256(b"\x00" + node).digest()) if node else ZERO_HASH


def join(left: bytes, right: bytes) -> bytes:
    """What stands above two places: a leaf without a neighbour, or the hash of both."""
    if not right:
        if len(left) != HASH_BYTES:
            return left
        right = ZERO_HASH
    elif len(right) == LEAF_BYTES:
        if not left:
            return right
        right = sha256(b"\x00" + right).digest()
    if not left:
        left = ZERO_HASH
    elif len(left) == LEAF_BYTES:
        left = sha256(b"\x00" + left).digest()
    return sha256(b"\x01" + left + right).digest()


def joined(leaves: Sequence[bytes], depth: int) -> bytes:
    """What stands above sorted leaves that share their first `depth` bits."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    if len(leaves) == 2:
        return _joined_pair(leaves[0], leaves[1], depth)
    left, right = halves(leaves, depth)
    return join(joined(left, depth + 1), joined(right, depth + 1))


def _joined_pair(left: bytes, right: bytes, depth: int) -> bytes:
    """What stands above two sorted leaves that share their first `depth` bits."""
    apart = int.from_bytes(left[:HASH_BYTES], "big") ^ int.from_bytes(right[:HASH_BYTES], "big")
    node = join(left, right)
    for level in range(PATH_BITS - apart.bit_length() - 1, depth - 1, -1):
        aside = left[level >> 3] & 128 >> (level & 7)
        node = join(ZERO_HASH, node) if aside else join(node, ZERO_HASH)
    return node


def halves(leaves: Sequence[bytes], depth: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Sorted leaves by their bit at `depth`."""
    byte, mask = depth >> 3, 128 >> (depth & 7)
    middle = 0
    while middle < len(leaves) and not leaves[middle][byte] & mask:
        middle += 1
    return leaves[:middle], leaves[middle:]
