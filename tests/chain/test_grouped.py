"""Batches held back: read from memory, written as one, and whole blocks among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import Block
from chain.grouped import GroupedStore
from chain.primitives.errors import Invalid
from chain.store import Batch, MemoryStore
from tests.chain.founding import decoded, grow, ledger, transfer

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=2)), max_size=6)


class CountingStore(MemoryStore):
    """Counts its writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        self.writes += 1
        super().write(batch)


def batch(changes: list[tuple[bytes, bytes | None]]) -> Batch:
    made = Batch()
    for key, value in changes:
        if value is None:
            made.delete(key)
        else:
            made.put(key, value)
    return made


@given(before=CHANGES, groups=st.lists(CHANGES, max_size=5))
def test_reads_inside_as_a_plain_store_would_and_writes_once(
    before: list[tuple[bytes, bytes | None]], groups: list[list[tuple[bytes, bytes | None]]]
) -> None:
    plain, below = MemoryStore(), CountingStore()
    grouped = GroupedStore(below)
    plain.write(batch(before))
    grouped.write(batch(before))
    outside = below.get_many([b"a", b"b", b"c", b"d"])
    with grouped.together():
        for changes in groups:
            plain.write(batch(changes))
            grouped.write(batch(changes))
            assert grouped.get_many([b"a", b"b", b"c", b"d"]) == plain.get_many(
                [b"a", b"b", b"c", b"d"]
            )
        assert below.get_many([b"a", b"b", b"c", b"d"]) == outside
    assert below.writes == 1 + any(groups)
    assert grouped.scan(b"", limit=9) == plain.scan(b"", limit=9)


def test_a_group_that_ends_by_an_exception_keeps_its_whole_batches() -> None:
    below = MemoryStore()
    grouped = GroupedStore(below)

    def write_and_fail() -> None:
        with grouped.together():
            grouped.write(batch([(b"a", b"1")]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert below.get(b"a") == b"1"


def test_blocks_imported_together_are_one_write_and_a_wrong_one_among_them_leaves_no_trace() -> (
    None
):
    source = ledger(MemoryStore())
    made = [grow(source, slot, transfer(slot - 1)) for slot in range(1, 6)]
    bodies = [decoded(source, block) for block in made]
    store = CountingStore()
    on = ledger(store)
    founded = store.writes
    with on.together():
        for block, transactions in zip(made[:4], bodies, strict=False):
            on.import_block(block, transactions, 9)
        hollow = Block(made[4].header, made[4].seal, (), ())
        with pytest.raises(Invalid, match="wrong-transactions-root"):
            on.import_block(hollow, (), 9)
    assert store.writes == founded + 1
    assert on.head.id == made[3].id
    again = ledger(store)
    assert again.head.id == made[3].id
    again.import_block(made[4], bodies[4], 9)
    assert again.head.header.state == source.head.header.state
