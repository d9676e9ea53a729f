"""The rules of inclusion: what no block may contain, and what an included failure leaves behind."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import pytest

from chain.primitives import cbor
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed
from chain.transactions.document import Purpose
from chain.transactions.identity import DidRecord, RecordedKey
from chain.transactions.payment import Transfer, balance
from chain.transactions.registry import KINDS, body_class
from chain.transactions.rules import Outcome, apply_transaction, check_transaction, next_sequence
from tests.chain.transactions.world import FUNDS, context, did, document, pair, signed, state

PAY = Transfer("CNY", did("bob"), 1)
WINDOW = context().expiry_slots_max


@dataclass(frozen=True, slots=True)
class WritesThenFails:
    """A kind that leaves as much behind as it can."""

    KIND: ClassVar[str] = "test.spoil"

    @classmethod
    def from_value(cls, value: Value) -> Self:
        return cls()

    def to_value(self) -> Value:
        return []

    def parties(self) -> tuple[bytes, ...]:
        return ()

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        state.delete(paths.balance(b"CNY", sender))
        state.put(paths.balance(b"CNY", did("bob")), cbor.encode(9))
        state.put(paths.did(did("dave")), b"")
        raise Failed("spoilt", "after three writes")


def refusal(ledger: State, sender: str = "alice", slot: int = 10, **fields: int) -> str:
    with pytest.raises(Invalid) as refused:
        check_transaction(ledger, signed(PAY, sender, **fields), context(slot))
    return str(refused.value)


def test_sequence_numbers_follow_each_other_in_each_lane() -> None:
    ledger = state()
    assert "lane 0: expected sequence 0, got 1" in refusal(ledger, sequence=1)
    for sequence in range(3):
        tx = signed(PAY, sequence=sequence, lane=2)
        check_transaction(ledger, tx, context())
        assert apply_transaction(ledger, tx, context()).ok
    assert "lane 2: expected sequence 3, got 2" in refusal(ledger, sequence=2, lane=2)
    check_transaction(ledger, signed(PAY, sequence=0, lane=1), context())
    assert next_sequence(ledger, did("alice"), 2) == 3


def test_the_last_slot_is_within_the_life_of_a_transaction() -> None:
    ledger = state()
    check_transaction(ledger, signed(PAY, expiry=10), context(10))
    assert "good until slot 10, now is 11" in refusal(ledger, slot=11, expiry=10)


def test_the_window_of_expiry() -> None:
    ledger = state()
    check_transaction(ledger, signed(PAY, expiry=10 + WINDOW), context(10))
    assert f"at most {WINDOW} slots" in refusal(ledger, expiry=11 + WINDOW)


def test_only_a_registered_sender() -> None:
    assert "unknown-sender" in refusal(state(), sender="dave")


@pytest.mark.parametrize("purpose", [p for p in Purpose if p not in (Purpose.TX, Purpose.AGREE)])
def test_only_a_tx_key_of_the_sender(purpose: Purpose) -> None:
    tx = replace(signed(PAY), key=pair("alice", purpose).public)
    with pytest.raises(Invalid, match="key-not-live"):
        check_transaction(state(), tx, context())


def test_anothers_key_does_not_count() -> None:
    tx = replace(signed(PAY), key=pair("bob").public)
    with pytest.raises(Invalid, match="key-not-live"):
        check_transaction(state(), tx, context())


def test_a_key_past_its_end_does_not_count() -> None:
    ledger = state()
    record = DidRecord.found(document("alice"), 0)
    ended = tuple(RecordedKey(kept.key, 0, 12) for kept in record.keys)
    ledger.put(paths.did(did("alice")), replace(record, keys=ended).encode())
    check_transaction(ledger, signed(PAY), context(11))
    assert "key-not-live" in refusal(ledger, slot=12)


def test_checking_changes_nothing() -> None:
    ledger = state()
    check_transaction(ledger, signed(PAY), context())
    assert ledger.changes() == {}


def test_a_failure_is_undone_but_for_its_number() -> None:
    ledger = state()
    ledger.put(paths.balance(b"CNY", did("bob")), cbor.encode(3))
    tx = replace(signed(PAY), body=WritesThenFails())
    outcome = apply_transaction(ledger, tx, context())
    assert outcome == Outcome(False, "spoilt", (), "after three writes")
    assert balance(ledger, "CNY", did("alice")) == FUNDS
    assert balance(ledger, "CNY", did("bob")) == 3
    assert ledger.get(paths.did(did("dave"))) is None
    assert next_sequence(ledger, did("alice"), 0) == 1


def test_the_registry_knows_its_kinds() -> None:
    assert sorted(KINDS) == [
        *("did.register", "ds.publish"),
        *("gov.evidence", "gov.propose", "gov.vote", "pay.transfer"),
    ]
    assert all(kind == body_class(kind).KIND for kind in KINDS)
    with pytest.raises(
        Invalid, match=r"unknown transaction kind 'gov\.veto'; known: did\.register"
    ):
        body_class("gov.veto")
