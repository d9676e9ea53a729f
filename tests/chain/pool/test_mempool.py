"""The mempool in single steps: what is admitted, declined, displaced, forgotten, brought back."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.pool.mempool import Admission, Drop, Mempool, MempoolLimits
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import Transaction
from tests.chain.pool.waiting import REGISTRATION, Sequences, sender, waiting

SLOT = 10


def pool(transactions: int = 100, size: int = 100_000, proofs: int = 20) -> Mempool:
    return Mempool(MempoolLimits(transactions, size, proofs, sequence_ahead=50))


def fill(mempool: Mempool, *txs: Transaction) -> None:
    for tx in txs:
        mempool.add(tx, SLOT, Sequences())


def declined(mempool: Mempool, tx: Transaction, sequences: Sequences | None = None) -> str:
    before = list(mempool)
    with pytest.raises(Declined) as refused:
        mempool.add(tx, SLOT, sequences or Sequences())
    assert sorted(t.id for t in mempool) == sorted(t.id for t in before)
    return str(refused.value)


def test_admission() -> None:
    mempool, tx = pool(), waiting()
    assert mempool.add(tx, SLOT, Sequences()) == Admission(None, ())
    assert (len(mempool), mempool.bytes, list(mempool)) == (1, len(tx.raw), [tx])
    assert mempool.has(tx.id)
    assert mempool.get(tx.id) is tx
    assert mempool.by_raw_hash(sha256(tx.raw)) is tx
    assert mempool.remove(tx.id) is tx
    assert mempool.remove(tx.id) is None
    assert mempool.get(tx.id) is None
    assert mempool.by_raw_hash(sha256(tx.raw)) is None
    assert (len(mempool), mempool.bytes, list(mempool.lanes())) == (0, 0, [])


def test_declined() -> None:
    mempool, sequences = pool(), Sequences()
    fill(mempool, waiting())
    assert "already-known" in declined(mempool, waiting())
    assert "expired: good until slot 9, now is 10" in declined(mempool, waiting(2, expiry=9))
    sequences.next[sender(2), 0] = 5
    assert "sequence 4 of lane 0 is used; the next is 5" in declined(
        mempool, waiting(2, 4), sequences
    )
    assert "at most 49 ahead are kept" in declined(mempool, waiting(2, 55), sequences)
    mempool.add(waiting(2, 54), SLOT, sequences)


def test_an_earlier_expiry_replaces() -> None:
    mempool = pool()
    first, cancel = waiting(expiry=100), waiting(expiry=99, size=300)
    fill(mempool, first)
    assert "only an earlier expiry than that replaces it, not 100" in declined(
        mempool, waiting(expiry=100, size=250)
    )
    assert "not 101" in declined(mempool, waiting(expiry=101))
    assert mempool.add(cancel, SLOT, Sequences()) == Admission(first, ())
    assert (list(mempool), mempool.bytes) == ([cancel], 300)


@given(
    st.permutations(
        [waiting(1, n, lane=lane, expiry=e) for n in range(3) for lane in (0, 1) for e in (50, 60)]
    )
)
def test_every_order_of_arrival_ends_the_same(txs: list[Transaction]) -> None:
    mempool = pool()
    for tx in txs:
        with suppress(Declined):
            mempool.add(tx, SLOT, Sequences())
    assert {tx.id for tx in mempool} == {tx.id for tx in txs if tx.expiry == 50}


def test_the_heaviest_sender_loses_its_last() -> None:
    mempool = pool(transactions=5)
    fill(mempool, *(waiting(1, n) for n in range(3)), *(waiting(2, n) for n in range(2)))
    newcomer = waiting(3)
    assert mempool.add(newcomer, SLOT, Sequences()).evicted == (waiting(1, 2),)
    # One and two now weigh the same: the lower id gives way.
    assert mempool.add(waiting(4), SLOT, Sequences()).evicted == (waiting(1, 1),)
    assert [len(lane) for _, lane in mempool.lanes()] == [1, 2, 1, 1]


def test_the_largest_lane_of_the_heaviest_loses() -> None:
    mempool = pool(transactions=5)
    fill(mempool, waiting(1, 0), *(waiting(1, n, lane=1) for n in range(4)))
    assert mempool.add(waiting(2), SLOT, Sequences()).evicted == (waiting(1, 3, lane=1),)


def test_a_flood_displaces_only_itself() -> None:
    mempool = pool(transactions=5)
    fill(mempool, waiting(2), *(waiting(1, n) for n in range(4)))
    text = declined(mempool, waiting(1, 4))
    assert "mempool-full: 5 of 5 transactions and 1000 of 100000 bytes wait" in text
    assert "takes the most room" in text
    # What fills a gap of its own is worth more to its sender than its last.
    mempool.remove(waiting(1, 1).id)
    fill(mempool, waiting(1, 9))
    assert mempool.add(waiting(1, 1), SLOT, Sequences()).evicted == (waiting(1, 9),)


def test_room_is_counted_in_bytes_too() -> None:
    mempool = pool(size=1_000)
    fill(mempool, *(waiting(1, n) for n in range(5)))
    evicted = mempool.add(waiting(2, size=500), SLOT, Sequences()).evicted
    assert evicted == (waiting(1, 4), waiting(1, 3), waiting(1, 2))
    assert mempool.bytes == 900


def test_what_can_never_fit_displaces_nobody() -> None:
    mempool = pool(size=1_000)
    fill(mempool, *(waiting(1, n) for n in range(5)))
    assert "mempool-full" in declined(mempool, waiting(2, size=1_001))
    assert "mempool-full" in declined(mempool, waiting(3, size=900))
    assert mempool.add(waiting(2, size=600), SLOT, Sequences()).evicted


def test_registrations_wait_in_a_compartment() -> None:
    mempool = pool(proofs=5)
    fill(mempool, *(waiting(n, body=REGISTRATION) for n in (1, 2)))
    full = "registrations wait with 4 signatures, this one brings 2: at most 5"
    assert full in declined(mempool, waiting(3, body=REGISTRATION))
    with pytest.raises(Declined, match=full):
        mempool.check_registrations(waiting(3, body=REGISTRATION))
    mempool.check_registrations(waiting(2, expiry=50, body=REGISTRATION))  # it would replace one
    mempool.check_registrations(waiting(3))
    fill(mempool, waiting(3))
    mempool.remove(waiting(1, body=REGISTRATION).id)
    fill(mempool, waiting(4, body=REGISTRATION))


def test_what_has_expired_is_forgotten() -> None:
    mempool = pool()
    fill(mempool, waiting(1, 0, expiry=20), waiting(1, 1, expiry=12), waiting(2, expiry=12))
    assert mempool.expire(12) == []
    dropped = mempool.expire(13)
    assert [(drop.tx, drop.code) for drop in dropped] == [
        (waiting(1, 1, expiry=12), "expired"),
        (waiting(2, expiry=12), "expired"),
    ]
    assert dropped[0].reason == "good until slot 12, now is 13"
    assert mempool.expire(21) == [
        Drop(waiting(1, 0, expiry=20), "expired", "good until slot 20, now is 21")
    ]
    assert (len(mempool), mempool.bytes) == (0, 0)


def test_an_expiry_slot_may_come_back() -> None:
    """A slot whose last transaction left is still known, and new ones in it expire as well."""
    mempool = pool()
    fill(mempool, waiting(1, expiry=12))
    mempool.remove(waiting(1, expiry=12).id)
    fill(mempool, waiting(2, expiry=12))
    assert [drop.tx for drop in mempool.expire(13)] == [waiting(2, expiry=12)]
    mempool.add(waiting(3, expiry=12), SLOT, Sequences())
    assert [drop.tx for drop in mempool.expire(13)] == [waiting(3, expiry=12)]


def test_a_block_takes_and_overtakes() -> None:
    mempool = pool()
    fill(mempool, *(waiting(1, n) for n in range(4)), waiting(2))
    other = waiting(1, 1, expiry=50)
    dropped = mempool.on_block_connected([waiting(1, 0), other])
    assert [(drop.tx, drop.code) for drop in dropped] == [(waiting(1, 1), "superseded")]
    assert f"was used by {other.id.hex()}" in dropped[0].reason
    assert list(mempool) == [waiting(1, 2), waiting(1, 3), waiting(2)]
    # The served lane goes to the end of the line.
    assert [key[0] for key, _ in mempool.lanes()] == [sender(2), sender(1)]


def test_what_a_lost_branch_had_taken_comes_back() -> None:
    mempool, sequences = pool(), Sequences()
    first, second = waiting(1, 0, expiry=40), waiting(1, 1)
    fill(mempool, first, second)
    for tx in (first, second):
        mempool.on_block_connected([tx])
        sequences.took(tx)
    rival = waiting(1, 1, expiry=90)
    gone = waiting(2, 0, expiry=9)
    sequences.took(gone)
    for tx in (second, first, gone):
        sequences.gave_back(tx)
    fill(mempool, rival)
    reentry = mempool.on_block_disconnected([first, second, gone], SLOT, sequences)
    assert reentry.added == (first,)
    assert [(drop.tx, drop.code) for drop in reentry.dropped] == [
        (second, "sequence-taken"),
        (gone, "expired"),
    ]
    assert {tx.id for tx in mempool} == {first.id, rival.id}


def test_re_entry_reports_what_it_replaces() -> None:
    mempool = pool()
    late, early = waiting(expiry=90), waiting(expiry=40)
    fill(mempool, late)
    reentry = mempool.on_block_disconnected([early], SLOT, Sequences())
    assert reentry.added == (early,)
    assert [(drop.tx, drop.code) for drop in reentry.dropped] == [(late, "replaced")]


def test_the_next_free_number_skips_what_waits() -> None:
    mempool = pool()
    assert mempool.next_free(sender(1), 0, 3) == 3
    fill(mempool, *(waiting(1, n) for n in (3, 4, 6)))
    assert [mempool.next_free(sender(1), 0, n) for n in (2, 3, 5, 6)] == [2, 5, 5, 7]
    fill(mempool, waiting(1, 5))
    assert [mempool.next_free(sender(1), 0, n) for n in (2, 3, 6, 7)] == [2, 7, 7, 7]


def test_unknown_ids() -> None:
    unknown = Hash(bytes(32))
    assert not pool().has(unknown)
    assert pool().get(unknown) is None
    assert pool().by_raw_hash(unknown) is None
