"""Payments: exact, all or nothing, and never out of thin air."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.genesis import initial_state
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Failed
from chain.transactions.payment import CurrencyRecord, Transfer, balance, currency_of
from chain.transactions.rules import apply_transaction, check_transaction
from tests.chain.transactions.world import (
    FUNDS,
    GENESIS,
    NAMES,
    context,
    did,
    following,
    state,
)


def pay(ledger: State, sender: str, to: str, amount: int, code: str = "CNY") -> str:
    """Pay by a transaction; the receipt's code."""
    tx = following(ledger, Transfer(code, did(to), amount), sender)
    check_transaction(ledger, tx, context())
    return apply_transaction(ledger, tx, context()).code


def test_a_payment_moves_exactly_its_amount() -> None:
    ledger = state()
    assert pay(ledger, "alice", "carol", 7) == ""
    assert balance(ledger, "CNY", did("alice")) == FUNDS - 7
    assert balance(ledger, "CNY", did("carol")) == 7


def test_the_event_names_both_sides() -> None:
    ledger = state()
    tx = following(ledger, Transfer("CNY", did("bob"), 7))
    assert apply_transaction(ledger, tx, context()).events == (
        ("paid", ("CNY", did("alice"), did("bob"), 7)),
    )


@pytest.mark.parametrize(
    ("to", "amount", "code", "failure"),
    [
        ("bob", FUNDS + 1, "CNY", "insufficient-balance"),
        ("nobody", 1, "CNY", "unknown-recipient"),
        ("bob", 1, "XXX", "unknown-currency"),
    ],
)
def test_failures_change_nothing_but_the_sequence(
    to: str, amount: int, code: str, failure: str
) -> None:
    ledger = state()
    assert pay(ledger, "alice", to, amount, code) == failure
    assert set(ledger.changes()) == {paths.sequence(did("alice"), 0)}


def test_a_failure_compares_the_values() -> None:
    ledger = state()
    with pytest.raises(Failed, match="holds 1000 CNY minor units, 1001 are needed"):
        Transfer("CNY", did("bob"), 1001).apply(ledger, did("alice"), Hash(bytes(32)), context())


def test_an_emptied_account_has_no_record() -> None:
    ledger = state()
    assert pay(ledger, "alice", "bob", FUNDS) == ""
    assert ledger.get(paths.balance(b"CNY", did("alice"))) is None
    assert balance(ledger, "CNY", did("alice")) == 0


def test_paying_oneself_changes_no_balance() -> None:
    for amount in (1, FUNDS):
        ledger = state()
        assert pay(ledger, "alice", "alice", amount) == ""
        assert balance(ledger, "CNY", did("alice")) == FUNDS


@given(
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 2 * FUNDS)),
        max_size=12,
    )
)
def test_the_supply_is_exact_whatever_is_paid(payments: list[tuple[str, str, int]]) -> None:
    ledger = State(initial_state(GENESIS).get)
    held = {name: balance(ledger, "CNY", did(name)) for name in NAMES}
    for sender, to, amount in payments:
        ok = pay(ledger, sender, to, amount) == ""
        assert ok == (held[sender] >= amount)
        if ok:
            held[sender] -= amount
            held[to] += amount
        assert {name: balance(ledger, "CNY", did(name)) for name in NAMES} == held
    record = currency_of(ledger, "CNY")
    assert record == CurrencyRecord(2 * FUNDS, 2, "Renminbi")
    assert sum(held.values()) == record.supply


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["CNY", bytes(32), 0, b""], "amount 0: expected at least 1 minor unit"),
        (["CNY", bytes(32), -1, b""], "amount: expected an integer"),
        (["CNY", bytes(32), 2**63, b""], "amount: expected an integer"),
        (["CNY", bytes(31), 1, b""], "recipient: expected 32 bytes, got 31 bytes"),
        (["CNY", bytes(32), 1, bytes(33)], "reference: expected at most 32 bytes, got 33"),
        (["cny", bytes(32), 1, b""], "currency code 'cny'"),
        (["CN/", bytes(32), 1, b""], "currency code 'CN/'"),
        (["CNY\n", bytes(32), 1, b""], "currency code"),
        (["CNY", bytes(32), 1], "expected an array of 4, got an array of 3"),
        (None, "expected an array of 4, got null"),
    ],
)
def test_refused_bodies(value: list[object], words: str) -> None:
    with pytest.raises(Refusal) as refused:
        Transfer.from_value(value)  # type: ignore[arg-type]
    assert words in str(refused.value)
