"""The contract of a store, against RocksDB and memory; what only a disk can do to RocksDB."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.grouped import GroupedStore
from chain.primitives.errors import StoreFailure
from chain.store import Batch, Durability, KeyValueStore, MemoryStore, RocksStore


@pytest.fixture(params=["memory", "rocks", "grouped"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    opened: KeyValueStore = RocksStore(tmp_path) if request.param == "rocks" else MemoryStore()
    if request.param == "grouped":
        opened = GroupedStore(opened)
    yield opened
    opened.close()


def batch(*puts: tuple[bytes, bytes], deletes: tuple[bytes, ...] = ()) -> Batch:
    made = Batch()
    for key, value in puts:
        made.put(key, value)
    for key in deletes:
        made.delete(key)
    return made


def test_reads_what_was_written(store: KeyValueStore) -> None:
    store.write(batch((b"a", b"1"), (b"b", b"")))
    assert store.get(b"a") == b"1"
    assert store.get(b"b") == b""
    assert store.get(b"c") is None
    assert store.get_many([b"c", b"b", b"a"]) == [None, b"", b"1"]
    store.write(batch((b"c", b"3"), deletes=(b"a", b"never")))
    assert store.get_many([b"a", b"c"]) == [None, b"3"]


def test_the_last_change_of_a_key_in_a_batch_counts(store: KeyValueStore) -> None:
    changes = batch((b"a", b"1"))
    changes.delete(b"a")
    changes.delete(b"b")
    changes.put(b"b", b"2")
    store.write(changes)
    assert store.get_many([b"a", b"b"]) == [None, b"2"]


def test_scans_a_prefix_both_ways(store: KeyValueStore) -> None:
    keys = [b"a", b"p", b"p\x00", b"p\x01", b"p\xff", b"p\xff\xff", b"q", b"q\x00"]
    store.write(batch(*((key, key) for key in keys)))
    inside = [key for key in keys if key.startswith(b"p")]

    def scanned(start: bytes = b"", *, limit: int = 99, reverse: bool = False) -> list[bytes]:
        return [key for key, _ in store.scan(b"p", start, limit=limit, reverse=reverse)]

    assert scanned() == inside
    assert scanned(reverse=True) == inside[::-1]
    assert scanned(limit=2) == inside[:2]
    assert scanned(limit=2, reverse=True) == inside[:-3:-1]
    assert scanned(b"p\x01") == inside[2:]
    assert scanned(b"p\x01", reverse=True) == inside[2::-1]
    assert scanned(b"p\x02") == inside[3:]
    assert scanned(b"p\x02", reverse=True) == inside[2::-1]
    assert [key for key, _ in store.scan(b"z", limit=9)] == []
    assert [key for key, _ in store.scan(b"z", limit=9, reverse=True)] == []


def test_a_start_outside_the_prefix_never_leaves_it(store: KeyValueStore) -> None:
    store.write(batch(*((key, b"") for key in (b"a", b"p1", b"p2", b"q"))))

    def scanned(start: bytes, *, reverse: bool) -> list[bytes]:
        return [key for key, _ in store.scan(b"p", start, limit=9, reverse=reverse)]

    assert scanned(b"a", reverse=False) == [b"p1", b"p2"]
    assert scanned(b"q", reverse=False) == []
    assert scanned(b"q", reverse=True) == [b"p2", b"p1"]
    assert scanned(b"a", reverse=True) == []


def test_prefixes_at_the_end_of_all_keys(store: KeyValueStore) -> None:
    keys = [b"\xfe", b"\xff", b"\xff\xff", b"\xff\xff\1"]
    store.write(batch(*((key, b"") for key in keys)))
    assert [key for key, _ in store.scan(b"\xff", limit=9)] == keys[1:]
    assert [key for key, _ in store.scan(b"\xff", limit=9, reverse=True)] == keys[:0:-1]
    assert [key for key, _ in store.scan(b"", limit=9)] == keys
    assert store.scan(b"", limit=0) == []
    assert store.get_many([]) == []


@settings(max_examples=25)
@given(
    st.lists(
        st.dictionaries(st.binary(min_size=1, max_size=3), st.none() | st.binary(max_size=3)),
        max_size=5,
    ),
    st.binary(min_size=1, max_size=2),
    st.binary(max_size=3),
)
def test_both_stores_agree(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[dict[bytes, bytes | None]],
    prefix: bytes,
    start: bytes,
) -> None:
    stores: list[KeyValueStore] = [MemoryStore(), RocksStore(tmp_path_factory.mktemp("db"))]
    for opened in stores:
        for rows in batches:
            made = Batch()
            for key, value in rows.items():
                if value is None:
                    made.delete(key)
                else:
                    made.put(key, value)
            opened.write(made)
    for reverse in (False, True):
        memory, rocks = (opened.scan(prefix, start, limit=4, reverse=reverse) for opened in stores)
        assert memory == rocks
    stores[1].close()


@pytest.mark.parametrize("durability", list(Durability))
def test_rows_outlive_the_store_object(tmp_path: Path, durability: Durability) -> None:
    first = RocksStore(tmp_path, durability)
    first.write(batch((b"a", b"1")))
    first.close()
    second = RocksStore(tmp_path, durability)
    assert second.get(b"a") == b"1"
    second.close()


def test_a_second_process_is_told_that_the_store_is_open(tmp_path: Path) -> None:
    held = RocksStore(tmp_path)
    code = (
        "from pathlib import Path; from chain.store import RocksStore; "
        f"RocksStore(Path({str(tmp_path)!r}))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    held.close()
    assert "StoreFailure" in other.stderr
    assert "is open in another process; stop that node first" in other.stderr


def test_a_damaged_store_says_so(tmp_path: Path) -> None:
    opened = RocksStore(tmp_path)
    opened.write(batch((b"a", b"1")))
    opened.close()
    (tmp_path / "CURRENT").write_text("MANIFEST-999999\n")
    with pytest.raises(StoreFailure, match=str(tmp_path)):
        RocksStore(tmp_path)


def test_a_place_that_cannot_be_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFailure, match=str(tmp_path / "file")):
        RocksStore(tmp_path / "file")


def test_a_closed_store_refuses(tmp_path: Path) -> None:
    store = RocksStore(tmp_path)
    store.close()
    with pytest.raises(StoreFailure):
        store.get(b"a")


def filled(path: Path) -> None:
    """A store whose rows are all in tables."""
    store = RocksStore(path)
    store.write(batch(*((b"%d" % n, bytes(100)) for n in range(100))))
    store.close()
    assert list(path.glob("*.sst"))


def test_a_flipped_bit_is_damage_and_no_other_process(tmp_path: Path) -> None:
    filled(tmp_path)
    (table,) = tmp_path.glob("*.sst")
    raw = bytearray(table.read_bytes())
    raw[100] ^= 1
    table.write_bytes(raw)
    with pytest.raises(StoreFailure, match=r"is damaged; restore it, or .* checksum mismatch"):
        RocksStore(tmp_path).scan(b"", limit=100)


def test_a_lost_file_is_damage(tmp_path: Path) -> None:
    filled(tmp_path)
    next(tmp_path.glob("MANIFEST-*")).unlink()
    with pytest.raises(StoreFailure, match="is damaged; restore it, or"):
        RocksStore(tmp_path)


def test_a_cut_list_of_tables_is_no_empty_store(tmp_path: Path) -> None:
    """What an authority has signed would be forgotten with the rest."""
    filled(tmp_path / "whole")
    size = next((tmp_path / "whole").glob("MANIFEST-*")).stat().st_size
    refused = 0
    for cut in range(0, size, 29):
        path = tmp_path / str(cut)
        shutil.copytree(tmp_path / "whole", path)
        os.truncate(next(path.glob("MANIFEST-*")), cut)
        try:
            store = RocksStore(path)
        except StoreFailure:
            refused += 1
        else:
            assert len(store.scan(b"", limit=200)) == 100
            store.close()
    assert refused
