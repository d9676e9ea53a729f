"""The embedded store: ordered bytes to bytes, written in atomic batches.

Two implementations pass the same contract tests: RocksDB on disk, and a sorted dictionary for
tests and simulation. *Why RocksDB:* docs/decisions/0001-store.md.

Durability: with `process` (the default) a written batch survives the death of the process at any
moment, and a power cut may lose the last ones, never a part of one; with `power` each batch is
flushed to the disk before `write` returns. What guards a key (see `voting`) is flushed either way.
"""

import shutil
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DbClosedError,
    Options,
    Rdict,
    RdictIter,
    WriteBatch,
    WriteOptions,
)

from chain.primitives.errors import StoreFailure

# Fifty nodes share a laboratory's machine: what each caches and buffers is kept small, and the
# page cache of the system does the rest.
BLOCK_CACHE_BYTES = 16 << 20
WRITE_BUFFER_BYTES = 8 << 20
LOG_BYTES_MAX = 1 << 20
REMEDY = "restore it, or remove it and sync again"
FREE_BYTES_MIN = 64 << 20  # below this a node refuses to start rather than die in mid-flight


class Durability(StrEnum):
    """What a returned `write` survives."""

    PROCESS = "process"
    POWER = "power"


@dataclass(slots=True)
class Batch:
    """Changes that happen together or not at all."""

    puts: dict[bytes, bytes] = field(default_factory=dict)
    deletes: dict[bytes, None] = field(default_factory=dict)

    def put(self, key: bytes, value: bytes) -> None:
        """Set a key; the last change of a key counts."""
        self.deletes.pop(key, None)
        self.puts[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key, which may be absent."""
        self.puts.pop(key, None)
        self.deletes[key] = None

    def absorb(self, later: "Batch") -> None:
        """Add the changes of a later batch."""
        if self.deletes:
            for key in later.puts:
                self.deletes.pop(key, None)
        for key in later.deletes:
            self.puts.pop(key, None)
        self.deletes.update(later.deletes)
        self.puts.update(later.puts)


class KeyValueStore(Protocol):
    """Ordered keys and values; every method raises StoreFailure when the disk fails."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        ...

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, in their order."""
        ...

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """Up to `limit` rows with that prefix in order of keys, from `start` (a whole key)."""
        ...

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """Apply a batch atomically; `durable` flushes it to the disk before returning."""
        ...

    def close(self) -> None:
        """Release the store; nothing may be called afterwards."""
        ...


class MemoryStore:
    """A store that lives as long as the process."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        """See KeyValueStore."""
        return self._rows.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValueStore."""
        return [self._rows.get(key) for key in keys]

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """See KeyValueStore."""
        keys = self._keys
        first = bisect_left(keys, prefix)
        end = bisect_left(keys, _after(prefix)) if _after(prefix) else len(keys)
        if start and not reverse:
            first = max(first, bisect_left(keys, start))
        if start and reverse:
            end = min(end, bisect_left(keys, start + b"\0"))
        chosen = keys[first:end]
        found = list(reversed(chosen)) if reverse else chosen
        return [(key, self._rows[key]) for key in found[:limit]]

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore."""
        for key in batch.deletes:
            if self._rows.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
        for key, value in batch.puts.items():
            if key not in self._rows:
                insort(self._keys, key)
            self._rows[key] = value

    def close(self) -> None:
        """See KeyValueStore; the rows stay, so that a test can reopen them."""


class RocksStore:
    """A store in a directory, for one process at a time."""

    def __init__(self, path: Path, durability: Durability = Durability.PROCESS) -> None:
        """Open or create it. Raises StoreFailure when locked, damaged, or the disk is full."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(path).free
        except OSError as error:
            raise StoreFailure(f"{path} cannot be a store's directory: {error}") from None
        if free < FREE_BYTES_MIN:
            raise StoreFailure(
                f"{path}: {free >> 20} MiB free, at least {FREE_BYTES_MIN >> 20} are needed; "
                "make room"
            )
        self._translated = _Translated(path)
        self._write_options = WriteOptions()
        self._write_options.sync = durability is Durability.POWER
        self._durable = WriteOptions()
        self._durable.sync = True
        tables = any(path.glob("*.sst"))
        with self._translated:
            self._rows = Rdict(str(path), _options())
        if tables and not self.scan(b"", limit=1):
            # A cut MANIFEST reads as the list of fewer tables, or of none.
            self.close()
            raise StoreFailure(f"{path} is damaged; {REMEDY} (its tables are on no list)")

    def get(self, key: bytes) -> bytes | None:
        """See KeyValueStore."""
        with self._translated:
            value: bytes | None = self._rows.get(key)
        return value

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See KeyValueStore."""
        with self._translated:
            values = self._rows.get(list(keys))
        return list(values or ())

    def scan(
        self, prefix: bytes, start: bytes = b"", *, limit: int, reverse: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """See KeyValueStore."""
        found: list[tuple[bytes, bytes]] = []
        with self._translated:
            rows = self._rows.iter()
            _seek(rows, prefix, start, reverse=reverse)
            while len(found) < limit and rows.valid() and rows.key().startswith(prefix):
                found.append((rows.key(), rows.value()))
                rows.prev() if reverse else rows.next()
            rows.status()  # a damaged table ends the iteration like the end of the rows
        return found

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        """See KeyValueStore."""
        rows = WriteBatch(raw_mode=True)
        for key in batch.deletes:
            rows.delete(key)
        for key, value in batch.puts.items():
            rows.put(key, value)
        with self._translated:
            self._rows.write(rows, self._durable if durable else self._write_options)

    def checkpoint(self, path: Path) -> None:
        """Make a store in a new directory that holds what this one holds now; it stays open.

        Tables are hard links, so it costs little on the same file system. Raises StoreFailure.
        """
        with self._translated:
            Checkpoint(self._rows).create_checkpoint(str(path))

    def close(self) -> None:
        """See KeyValueStore."""
        self._rows.close()


class _Translated:
    """The library's exceptions, which are plain ones, as StoreFailure."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if type(error) is Exception or isinstance(error, DbClosedError):
            raise StoreFailure(_explain(self._path, error)) from None


def _seek(rows: RdictIter, prefix: bytes, start: bytes, *, reverse: bool) -> None:
    """Go to the first row of a scan, or to one that is not of the prefix when there is none."""
    if not reverse:
        rows.seek(max(start, prefix))
        return
    after = _after(prefix)
    seek = min(filter(None, (start, after)), default=None)
    if seek is None:
        rows.seek_to_last()
        return
    rows.seek_for_prev(seek)
    if rows.valid() and rows.key() == after:
        rows.prev()  # the first key behind the prefix, when it exists


def _after(prefix: bytes) -> bytes:
    """The first key behind all keys with that prefix; empty when there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else b""


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_max_background_jobs(2)
    options.set_max_log_file_size(LOG_BYTES_MAX)
    options.set_keep_log_file_num(2)
    options.set_max_open_files(64)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    table.set_bloom_filter(10, False)
    table.set_cache_index_and_filter_blocks(True)
    options.set_block_based_table_factory(table)
    return options


def _explain(path: Path, error: Exception) -> str:
    text = str(error)
    if "orruption" in text or "No such file" in text:  # first: it may speak of a block
        return f"{path} is damaged; {REMEDY} ({text})"
    if "lock" in text.lower():
        return f"{path} is open in another process; stop that node first ({text})"
    if "No space" in text:
        return f"{path}: the disk is full; make room and restart ({text})"
    return f"{path}: {text}"


def drain(batch: Batch, rows: Iterable[tuple[bytes, bytes | None]], table: bytes) -> None:
    """Add rows of one table to a batch: a value of None removes the key."""
    for key, value in rows:
        if value is None:
            batch.delete(table + key)
        else:
            batch.put(table + key, value)
