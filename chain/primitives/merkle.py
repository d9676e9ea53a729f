"""Merkle trees over a list, hashed as RFC 9162 section 2.1 (the same as RFC 6962).

leaf = sha256(0x00 | data), inner = sha256(0x01 | left | right), empty = sha256(""). A proof of
`size` leaves has at most 64 hashes, and exactly as many as index and size demand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import HASH_BYTES, Hash, sha256

EMPTY_ROOT = sha256(b"")
PROOF_HASHES_MAX = 64


def leaf_hash(data: bytes) -> Hash:
    """The hash of one leaf."""
    return sha256(b"\x00" + data)


def inner_hash(left: bytes, right: bytes) -> Hash:
    """The hash of a node with two children."""
    return sha256(b"\x01" + left + right)


def root(leaves: Sequence[bytes]) -> Hash:
    """The root over the data of the leaves, in order."""
    level: list[Hash] = [leaf_hash(leaf) for leaf in leaves]
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        paired = [inner_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[Hash]:
    """The audit path of leaf `index`, leaf to root (RFC 9162 section 2.1.3.1)."""
    assert 0 <= index < len(leaves)
    level: list[Hash] = [leaf_hash(leaf) for leaf in leaves]
    path: list[Hash] = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        paired = [inner_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level, index = paired, index // 2
    return path


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes
) -> bool:
    """Whether `leaf` (a leaf hash) is number `index` of `size` under the root `expected`.

    RFC 9162 section 2.1.3.2, with every length checked exactly.
    """
    if not 0 <= index < size or len(leaf) != HASH_BYTES or len(expected) != HASH_BYTES:
        return False
    if any(len(step) != HASH_BYTES for step in proof):
        return False
    fn, sn, node = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            node = inner_hash(step, node)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = inner_hash(node, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and node == expected


def sides(index: int, size: int) -> int:
    """On which side each sibling of an audit path stands: bit i is 1 when sibling i is the left."""
    found = bit = 0
    fn, sn = index, size - 1
    while sn:
        if fn & 1 or fn == sn:
            found |= 1 << bit
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        fn, sn, bit = fn >> 1, sn >> 1, bit + 1
    return found


def root_along(leaf: bytes, path: Sequence[bytes], sides: int) -> bytes:
    """The root above a leaf hash, with each sibling of the path on the side its bit says."""
    node = leaf
    for bit, step in enumerate(path):
        node = inner_hash(step, node) if sides >> bit & 1 else inner_hash(node, step)
    return node


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[Hash]:
    """That the first `old` leaves stayed as they were (RFC 9162 section 2.1.4.1)."""
    assert 0 < old <= len(leaves)
    return _subproof(leaves, old, True)


def _subproof(leaves: Sequence[bytes], old: int, whole: bool) -> list[Hash]:
    size = len(leaves)
    if old == size:
        return [] if whole else [root(leaves)]
    split = 1 << ((size - 1).bit_length() - 1)
    if old <= split:
        return [*_subproof(leaves[:split], old, whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], old - split, False), root(leaves[:split])]


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `new` leaves extends the tree of `old` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old <= new or any(len(step) != HASH_BYTES for step in proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, Hash(old_root))
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = inner_hash(step, fr), inner_hash(step, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = inner_hash(sr, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The right edge of a growing tree: enough to append leaves and to know the root.

    `peaks` are the roots of the perfect subtrees that make up `size` leaves, largest first.
    """

    size: int = 0
    peaks: tuple[Hash, ...] = ()

    def append(self, leaf: Hash) -> "CompactRange":
        """The range with one more leaf (given as its leaf hash)."""
        peaks, node, size = list(self.peaks), leaf, self.size
        while size & 1:
            node, size = inner_hash(peaks.pop(), node), size >> 1
        return CompactRange(self.size + 1, (*peaks, node))

    def root(self) -> Hash:
        """The root over all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = inner_hash(peak, node)
        return node

    def to_value(self) -> Value:
        """The CBOR form: [size, peaks in one byte string]."""
        return [self.size, b"".join(self.peaks)]

    @classmethod
    def from_value(cls, value: Value) -> "CompactRange":
        """Raises Malformed when the peaks do not fit the size."""
        size, packed = shape.array(value, 2, "compact range")
        count = shape.uint(size, what="compact range size")
        peaks = shape.blob(packed, count.bit_count() * HASH_BYTES, "compact range peaks")
        cut = range(0, len(peaks), HASH_BYTES)
        return cls(count, tuple(Hash(peaks[start : start + HASH_BYTES]) for start in cut))
