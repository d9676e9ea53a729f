"""The ledger: growth, reorganisation, restarts, guard, queries; a naive ledger beside it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.block import Block, Header
from chain.consensus.headertree import rank
from chain.ledger import BlockDisconnected, HeadChanged, Ledger, TransactionAdded
from chain.parameters import Consensus
from chain.primitives import merkle
from chain.primitives.errors import Declined, Invalid, Refusal
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.state.smt import verify_state_proof
from chain.store import Batch, MemoryStore
from chain.transactions.payment import balance
from tests.chain.founding import (
    AUTHORITIES,
    GENESIS,
    MINING,
    SUPPLY,
    decoded,
    genesis,
    grow,
    leader,
    ledger,
    make,
    resealed,
    transfer,
)


def held(on: Ledger, who: int) -> int:
    account = on.account(AUTHORITIES[who].did)
    assert account is not None
    return account.balances["CNY"]


def take(into: Ledger, blocks: list[Block], slot: int = 4_000) -> list[object]:
    events: list[object] = []
    for block in blocks:
        events += into.import_block(block, decoded(into, block), slot)
    return events


def test_a_transfer_is_included_found_and_proved() -> None:
    on = ledger()
    tx = transfer(0, 250)
    block = grow(on, 1, tx)
    assert (held(on, 0), held(on, 1)) == (SUPPLY // 3 - 250, SUPPLY // 3 + 250)
    where = on.transaction(tx.id)
    assert where is not None
    assert (where.block_id, where.height, where.index, where.receipt.ok) == (block.id, 1, 0, True)
    assert on.included(where) == tx
    proof = on.inclusion_proof(where)
    leaf = merkle.leaf_hash(tx.raw)
    assert merkle.verify_inclusion(leaf, 0, 1, proof.path, block.header.transactions)
    key = paths.balance(b"CNY", AUTHORITIES[1].did)
    state_proof, header = on.prove(key)
    assert verify_state_proof(header.state, key, on.value(key), state_proof)
    assert [e.txid for e in on.account_transactions(AUTHORITIES[1].did, limit=9)] == [tx.id]
    assert on.is_included(tx.id)
    with pytest.raises(Declined, match="already-included"):
        on.submit(tx, 2)


def test_a_failing_transaction_is_included_as_failed_and_uses_its_number() -> None:
    on = ledger()
    first, second = transfer(0, SUPPLY // 3), transfer(1, 5)
    on.submit(first, 1)
    on.submit(second, 1)
    grow(on, 1)
    where = on.transaction(second.id)
    assert where is not None
    assert not where.receipt.ok
    assert where.receipt.code
    assert on.next_sequence(AUTHORITIES[0].did, 0) == 2
    assert held(on, 0) == 0


@pytest.mark.parametrize("depth", [1, 5, 40])
def test_the_longer_branch_wins_and_what_it_lacks_waits_again(depth: int) -> None:
    loser, winner = ledger(), ledger()
    lost = [transfer(n, payer=1, payee=2) for n in range(depth)]
    for n in range(depth):
        grow(loser, n + 1, lost[n])
    kept = transfer(0, 7)
    branch = [grow(winner, 100, kept)] + [grow(winner, 101 + n) for n in range(depth)]
    events = take(loser, branch)
    assert loser.head.id == winner.head.id
    assert loser.head.header.state == winner.head.header.state
    assert sum(isinstance(e, BlockDisconnected) for e in events) == depth
    moved = [e for e in events if isinstance(e, HeadChanged)]
    assert moved[-1].depth == depth
    assert {tx.id for tx in loser.mempool} == {tx.id for tx in lost}
    assert {e.txid for e in events if isinstance(e, TransactionAdded)} == {tx.id for tx in lost}
    assert loser.supply("CNY") == SUPPLY
    block = grow(loser, 300)
    assert len(block.transactions) == depth
    assert held(loser, 2) == SUPPLY // 3 + depth


def test_equal_length_goes_to_the_lower_slot_whatever_came_first() -> None:
    early, late = make(ledger(), 1), make(ledger(), 2)
    for order in ([early, late], [late, early]):
        on = ledger()
        take(on, order)
        assert on.head.id == early.id


def test_an_invalid_block_deep_in_a_heavier_branch_is_marked_and_never_tried_again() -> None:
    on, other = ledger(), ledger()
    grow(on, 1, transfer(0))
    best = grow(on, 2)
    first = grow(other, 10)
    bad = resealed(make(other, 11), state=sha256(b"lie"))
    take(on, [first, bad])
    child = resealed(
        bad,
        leader(12),
        parent=bad.id,
        height=3,
        slot=12,
        author=leader(12).did,
        history=_history([_first(on), first.header, bad.header]),
    )
    with pytest.raises(Invalid, match="wrong-state-root"):
        take(on, [child])
    assert on.head.id == best.id
    assert held(on, 1) == SUPPLY // 3 + 1
    grandchild = resealed(
        child, leader(13), parent=child.id, height=4, slot=13, author=leader(13).did
    )
    with pytest.raises(Invalid, match="invalid-parent"):
        take(on, [grandchild])
    grow(on, 20)
    assert on.head.height == 3


def _history(headers: list[Header]) -> Hash:
    return merkle.root([header.raw for header in headers])


def _first(on: Ledger) -> Header:
    header = on.header_at(0)
    assert header is not None
    return header


def test_a_reopened_ledger_is_the_same_and_goes_on() -> None:
    store = MemoryStore()
    on = ledger(store)
    for n in range(5):
        grow(on, n + 1, transfer(n))
    again = ledger(store)
    assert again.head == on.head
    assert held(again, 1) == held(on, 1)
    grow(again, 6, transfer(5))
    assert again.head.height == 6


class Crash(Exception):
    """The process dies here."""


class CrashingStore(MemoryStore):
    """Dies before the write that is `left` writes away; what was written stays."""

    left = 10**9

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        if self.left == 0:
            raise Crash
        self.left -= 1
        super().write(batch)


def test_a_reorganisation_cut_short_anywhere_is_finished_at_the_next_start() -> None:
    winner = ledger()
    branch = [grow(winner, 100 + n, transfer(n)) for n in range(4)]
    for survived in range(12):
        store = CrashingStore()
        on = ledger(store)
        for n in range(3):
            grow(on, n + 1, transfer(n, payer=1, payee=2))
        take(on, branch[:3])
        store.left = survived
        try:
            take(on, branch[3:])
        except Crash:
            store.left = 10**9
            on = ledger(store)
            if not on.has_block(branch[3].id):
                take(on, branch[3:])
        assert on.head.id == winner.head.id
        assert on.head.header.state == on.prove(b"x")[1].state == winner.head.header.state
        assert on.supply("CNY") == SUPPLY


def test_no_two_blocks_for_one_slot_even_after_a_restart() -> None:
    store = MemoryStore()
    on = ledger(store)
    on.propose(1, leader(1))
    with pytest.raises(Declined, match="slot-guarded"):
        on.propose(1, leader(1))
    with pytest.raises(Declined, match="slot-guarded"):
        ledger(store).propose(1, leader(1))
    with pytest.raises(Declined, match="not-our-slot"):
        on.propose(2, leader(1))


def test_a_store_of_another_genesis_is_refused_with_both_hashes() -> None:
    store = MemoryStore()
    ledger(store)
    other = genesis(Consensus.WORK)
    with pytest.raises(Invalid) as refused:
        ledger(store, other)
    assert GENESIS.hash.hex() in refused.value.reason
    assert other.hash.hex() in refused.value.reason


def test_headers_follow_the_locator_of_a_peer_on_another_branch() -> None:
    ours, theirs = ledger(), ledger()
    shared = [grow(ours, n + 1) for n in range(30)]
    take(theirs, shared)
    grow(theirs, 200)
    ahead = [grow(ours, 40 + n) for n in range(5)]
    found = ours.headers_after(theirs.locator(), 3)
    assert [header.id for header, _ in found] == [block.id for block in ahead[:3]]
    assert len(theirs.locator()) < 20
    assert ours.headers_after([], 2)[0][0].height == 1


def test_proof_of_work_grows_retargets_and_prefers_work() -> None:
    founding = genesis(Consensus.WORK)
    on = ledger(founding=founding)
    for slot in range(1, 13):
        draft = on.propose(slot, leader(0))
        block = on.seal(draft, leader(0), MINING)
        assert block is not None
        assert on.seal(draft, leader(0), range(0)) is None
        on.import_block(block, [], slot)
    targets = [on.node(on.block_id_at(h) or block.id).target for h in (1, 4, 8, 12)]  # type: ignore[union-attr]
    assert targets == sorted(targets, reverse=True)
    assert targets[0] > targets[-1]
    assert on.head.weight > 12 * 16
    bad = Block(on.head.header, b"\xff" * 8, (), ())
    other = ledger(founding=founding)
    with pytest.raises(Refusal):
        take(other, [bad])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_random_trees_beside_a_naive_ledger(seed: int) -> None:
    """Any order of arrival, any forks, restarts in between: head, state and supply as replayed."""
    rng = random.Random(seed)
    builders = [ledger() for _ in range(3)]
    sequences = [[0, 0, 0] for _ in builders]
    blocks: list[Block] = []
    slot = 0
    for _ in range(rng.randrange(4, 16)):
        slot += rng.randrange(1, 3)
        which = rng.randrange(3)
        payer = rng.randrange(3)
        on = builders[which]
        sequence = on.next_sequence(AUTHORITIES[payer].did, 0)
        tx = transfer(sequence, rng.randrange(1, 99), payer=payer, payee=(payer + 1) % 3)
        try:
            blocks.append(grow(on, slot, tx))
        except Declined:
            continue
        if rng.random() < 0.3:
            _share(blocks, builders, rng.randrange(3), slot)
    del sequences
    store = MemoryStore()
    on = ledger(store)
    waiting = list(blocks)
    while waiting:
        rng.shuffle(waiting)
        rest = []
        for block in waiting:
            try:
                take(on, [block], slot)
            except Declined as refusal:
                if refusal.code == "unknown-parent":
                    rest.append(block)
        assert len(rest) < len(waiting)
        waiting = rest
        if rng.random() < 0.5:
            on = ledger(store)
    best = max((on.node(b.id) for b in blocks), key=lambda n: rank(n) if n else (0, 0, 0))
    assert best is not None
    assert on.head == best
    replayed = ledger()
    path = [block for h in range(1, on.head.height + 1) if (block := on.block_at(h))]
    take(replayed, path, slot)
    assert replayed.head.header.state == on.head.header.state
    assert sum(held(on, who) for who in range(3)) == SUPPLY == on.supply("CNY")
    ids = [raw for block in path for raw in block.transactions]
    assert len(ids) == len(set(ids))


def _share(blocks: list[Block], builders: list[Ledger], which: int, slot: int) -> None:
    for block in blocks:
        try:
            take(builders[which], [block], slot)
        except Declined:
            continue


def test_balance_helper_reads_the_same_state() -> None:
    on = ledger()
    grow(on, 1, transfer(0, 9))
    assert balance(on._chainstate.view, "CNY", AUTHORITIES[1].did) == held(on, 1)
