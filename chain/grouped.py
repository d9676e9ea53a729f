"""Several batches as one: a store that can hold back what is written and write it together.

Rules:
- Inside `together` every batch is kept, and read back from memory; the end writes all of them as
  one atomic batch. *Why:* far behind, blocks come by the dozen and rewrite the same rows (the top
  of the state tree, the head); written once they cost half.
- Nothing is held back beyond the end of the `with`, however it ends. *Why:* whoever acts on an
  import (announces a block, answers a client) must find it on the disk.
- What is held back are whole batches in their order. *Why:* a crash then loses the last blocks of
  a group, and never a part of one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chain.store import Batch, KeyValueStore


class GroupedStore:
    """A store over another one."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._held: Batch | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold back what is written inside. Raises StoreFailure at the end."""
        assert self._held is None, "groups do not nest"
        held = self._held = Batch()
        try:
            yield
        finally:
            self._held = None
            if held.puts or held.deletes:
                self._store.write(held)

    def get(self, key: bytes) -> bytes | None:
        """See KeyValueStore."""
        held = self._held
        if held is not None:
            value = held.puts.get(key)
            if value is not None or key in held.deletes:
                return value
        return self._store.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValueStore."""
        if self._held is None:
            return self._store.get_many(keys)
        return [self.get(key) for key in keys]

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """See KeyValueStore. What is held back would be missing: nothing scans inside a group."""
        assert self._held is None, "a scan would miss what is held back"
        return self._store.scan(prefix, start, limit=limit, reverse=reverse)

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore. What is durable is written at once: it guards a key, not the chain."""
        if self._held is None or durable:
            self._store.write(batch, durable=durable)
        else:
            self._held.absorb(batch)

    def close(self) -> None:
        """See KeyValueStore."""
        self._store.close()
