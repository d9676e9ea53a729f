"""Branches that win, lose, turn out invalid half-way up, and what the events say of it."""

import pytest

from chain.block import Block, list_root
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    HeadChanged,
    Ledger,
    LedgerEvent,
    TransactionAdded,
    TransactionDropped,
)
from chain.primitives import merkle
from chain.primitives.errors import Invalid
from chain.primitives.hashing import sha256
from chain.store import MemoryStore
from tests.chain.founding import (
    SUPPLY,
    decoded,
    grow,
    leader,
    ledger,
    make,
    resealed,
    transfer,
)

NOW = 4_000


def take(into: Ledger, *blocks: Block) -> list[LedgerEvent]:
    events: list[LedgerEvent] = []
    for block in blocks:
        events += into.import_block(block, decoded(into, block), NOW)
    return events


def on_top(below: list[Block], slot: int) -> Block:
    """An empty block on one that no ledger would grow on; it claims the state of its parent."""
    parent = below[-1].header
    return resealed(
        Block(parent, b"", (), ()),
        leader(slot),
        parent=parent.id,
        height=parent.height + 1,
        slot=slot,
        author=leader(slot).did,
        history=merkle.root([block.header.raw for block in below]),
        transactions=list_root(()),
        receipts=list_root(()),
    )


def first(on: Ledger) -> Block:
    block = on.block_at(0)
    assert block is not None
    return block


def test_a_reorganisation_of_fifty_blocks_tells_its_story_in_order() -> None:
    loser, winner = ledger(), ledger()
    lost = [grow(loser, n + 1, transfer(n, payer=1, payee=2)) for n in range(50)]
    won = [grow(winner, 100 + n, transfer(n)) for n in range(51)]
    assert take(loser, *won[:49]) == []
    # Fifty against fifty: the lower slot, which is the loser's own, stays.
    assert take(loser, won[49]) == []
    before = loser.head.id
    events = take(loser, won[50])
    heights = list(range(50, 0, -1))
    assert events[:50] == [
        BlockDisconnected(block.id, height)
        for block, height in zip(reversed(lost), heights, strict=True)
    ]
    assert [e.block_id for e in events[50:101] if isinstance(e, BlockConnected)] == [
        block.id for block in won
    ]
    assert events[101] == HeadChanged(before, won[50].id, 51, 50)
    again = [e.txid for e in events[102:] if isinstance(e, TransactionAdded)]
    assert again == [decoded(loser, block)[0].id for block in lost]
    assert len(events) == 102 + 50
    assert loser.head.header.state == winner.head.header.state
    assert len(grow(loser, 500).transactions) == 50
    assert loser.supply("CNY") == SUPPLY


def test_what_the_winning_branch_spent_differently_is_dropped_with_a_reason() -> None:
    loser, winner = ledger(), ledger()
    mine = transfer(0, 10)
    grow(loser, 1, mine)
    branch = [grow(winner, 2, transfer(0, 20)), grow(winner, 3)]
    events = take(loser, *branch)
    [dropped] = [e for e in events if isinstance(e, TransactionDropped)]
    assert (dropped.txid, dropped.code) == (mine.id, "sequence-used")
    assert list(loser.mempool) == []


def test_a_transaction_on_both_branches_stays_included() -> None:
    loser, winner = ledger(), ledger()
    both = transfer(0, 10)
    grow(loser, 1, both)
    branch = [grow(winner, 2), grow(winner, 3, both)]
    events = take(loser, *branch)
    assert not [e for e in events if isinstance(e, TransactionAdded | TransactionDropped)]
    where = loser.transaction(both.id)
    assert where is not None
    assert where.block_id == branch[1].id


def heavy_and_bad(ours: int, good: int, bad_on_top: int) -> tuple[Ledger, MemoryStore, list[Block]]:
    """A ledger `ours` blocks high, and a branch that goes bad after `good` blocks; not imported."""
    store = MemoryStore()
    on, other = ledger(store), ledger()
    for n in range(ours):
        grow(on, n + 1, transfer(n))
    branch = [first(on)]
    branch += [grow(other, 100 + n, transfer(n, payer=2)) for n in range(good)]
    branch.append(resealed(make(other, 200), state=sha256(b"lie")))
    for n in range(bad_on_top):
        branch.append(on_top(branch, 300 + n))
    return on, store, branch[1:]


@pytest.mark.parametrize("reopened", [False, True])
def test_a_branch_that_goes_bad_deep_inside_falls_back(reopened: bool) -> None:
    on, store, branch = heavy_and_bad(ours=5, good=3, bad_on_top=2)
    before, held = on.head, store.scan(b"s", limit=999)
    take(on, *branch[:-1])
    assert on.head == before
    with pytest.raises(Invalid) as refusal:
        take(on, branch[-1])
    assert refusal.value.code == "wrong-state-root"
    assert sha256(b"lie").hex() in refusal.value.reason
    if reopened:
        on = ledger(store)
    assert on.head == before
    assert store.scan(b"s", limit=999) == held
    # What the refused block moved, down to the fork, up and back, is told with the next one.
    events = take(on, make(on, 400))
    moves = [type(e) for e in events if isinstance(e, BlockConnected | BlockDisconnected)]
    assert moves.count(BlockDisconnected) == (0 if reopened else 8)
    assert moves.count(BlockConnected) == (1 if reopened else 9)
    heads = [e for e in events if isinstance(e, HeadChanged)]
    assert [(e.old, e.depth) for e in heads] == [(before.id, 0)]
    with pytest.raises(Invalid, match="invalid-parent"):
        take(on, on_top([first(on), *branch], 410))


def test_the_good_part_of_a_bad_branch_counts_when_it_is_the_heaviest() -> None:
    on, _, branch = heavy_and_bad(ours=2, good=3, bad_on_top=0)
    take(on, *branch[:-1])
    assert on.head.id == branch[2].id
    with pytest.raises(Invalid, match="wrong-state-root"):
        take(on, branch[-1])
    assert on.head.id == branch[2].id


def test_a_branch_of_equal_weight_that_goes_bad_next_changes_nothing() -> None:
    on, _, branch = heavy_and_bad(ours=4, good=4, bad_on_top=1)
    old = on.head.id
    take(on, *branch[:-2])
    assert on.head.id == old, "four against four, ours has the lower slot"
    with pytest.raises(Invalid, match="wrong-state-root"):
        take(on, branch[-2])
    assert on.head.id == old
    with pytest.raises(Invalid, match="invalid-parent"):
        take(on, branch[-1])


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_equal_weight_is_settled_alike_in_any_order(order: tuple[int, ...]) -> None:
    """By slot first, and in one slot by id."""
    twins = [make(ledger(), 3, transfer(0, amount)) for amount in (1, 2)]
    blocks = [*twins, make(ledger(), 4)]
    on = ledger()
    take(on, *(blocks[number] for number in order))
    assert on.head.id == min(block.id for block in twins)
