"""The waiting transactions of one sender in one lane, by sequence number, both ends at hand."""

from collections.abc import Iterator
from dataclasses import dataclass

from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction

LaneKey = tuple[bytes, int]
"""(32-byte id of the sender, lane number)"""


@dataclass(frozen=True, slots=True)
class Pending:
    """A waiting transaction and the hash of the very bytes it came in."""

    tx: Transaction
    raw_hash: Hash


class Lane:
    """Never empty. The ends move over gaps one step at a time; a gap is bounded by the mempool's
    `sequence_ahead`, and a step is paid for by the removal or admission that made it."""

    __slots__ = ("_pending", "bytes", "first", "last")

    def __init__(self, pending: Pending) -> None:
        sequence = pending.tx.sequence
        self._pending = {sequence: pending}
        self.first = sequence
        self.last = sequence
        self.bytes = len(pending.tx.raw)

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Pending]:
        """In order of sequence, whatever the order of arrival."""
        return (self._pending[sequence] for sequence in sorted(self._pending))

    def get(self, sequence: int) -> Pending | None:
        """What waits under a sequence number."""
        return self._pending.get(sequence)

    def next_free(self, expected: int) -> int:
        """The first number from `expected` under which nothing waits."""
        gapless = len(self._pending) == self.last - self.first + 1
        if gapless and self.first <= expected <= self.last:
            return self.last + 1
        while expected in self._pending:
            expected += 1
        return expected

    def put(self, pending: Pending) -> None:
        """Add under a sequence number under which nothing waits."""
        sequence = pending.tx.sequence
        assert sequence not in self._pending
        self._pending[sequence] = pending
        self.bytes += len(pending.tx.raw)
        self.first = min(self.first, sequence)
        self.last = max(self.last, sequence)

    def drop(self, sequence: int) -> bool:
        """Remove what has this sequence number; True when nothing is left in the lane."""
        pending = self._pending.pop(sequence)
        self.bytes -= len(pending.tx.raw)
        if not self._pending:
            return True
        while self.first not in self._pending:
            self.first += 1
        while self.last not in self._pending:
            self.last -= 1
        return False
