"""That a header is in the history a later header commits to: an audit path from few reads.

The tree over n headers is made of perfect subtrees. Where one stands on the left, its root is the
last peak of the compact range that the header tree keeps for the block at its right end; where it
stands on the right, it is put together from such halves. So a path in a chain of a million blocks
takes some two hundred reads, and not a million.
"""

from collections.abc import Callable

from chain.primitives.hashing import Hash
from chain.primitives.merkle import CompactRange, inner_hash

Ranges = Callable[[int], CompactRange]
"""The compact range over the first n headers, n from 1."""
Leaves = Callable[[int], Hash]
"""The leaf hash of the header at a height."""


def history_path(index: int, size: int, ranges: Ranges, leaves: Leaves) -> list[Hash]:
    """The audit path of header `index` among the first `size`, leaf to root (RFC 9162)."""
    assert 0 <= index < size
    return _path(index, 0, size, ranges, leaves)


def _path(index: int, start: int, end: int, ranges: Ranges, leaves: Leaves) -> list[Hash]:
    """The path below the root over the headers from `start` to before `end`."""
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [
            *_path(index, start, middle, ranges, leaves),
            _root(middle, end, ranges, leaves),
        ]
    return [*_path(index, middle, end, ranges, leaves), _root(start, middle, ranges, leaves)]


def _root(start: int, end: int, ranges: Ranges, leaves: Leaves) -> Hash:
    """The root over the headers from `start` to before `end`."""
    count = end - start
    if count == 1:
        return leaves(start)
    if count & (count - 1) == 0 and end & -end == count:
        return ranges(end).peaks[-1]
    middle = start + _split(count)
    return inner_hash(_root(start, middle, ranges, leaves), _root(middle, end, ranges, leaves))


def _split(count: int) -> int:
    """The largest power of two below a count: where RFC 9162 splits it."""
    return 1 << ((count - 1).bit_length() - 1)
