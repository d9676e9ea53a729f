"""Paths in the header history from compact ranges, beside paths over all leaves."""

from itertools import accumulate

import pytest

from chain.history import history_path
from chain.primitives import merkle
from chain.primitives.hashing import Hash
from chain.primitives.merkle import CompactRange

SIZES = (*range(1, 34), 63, 64, 65, 100)


def ranges_over(leaves: list[bytes]) -> list[CompactRange]:
    """The range over the first n leaves, for each n."""
    hashes = map(merkle.leaf_hash, leaves)
    return list(
        accumulate(hashes, lambda range_, leaf: range_.append(leaf), initial=CompactRange())
    )


@pytest.mark.parametrize("size", SIZES)
def test_paths_are_those_over_all_leaves(size: int) -> None:
    leaves = [bytes((i,)) for i in range(size)]
    ranges = ranges_over(leaves)
    for index in range(size):
        path = history_path(
            index, size, ranges.__getitem__, lambda at: merkle.leaf_hash(leaves[at])
        )
        assert path == merkle.inclusion_proof(leaves, index)
        sides = merkle.sides(index, size)
        assert (
            merkle.root_along(merkle.leaf_hash(leaves[index]), path, sides) == ranges[size].root()
        )


def test_a_path_in_a_long_chain_takes_few_reads() -> None:
    size, reads = 1_000_003, 0

    def count_range(end: int) -> CompactRange:
        nonlocal reads
        reads += 1
        return CompactRange(end, (Hash(bytes(32)),) * end.bit_count())

    def count_leaf(at: int) -> Hash:
        nonlocal reads
        reads += 1
        return Hash(bytes(32))

    assert len(history_path(0, size, count_range, count_leaf)) == 20
    assert reads < 250
