"""A machine's disk in virtual time: what survives the death of a process, and of the machine.

The model is that of a log with checksums, which is what a real store is:
- Every written batch is one record. With `power` it is flushed before `write` returns, with
  `process` later, when the system gets around to it (`flush`).
- A killed process loses nothing: its records are in the system's cache.
- A power cut loses what was not flushed, from a random record on. A record that was torn in two
  fails its checksum and is dropped whole, so a batch is never applied in part.
- A rotten value fails its checksum when it is read: a failure that says so, never a wrong value.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from chain.primitives.errors import StoreFailure
from chain.store import Batch, Durability, KeyValueStore, MemoryStore

RECORDS_KEPT = 64
"""Records that can be taken back; a second's worth of blocks is a handful."""

ROWS_MAX = 10_000_000
"""More rows than a simulation's memory holds."""

ROTTEN = (
    "a checksum does not match what was read: the store is damaged; restore it, or remove it and "
    "sync again"
)


@dataclass(frozen=True, slots=True)
class DiskSnapshot:
    """All rows of a moment."""

    rows: tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True)
class _Record:
    """A written batch, as what would take it back."""

    back: Batch
    flushed: bool


class SimDisk:
    """One disk. `open` is what a node's ledger gets; the rest is what happens to it."""

    def __init__(self, durability: Durability) -> None:
        self._durability = durability
        self._rows = MemoryStore()
        self._records: deque[_Record] = deque(maxlen=RECORDS_KEPT)
        self._rotten: dict[bytes, None] = {}

    def open(self) -> KeyValueStore:
        """The store on the disk. Raises StoreFailure where a real one would not open."""
        return _SimStore(self)

    @property
    def unflushed(self) -> int:
        """Records that a power cut may lose."""
        return sum(not record.flushed for record in self._records)

    def flush(self) -> None:
        """What was written so far survives a power cut from now on."""
        for record in self._records:
            record.flushed = True

    def kill(self) -> None:
        """The process dies; the disk does not notice."""

    def power_cut(self, rng: random.Random, torn: float) -> int:
        """The machine goes dark; the number of records lost.

        With probability `torn` the first lost record had reached the disk in part.
        """
        waiting = self.unflushed
        lost = rng.randint(0, waiting)
        if waiting and not lost and rng.random() < torn:
            lost = 1  # its first half is there, and fails its checksum
        self._take_back(lost)
        self.flush()
        return lost

    def lose_newest(self, rng: random.Random) -> int:
        """The newest records are gone, flushed or not; how many."""
        lost = rng.randint(1, len(self._records)) if self._records else 0
        self._take_back(lost)
        return lost

    def rot(self, rng: random.Random, flips: int) -> int:
        """Bits flip in that many values at most; the number of values hit."""
        keys = [key for key, _ in self._rows.scan(b"", limit=ROWS_MAX)]
        for _ in range(flips if keys else 0):
            self._rotten[rng.choice(keys)] = None
        return len(self._rotten)

    def wipe(self) -> None:
        """Everything is gone."""
        self.restore(DiskSnapshot(()))

    def snapshot(self) -> DiskSnapshot:
        """A backup."""
        return DiskSnapshot(tuple(self._rows.scan(b"", limit=ROWS_MAX)))

    def restore(self, snapshot: DiskSnapshot) -> None:
        """The disk is as it was at a backup."""
        self._rows = MemoryStore()
        self._records.clear()
        self._rotten.clear()
        self._rows.write(Batch(puts=dict(snapshot.rows)))

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """One record; a durable one is flushed, and with it those before."""
        back = Batch()
        for key in (*batch.deletes, *batch.puts):
            old = self._rows.get(key)
            if old is None:
                back.delete(key)
            else:
                back.put(key, old)
            self._rotten.pop(key, None)
        self._records.append(_Record(back, self._durability is Durability.POWER))
        self._rows.write(batch)
        if durable:
            self.flush()

    def read(self, keys: Sequence[bytes]) -> MemoryStore:
        """The rows, after a look at the checksums of these keys. Raises StoreFailure."""
        if self._rotten and any(key in self._rotten for key in keys):
            raise StoreFailure(ROTTEN)
        return self._rows

    def _take_back(self, count: int) -> None:
        for _ in range(count):
            self._rows.write(self._records.pop().back)


class _SimStore:
    """Implements KeyValueStore on a disk."""

    def __init__(self, disk: SimDisk) -> None:
        self._disk = disk

    def get(self, key: bytes) -> bytes | None:
        """See KeyValueStore."""
        return self._disk.read((key,)).get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValueStore."""
        return self._disk.read(keys).get_many(keys)

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """See KeyValueStore."""
        found = self._disk.read(()).scan(prefix, start, limit=limit, reverse=reverse)
        self._disk.read([key for key, _ in found])
        return found

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore."""
        self._disk.write(batch, durable=durable)

    def close(self) -> None:
        """See KeyValueStore."""
