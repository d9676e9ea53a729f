"""Block assembly: turns, order and room."""

import pytest

from chain.pool.assembly import (
    FRAMING_BYTES,
    MISFITS_MAX,
    BlockRoom,
    select,
)
from chain.pool.mempool import Mempool, MempoolLimits
from chain.transactions.envelope import Transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.identity import Register
from chain.validation import EVIDENCE_MAX, PROOFS_MAX
from tests.chain.pool.waiting import EVIDENCE, REGISTRATION, Sequences, sender, waiting

SLOT = 10
WIDE = BlockRoom(transactions=100, bytes=1_000_000)


def pool(*txs: Transaction) -> Mempool:
    mempool = Mempool(MempoolLimits())
    for tx in txs:
        mempool.add(tx, SLOT, Sequences())
    return mempool


def chosen(mempool: Mempool, room: BlockRoom = WIDE, slot: int = SLOT) -> list[tuple[int, int]]:
    """(number of the sender, sequence) of what is selected."""
    picked = select(mempool, Sequences(), slot, room)
    return [(int.from_bytes(tx.sender, "big"), tx.sequence) for tx in picked]


def test_lanes_take_turns_in_order_of_arrival() -> None:
    mempool = pool(waiting(2, 1), waiting(2, 0), waiting(1, 0), waiting(2, 2), waiting(1, 1))
    assert chosen(mempool) == [(2, 0), (1, 0), (2, 1), (1, 1), (2, 2)]


def test_one_sender_cannot_crowd_out_the_others() -> None:
    mempool = pool(*(waiting(1, n) for n in range(50)), *(waiting(n) for n in range(2, 6)))
    assert chosen(mempool, BlockRoom(6, 1_000_000)) == [
        *((n, 0) for n in range(1, 6)),
        (1, 1),
    ]


def test_served_lanes_wait_for_the_others() -> None:
    """With more lanes than a block has room for, every lane is served within two blocks."""
    mempool, sequences = pool(*(waiting(n, k) for n in range(1, 9) for k in (0, 1))), Sequences()
    served: list[int] = []
    for _ in range(4):
        block = select(mempool, sequences, SLOT, BlockRoom(4, 1_000_000))
        for tx in block:
            sequences.took(tx)
        mempool.on_block_connected(block)
        served += [int.from_bytes(tx.sender, "big") for tx in block]
    assert served == [*range(1, 9), *range(1, 9)]


def test_a_lane_stops_at_a_gap() -> None:
    assert chosen(pool(waiting(1, 0), waiting(1, 2), waiting(2, 1))) == [(1, 0)]


def test_a_lane_stops_at_what_has_expired() -> None:
    mempool = pool(waiting(1, 0), waiting(1, 1, expiry=11), waiting(1, 2))
    assert chosen(mempool, slot=11) == [(1, 0), (1, 1), (1, 2)]
    assert chosen(mempool, slot=12) == [(1, 0)]


def test_a_lane_stops_at_what_does_not_fit() -> None:
    mempool = pool(waiting(1, 0, size=600), waiting(1, 1), waiting(2, 0), waiting(2, 1))
    assert chosen(mempool, BlockRoom(9, 2 * (200 + FRAMING_BYTES))) == [(2, 0), (2, 1)]


@pytest.mark.parametrize(
    ("body", "share"), [(REGISTRATION, PROOFS_MAX // 2), (EVIDENCE, EVIDENCE_MAX)]
)
def test_a_block_takes_its_share_of_a_kind_and_goes_on(
    body: Register | SubmitEvidence, share: int
) -> None:
    many = [waiting(n, body=body) for n in range(1, share + 3)]
    mempool, sequences = pool(*many, waiting(1_000)), Sequences()
    wide = BlockRoom(transactions=1_000, bytes=1_000_000)
    block = select(mempool, sequences, SLOT, wide)
    assert block == [*many[:share], waiting(1_000)]
    mempool.on_block_connected(block)
    assert select(mempool, sequences, SLOT, wide) == many[share:]


def test_room_is_used_to_the_byte() -> None:
    mempool = pool(*(waiting(1, n) for n in range(3)))
    exact = 3 * (200 + FRAMING_BYTES)
    assert len(chosen(mempool, BlockRoom(9, exact))) == 3
    assert len(chosen(mempool, BlockRoom(9, exact - 1))) == 2
    assert chosen(mempool, BlockRoom(0, exact)) == []


def test_the_search_ends_when_nothing_fits() -> None:
    mempool = pool(*(waiting(n) for n in range(1, 2 * MISFITS_MAX)))
    asked: list[bytes] = []

    def next_sequence(did: bytes, lane: int) -> int:
        asked.append(did)
        return 0

    assert select(mempool, next_sequence, SLOT, BlockRoom(9, 100)) == []
    assert asked == [sender(n) for n in range(1, MISFITS_MAX + 1)]
