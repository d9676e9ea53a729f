"""The first block: the same everywhere, whatever a crash left, and never another network's."""

from dataclasses import replace

import pytest

from chain import founding, tables
from chain.genesis import initial_state
from chain.primitives.errors import Invalid, StoreFailure
from chain.primitives.hashing import ZERO_HASH
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.store import Batch, MemoryStore
from tests.chain.founding import AUTHORITIES, GENESIS, SUPPLY, ledger


class FailingStore(MemoryStore):
    """A store whose disk fails after some batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        if self.left == 0:
            raise StoreFailure("the disk failed")
        self.left -= 1
        super().write(batch)


def test_the_first_block() -> None:
    on = ledger()
    header = on.head.header
    assert (header.height, header.slot, header.parent) == (0, 0, ZERO_HASH)
    assert header.chain == GENESIS.hash
    tree = StateTree(lambda _: None, EMPTY_STATE_ROOT)
    assert header.state == tree.update(dict(initial_state(GENESIS))).root
    assert on.locator() == [on.head.id]
    assert on.encoded_receipts(header.id) == []
    assert on.supply("CNY") == SUPPLY
    account = on.account(AUTHORITIES[0].did)
    assert account is not None
    assert account.balances == {"CNY": SUPPLY // 3}


def test_opening_again_founds_nothing() -> None:
    store = MemoryStore()
    first = ledger(store).head
    rows = store.scan(b"", limit=9_999)
    assert ledger(store).head == first
    assert store.scan(b"", limit=9_999) == rows


def test_a_store_of_another_network_is_refused() -> None:
    store = MemoryStore()
    ledger(store)
    other = replace(GENESIS, network="other")
    with pytest.raises(Invalid, match="wrong-genesis") as refusal:
        ledger(store, other)
    assert GENESIS.hash.hex() in refusal.value.reason
    assert other.hash.hex() in refusal.value.reason


@pytest.mark.parametrize("batches", range(5))
def test_a_crash_while_founding(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding, "REMEMBERED_MAX", 0)
    monkeypatch.setattr(founding, "FOUNDING_BATCH", 3)
    store = FailingStore(batches)
    with pytest.raises(StoreFailure):
        ledger(store)
    store.left = 99
    whole = MemoryStore()
    assert ledger(store).head == ledger(whole).head
    assert store.scan(b"", limit=9_999) == whole.scan(b"", limit=9_999)


def test_what_a_crash_left_is_no_other_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a state must never end up in the state of another genesis."""
    monkeypatch.setattr(founding, "REMEMBERED_MAX", 0)
    monkeypatch.setattr(founding, "FOUNDING_BATCH", 3)
    store = FailingStore(2)
    with pytest.raises(StoreFailure):
        ledger(store)
    store.left = 99
    with pytest.raises(Invalid, match="wrong-genesis"):
        ledger(store, replace(GENESIS, network="other", balances=()))


def test_a_remembered_state_is_the_same_state(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, whole = MemoryStore(), MemoryStore(), MemoryStore()
    assert ledger(first).head == ledger(again).head
    monkeypatch.setattr(founding, "REMEMBERED_MAX", 0)
    assert ledger(whole).head == ledger(first).head
    rows = whole.scan(b"", limit=9_999)
    assert first.scan(b"", limit=9_999) == again.scan(b"", limit=9_999) == rows


def test_a_big_state_is_founded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = ledger().head
    monkeypatch.setattr(founding, "REMEMBERED_MAX", 0)
    monkeypatch.setattr(founding, "FOUNDING_BATCH", 1)
    store = MemoryStore()
    assert ledger(store).head == at_once
    assert len(store.scan(tables.STATE, limit=999)) == len(initial_state(GENESIS))
