"""Receipts of state keys: values and absence, at a final block below the head."""

from dataclasses import replace

import pytest

from chain import past
from chain.primitives import cbor
from chain.primitives.errors import Declined
from chain.receipts.state import decode_state_receipt, verify_state_receipt
from chain.receipts.steps import Step, Unproven
from chain.state import paths
from tests.chain.receipts.world import PAYEE, PAYER, Paying, handed_over, settled

HELD = paths.balance(b"CNY", PAYEE.did)
ABSENT = paths.balance(b"EUR", PAYEE.did)


@pytest.mark.parametrize("make", [settled, handed_over])
def test_a_value_and_an_absence_at_a_final_height(make: type[Paying]) -> None:
    chain = make()
    for key in (HELD, ABSENT, paths.AUTHORITY_SET, paths.did(PAYER.did)):
        receipt = chain.maker.state(key)
        read = decode_state_receipt(receipt.encode())
        assert read == receipt
        proven = verify_state_receipt(read, chain.basis)
        assert proven.final.id == chain.on.finality.finalized.block
        assert (proven.value is None) == (key == ABSENT)


def test_blocks_above_the_final_one_are_undone() -> None:
    chain = Paying(4)
    chain.payment()
    chain.finalize()
    final = chain.maker.final
    before = chain.on.value(HELD)
    for _ in range(3):
        chain.payment()
    assert chain.on.value(HELD) != before
    receipt = chain.maker.state(HELD)
    assert receipt.proof.header == final
    assert receipt.value == before
    verify_state_receipt(receipt, chain.basis)
    assert chain.maker.state(HELD) == receipt  # by the state that was put back before
    chain.payment()
    assert chain.maker.state(HELD) == receipt


def test_blocks_are_undone_one_by_one_and_anew_when_the_head_moves() -> None:
    chain = Paying(4)
    chain.payment()
    chain.finalize()
    before = chain.on.value(HELD)
    above = chain.on.head.height - chain.maker.final.height
    for _ in range(3):
        chain.payment()
    assert [chain.maker.undo_block() for _ in range(above + 2)] == [False] * (above + 2)
    chain.payment()
    steps = [chain.maker.undo_block() for _ in range(above + 4)]
    assert steps == [*[False] * (above + 3), True]
    assert chain.maker.undo_block()
    receipt = chain.maker.state(HELD)
    assert receipt.value == before
    verify_state_receipt(receipt, chain.basis)


def test_a_state_too_far_back_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Paying(4)
    chain.payment()
    chain.finalize()
    monkeypatch.setattr(past, "BLOCKS_UNDONE_MAX", 1)
    chain.payment()
    with pytest.raises(Declined, match="state-too-old"):
        chain.maker.state(HELD)


def test_lies_about_the_state_are_refused() -> None:
    chain = settled()
    honest, absent = chain.maker.state(HELD), chain.maker.state(ABSENT)
    lies = (
        replace(honest, value=cbor.encode(10**9)),
        replace(honest, value=None),
        replace(honest, key=ABSENT),
        replace(honest, path=absent.path),
        replace(absent, key=HELD),
        replace(absent, value=b"\x01"),
    )
    for lie in lies:
        with pytest.raises(Unproven) as caught:
            verify_state_receipt(decode_state_receipt(lie.encode()), chain.basis)
        assert caught.value.step is Step.STATE
        assert honest.proof.header.state.hex() in caught.value.reason
