"""Stores that share their rows behave as plain ones, and do share them."""

import weakref

from hypothesis import given
from hypothesis import strategies as st

from chain.store import Batch, MemoryStore
from chain.tables import GUARD
from testnet.engines.versions import FLAT_EVERY, PRIVATE, Version, VersionStore

KEYS = st.binary(min_size=1, max_size=2).filter(lambda key: not key.startswith(PRIVATE))
CHANGES = st.dictionaries(KEYS | st.just(GUARD), st.none() | st.binary(max_size=2), max_size=4)


def batch(changes: dict[bytes, bytes | None]) -> Batch:
    made = Batch()
    for key, value in changes.items():
        if value is not None:
            made.put(key, value)
        elif key != GUARD:  # nobody deletes it
            made.delete(key)
    return made


@given(
    st.dictionaries(KEYS, st.binary(max_size=2), max_size=6),
    st.lists(CHANGES, max_size=2 * FLAT_EVERY + 2),
    st.binary(max_size=1),
    st.binary(max_size=2),
    st.booleans(),
    st.integers(1, 5),
)
def test_a_version_store_is_a_store(
    founded: dict[bytes, bytes],
    batches: list[dict[bytes, bytes | None]],
    prefix: bytes,
    start: bytes,
    reverse: bool,
    limit: int,
) -> None:
    plain, shared = MemoryStore(), VersionStore(Version(dict(founded)))
    plain.write(batch(dict(founded)))
    for changes in batches:
        plain.write(batch(changes))
        shared.write(batch(changes))
    keys = sorted({key for rows in (founded, *batches) for key in rows})
    assert shared.get_many(keys) == plain.get_many(keys)
    assert shared.scan(prefix, start, limit=limit, reverse=reverse) == plain.scan(
        prefix, start, limit=limit, reverse=reverse
    )


def test_equal_batches_on_equal_stores_make_one_version() -> None:
    founded = Version({b"a": b"1"})
    one, two, other = VersionStore(founded), VersionStore(founded), VersionStore(founded)
    one.write(batch({b"b": b"2", b"a": None}))
    two.write(batch({b"a": None, b"b": b"2"}))
    other.write(batch({b"b": b"3"}))
    assert one.version is two.version
    assert other.version is not one.version
    assert (one.get(b"a"), one.get(b"b"), other.get(b"a")) == (None, b"2", b"1")


def test_what_a_host_alone_knows_is_not_shared() -> None:
    founded = Version({})
    one, two = VersionStore(founded), VersionStore(founded)
    one.write(batch({GUARD: b"7"}))
    assert one.version is two.version is founded
    one.write(batch({GUARD: b"8", b"a": b"1"}))
    two.write(batch({b"a": b"1"}))
    assert one.version is two.version
    assert (one.get(GUARD), two.get(GUARD)) == (b"8", None)
    assert one.scan(GUARD, limit=1) == [(GUARD, b"8")]


def test_a_version_nobody_stands_at_is_let_go() -> None:
    founded = Version({})
    store = VersionStore(founded)
    store.write(batch({b"a": b"1"}))
    gone = weakref.ref(store.version)
    store.version = founded
    assert gone() is None
