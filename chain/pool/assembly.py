"""Which waiting transactions the next block takes: one of each lane in turn, each lane in order.

Rules:
- Lanes take turns, the longest unserved first. *Why:* whoever sends ten thousand delays others by
  one transaction, not by ten thousand.
- A lane stops at its first number that is missing, expired or does not fit. *Why:* what follows
  could not be included without it.
- What is left of a kind when a block has its share of it waits for the next one.
Spec: docs/spec/ledger.md, section 7.
"""

from collections import deque
from dataclasses import dataclass

from chain.pool.lane import Lane
from chain.pool.mempool import Mempool, NextSequence
from chain.transactions.envelope import Transaction
from chain.validation import SHARES, weight

FRAMING_BYTES = 5
"""What a block adds to a transaction: the head of a CBOR byte string, at its largest."""
MISFITS_MAX = 64
"""After so many lanes in which nothing fitted the block counts as full: a search through every
lane for the last few bytes would cost more than they are worth."""


@dataclass(frozen=True, slots=True)
class BlockRoom:
    """What a block has room for: transactions, and their bytes with framing."""

    transactions: int
    bytes: int


def select(
    mempool: Mempool, next_sequence: NextSequence, slot: int, room: BlockRoom
) -> list[Transaction]:
    """Transactions for a block in `slot`, in the order in which they are to be executed.

    They follow each other in sequence, but have not been checked against the state.
    """
    selected: list[Transaction] = []
    turns = deque[tuple[Lane, int]]()
    left = room.bytes
    taken: dict[str, int] = {}
    misfits = 0
    waiting = mempool.lanes()
    while len(selected) < room.transactions and misfits < MISFITS_MAX:
        # The first round asks the ledger for each lane's number only as far as there is room.
        fresh = next(waiting, None)
        if fresh is not None:
            (sender, number), lane = fresh
            sequence = next_sequence(sender, number)
        elif turns:
            lane, sequence = turns.popleft()
        else:
            break
        pending = lane.get(sequence)
        if pending is None or pending.tx.expiry < slot:
            continue
        size = len(pending.tx.raw) + FRAMING_BYTES
        if size > left:
            misfits += 1
            continue
        kind = pending.tx.kind
        share = SHARES.get(kind)
        if share is not None:
            with_it = taken.get(kind, 0) + weight(pending.tx)
            if with_it > share.most:
                continue
            taken[kind] = with_it
        left -= size
        selected.append(pending.tx)
        turns.append((lane, sequence + 1))
    return selected
