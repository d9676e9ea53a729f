"""The model disk: what each kind of death leaves on it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import StoreFailure
from chain.store import Batch, Durability
from testnet.simulation.disk import RECORDS_KEPT, SimDisk

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
BATCHES = st.lists(
    st.tuples(st.dictionaries(KEYS, st.binary(max_size=4), max_size=3), st.lists(KEYS, max_size=2)),
    max_size=20,
)


def write(disk: SimDisk, puts: dict[bytes, bytes], deletes: list[bytes]) -> None:
    batch = Batch()
    for key, value in puts.items():
        batch.put(key, value)
    for key in deletes:
        batch.delete(key)
    disk.open().write(batch)


def rows(disk: SimDisk) -> list[tuple[bytes, bytes]]:
    return disk.open().scan(b"", limit=100)


@given(BATCHES, st.integers(0, 20), st.integers())
def test_a_power_cut_leaves_a_state_that_was_once_written(
    batches: list[tuple[dict[bytes, bytes], list[bytes]]], flushed: int, seed: int
) -> None:
    disk = SimDisk(Durability.PROCESS)
    states = [rows(disk)]
    for number, (puts, deletes) in enumerate(batches):
        write(disk, puts, deletes)
        states.append(rows(disk))
        if number + 1 == flushed:
            disk.flush()
    lost = disk.power_cut(random.Random(seed), 0.5)
    assert lost <= len(batches) - (flushed if flushed <= len(batches) else 0)
    assert rows(disk) == states[len(batches) - lost]


@given(BATCHES, st.integers())
def test_with_power_nothing_is_lost(
    batches: list[tuple[dict[bytes, bytes], list[bytes]]], seed: int
) -> None:
    disk = SimDisk(Durability.POWER)
    for puts, deletes in batches:
        write(disk, puts, deletes)
    before = rows(disk)
    assert disk.power_cut(random.Random(seed), 1.0) == 0
    disk.kill()
    assert rows(disk) == before


def test_a_killed_process_loses_nothing_and_the_newest_can_be_lost_on_purpose() -> None:
    disk = SimDisk(Durability.PROCESS)
    for number in range(2 * RECORDS_KEPT):
        write(disk, {b"n": bytes([number])}, [])
    disk.kill()
    assert rows(disk) == [(b"n", bytes([2 * RECORDS_KEPT - 1]))]
    lost = disk.lose_newest(random.Random(1))
    assert rows(disk) == [(b"n", bytes([2 * RECORDS_KEPT - 1 - lost]))]


def test_backups_come_back_whole_and_wiping_leaves_nothing() -> None:
    disk = SimDisk(Durability.PROCESS)
    write(disk, {b"a": b"1"}, [])
    backup = disk.snapshot()
    write(disk, {b"a": b"2", b"b": b"3"}, [])
    disk.restore(backup)
    assert rows(disk) == [(b"a", b"1")]
    disk.wipe()
    assert rows(disk) == []


def test_rot_is_noticed_when_it_is_read_and_gone_when_written_over() -> None:
    disk = SimDisk(Durability.PROCESS)
    write(disk, {b"a": b"1"}, [])
    disk.rot(random.Random(1), 1)
    store = disk.open()
    for read in (
        lambda: store.get(b"a"),
        lambda: store.get_many([b"a"]),
        lambda: store.scan(b"", limit=9),
    ):
        with pytest.raises(StoreFailure, match="damaged; restore it, or remove it"):
            read()
    write(disk, {b"a": b"2"}, [])
    assert store.get(b"a") == b"2"
