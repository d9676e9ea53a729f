"""Merkle roots by their definitions, recursion and all, to hold the ledger's fast ones against.

Sources: RFC 9162 section 2.1.1 for lists; docs/spec/blocks.md section 7 for the state.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

EMPTY_LIST = sha256(b"").digest()
NOTHING = bytes(32)
"""What stands for an empty subtree of the state."""

Known = dict[tuple[bytes, bytes, int], bytes]
"""Roots of full subtrees by first leaf, last leaf and size."""


def leaf(data: bytes) -> bytes:
    """The hash of one leaf of a list."""
    return sha256(b"\x00" + data).digest()


def list_root(leaves: Sequence[bytes], known: Known | None = None) -> bytes:
    """The root over leaf hashes. `known` makes roots over a growing list of distinct ones cheap."""
    return _list_root(leaves, 0, len(leaves), known)


def _list_root(leaves: Sequence[bytes], start: int, end: int, known: Known | None) -> bytes:
    size = end - start
    if size == 0:
        return EMPTY_LIST
    if size == 1:
        return leaves[start]
    key = leaves[start], leaves[end - 1], size
    if known is not None and key in known:
        return known[key]
    split = start + (1 << (size - 1).bit_length() - 1)
    left, right = _list_root(leaves, start, split, known), _list_root(leaves, split, end, known)
    root = sha256(b"\x01" + left + right).digest()
    if known is not None and size & (size - 1) == 0:
        known[key] = root
    return root


def state_path(key: bytes) -> bytes:
    """Where a key of the state has its place."""
    return sha256(key).digest()


def state_leaf(path: bytes, value: bytes) -> bytes:
    """The hash of a leaf of the state."""
    return sha256(b"\x00" + path + sha256(value).digest()).digest()


def state_root(leaves: Mapping[bytes, bytes]) -> bytes:
    """The root of the state whose leaf hashes stand at these paths."""
    paths = sorted(leaves)
    return _state_root(leaves, paths, 0, len(paths), 0)


def _state_root(
    leaves: Mapping[bytes, bytes], paths: Sequence[bytes], start: int, end: int, depth: int
) -> bytes:
    if end - start == 1:
        return leaves[paths[start]]
    if start == end:
        return NOTHING
    byte, mask = depth >> 3, 128 >> (depth & 7)
    low, high = start, end
    while low < high:
        middle = (low + high) // 2
        if paths[middle][byte] & mask:
            high = middle
        else:
            low = middle + 1
    left = _state_root(leaves, paths, start, low, depth + 1)
    right = _state_root(leaves, paths, low, end, depth + 1)
    return sha256(b"\x01" + left + right).digest()
