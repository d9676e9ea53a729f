"""`python -m tests.bench.stores`: what a commit of a thousand rows costs at a million rows.

RocksDB as we use it, SQLite appending by integer key, SQLite with random 32-byte keys.
"""

import hashlib
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chain.store import Batch, Durability, RocksStore

ROWS = 1_000_000
COMMIT = 1_000
ROUNDS = 20
VALUE_BYTES = 200

Rows = list[tuple[bytes, bytes]]


def key(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def median_ms(commit: Callable[[Rows], None], rng: random.Random) -> float:
    """Median of ROUNDS commits of random existing keys."""
    times: list[float] = []
    for _ in range(ROUNDS):
        rows = [(key(rng.randrange(ROWS)), rng.randbytes(VALUE_BYTES)) for _ in range(COMMIT)]
        start = time.perf_counter()
        commit(rows)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[ROUNDS // 2]


def load(commit: Callable[[Rows], None], rng: random.Random) -> None:
    for start in range(0, ROWS, 20_000):
        commit([(key(n), rng.randbytes(VALUE_BYTES)) for n in range(start, start + 20_000)])


def bench_rocks(folder: Path, durability: Durability) -> tuple[float, float]:
    """Commit in ms, and a random read in microseconds."""
    store = RocksStore(folder, durability)

    def commit(rows: Rows) -> None:
        batch = Batch()
        for k, v in rows:
            batch.put(k, v)
        store.write(batch)

    rng = random.Random(1)
    load(commit, rng)
    commit_ms = median_ms(commit, rng)
    start = time.perf_counter()
    for _ in range(5_000):
        store.get(key(rng.randrange(ROWS)))
    read_us = (time.perf_counter() - start) / 5_000 * 1e6
    store.close()
    return commit_ms, read_us


def bench_sqlite(path: Path, *, append: bool) -> float:
    """Commit in ms."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    column = "id INTEGER PRIMARY KEY, k BLOB" if append else "k BLOB PRIMARY KEY"
    tail = "" if append else " WITHOUT ROWID"
    database.execute(f"CREATE TABLE rows ({column}, v BLOB){tail}")

    def commit(rows: Rows) -> None:
        database.execute("BEGIN")
        database.executemany("INSERT OR REPLACE INTO rows (k, v) VALUES (?, ?)", rows)
        database.execute("COMMIT")

    rng = random.Random(1)
    load(commit, rng)
    commit_ms = median_ms(commit, rng)
    database.close()
    return commit_ms


def main() -> int:
    print(f"{COMMIT} rows of {VALUE_BYTES} bytes a commit, {ROWS:,} rows there; medians")
    for durability in Durability:
        with tempfile.TemporaryDirectory() as folder:
            commit_ms, read_us = bench_rocks(Path(folder), durability)
        print(f"RocksDB, durability {durability}: {commit_ms:.1f} ms; a read {read_us:.0f} us")
    for append in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            commit_ms = bench_sqlite(Path(folder) / "db", append=append)
        print(f"SQLite, {'appending' if append else 'random keys'}: {commit_ms:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
