"""The state as it grows: updates per second from a thousand to a million accounts; start-up."""

import random
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psutil

from chain import tables
from chain.state import paths
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.store import Batch, RocksStore, drain

UPDATES = 1_000  # keys changed in one batch, as a block of 500 transfers does
ROUNDS = 10
LOAD_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class StateFigure:
    """State updates per second (tree and durable commit), and what opening such a state takes."""

    accounts: int
    updates_per_s: float
    open_ms: float
    memory_mb: float


def _key(number: int) -> bytes:
    return paths.balance(b"CNY", number.to_bytes(32, "big"))


def _write(store: RocksStore, tree: StateTree, changes: dict[bytes, bytes | None]) -> None:
    update = tree.update(changes)
    batch = Batch()
    drain(batch, changes.items(), tables.STATE)
    drain(batch, update.pages.items(), tables.PAGE)
    store.write(batch)
    tree.commit(update)


def _open(folder: Path, root: bytes) -> tuple[RocksStore, StateTree]:
    store = RocksStore(folder)
    tree = StateTree(lambda key: store.get(tables.PAGE + key), type(EMPTY_STATE_ROOT)(root))
    return store, tree


def measure_state(accounts: int, folder: Path) -> StateFigure:
    """Random balances of that many accounts change, a thousand at a time."""
    store, tree = _open(folder, EMPTY_STATE_ROOT)
    numbers = iter(range(accounts))
    while part := list(islice(numbers, LOAD_BATCH)):
        _write(store, tree, {_key(number): b"\x1a\x00\x98\x96\x80" for number in part})
    root = tree.root
    store.close()
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    start = time.perf_counter()
    store, tree = _open(folder, root)
    tree.prove(_key(0))
    open_ms = (time.perf_counter() - start) * 1000
    rng = random.Random(2)
    start = time.perf_counter()
    for step in range(ROUNDS):
        chosen = {
            _key(rng.randrange(accounts)): b"\x19\x01" + bytes([step]) for _ in range(UPDATES)
        }
        _write(store, tree, dict(chosen))
    took_s = time.perf_counter() - start
    memory_mb = (process.memory_info().rss - before_bytes) / 1e6
    store.close()
    return StateFigure(accounts, UPDATES * ROUNDS / took_s, open_ms, memory_mb)
