"""What is done to the files of a node that is down, on real stores."""

import random
import shutil
from pathlib import Path

import pytest

from chain.primitives.errors import StoreFailure
from chain.store import Batch, RocksStore
from testnet.processes.surgery import (
    BACKUPS_MAX,
    back_up,
    kept,
    lose_newest,
    restore,
    rot,
    wipe,
)

COUNT = 200


def batch(number: int) -> Batch:
    written = Batch()
    written.put(number.to_bytes(4), bytes([number % 256]) * 500)
    return written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node's folder with some rows in its store, as a kill -9 leaves it."""
    store = RocksStore(tmp_path / "live")
    for number in range(COUNT):
        store.write(batch(number))
    killed = tmp_path / "killed"
    shutil.copytree(tmp_path / "live", killed / "db")
    store.close()
    (killed / "key").write_text("aa")
    (killed / "peers").write_text("bb")
    return killed


def rows(folder: Path) -> int:
    """How many rows the store has; they must be the oldest ones, without a gap."""
    store = RocksStore(folder / "db")
    found = store.scan(b"", limit=2 * COUNT)
    store.close()
    assert [key for key, _ in found] == [number.to_bytes(4) for number in range(len(found))]
    return len(found)


def test_wiped_is_empty_but_for_the_key(folder: Path) -> None:
    wipe(folder)
    assert [path.name for path in folder.iterdir()] == ["key"]
    assert rows(folder) == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_newest_writes_are_lost_and_nothing_else(folder: Path, seed: int) -> None:
    lose_newest(folder, random.Random(seed))
    assert COUNT // 2 < rows(folder) < COUNT


def test_rot_is_noticed(folder: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "db").iterdir() if path.is_file()}
    rot(folder, 100, random.Random(1))
    changed = [path.name for path, data in before.items() if path.read_bytes() != data]
    assert changed, "some file is damaged"
    with pytest.raises((StoreFailure, AssertionError)):
        assert rows(folder) == COUNT


def test_a_store_that_is_not_there_is_let_be(tmp_path: Path) -> None:
    lose_newest(tmp_path, random.Random(1))
    rot(tmp_path, 3, random.Random(1))
    wipe(tmp_path)
    restore(tmp_path, tmp_path / "backups", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_an_open_store_brings_back_that_moment(tmp_path: Path) -> None:
    backups, store = tmp_path / "backups", RocksStore(tmp_path / "db")
    for number in range(30):
        if number % 10 == 0:
            back_up(store, backups, unix_ms=1_000 * number)
        store.write(batch(number))
    store.close()
    for before_ms, expected in ((25_000, 20), (10_000, 10), (9_999, 0), (-5, 0)):
        restore(tmp_path, backups, before_ms)
        assert rows(tmp_path) == expected


def test_old_backups_are_forgotten(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "db")
    for number in range(BACKUPS_MAX + 3):
        back_up(store, tmp_path / "backups", unix_ms=number)
    store.close()
    assert [int(path.name) for path in kept(tmp_path / "backups")] == list(
        range(3, BACKUPS_MAX + 3)
    )
