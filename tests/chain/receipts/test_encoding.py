"""Receipts and their bytes: one encoding, strict reading, bounds."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.finalproof import FinalHeader, Handover
from chain.primitives import cbor
from chain.primitives.hashing import Hash
from chain.receipts import finality
from chain.receipts.finality import FinalityProof
from chain.receipts.state import StateReceipt, decode_state_receipt
from chain.receipts.steps import Step, Unproven
from chain.receipts.transaction import TransactionReceipt, decode_transaction_receipt
from chain.state.smt import StateProof
from tests.chain.receipts.test_state import HELD
from tests.chain.receipts.world import handed_over

hashes = st.binary(min_size=32, max_size=32).map(Hash)
HONEST = handed_over().receipt(handed_over().paid[0])
HEADER = HONEST.header


@st.composite
def finals(draw: st.DrawFn) -> FinalHeader:
    header = replace(
        HEADER,
        slot=draw(st.integers(0, 2**63 - 1)),
        state=draw(hashes),
        next_set=draw(st.sampled_from((b"", bytes(32)))),
    )
    certificate = HONEST.proof.final.certificate
    source = certificate.vote.source._replace(block=header.id)
    return FinalHeader(header, replace(certificate, vote=replace(certificate.vote, source=source)))


@st.composite
def proofs(draw: st.DrawFn) -> FinalityProof:
    next_set = HONEST.proof.handovers[0].next_set
    handovers = [Handover(final, next_set) for final in draw(st.lists(finals(), max_size=3))]
    return FinalityProof(draw(finals()), tuple(handovers))


@st.composite
def receipts(draw: st.DrawFn) -> TransactionReceipt:
    length = draw(st.integers(0, 12))
    path = st.lists(hashes, min_size=length, max_size=length).map(tuple)
    return TransactionReceipt(
        draw(st.binary(max_size=400)),
        draw(st.binary(max_size=400)),
        draw(st.integers(0, (1 << length) - 1)),
        draw(path),
        draw(path),
        draw(finals()).header,
        tuple(draw(st.lists(hashes, max_size=20))),
        draw(proofs()),
    )


@st.composite
def state_receipts(draw: st.DrawFn) -> StateReceipt:
    path = StateProof(
        tuple(draw(st.lists(hashes, max_size=30))),
        draw(st.none() | st.tuples(hashes, hashes)),
    )
    value = draw(st.none() | st.binary(max_size=100))
    return StateReceipt(draw(st.binary(max_size=100)), value, path, draw(proofs()))


@given(receipts())
def test_a_receipt_comes_back_from_its_bytes(receipt: TransactionReceipt) -> None:
    assert decode_transaction_receipt(receipt.encode()) == receipt


@given(state_receipts())
def test_a_state_receipt_comes_back_from_its_bytes(receipt: StateReceipt) -> None:
    assert decode_state_receipt(receipt.encode()) == receipt


def reason(value: list[cbor.Value]) -> str:
    """Why a receipt with these fields is not read."""
    with pytest.raises(Unproven) as caught:
        decode_transaction_receipt(cbor.encode(value))
    assert caught.value.step is Step.ENCODING
    return caught.value.reason


def fields() -> list[cbor.Value]:
    value = cbor.decode(HONEST.encode())
    assert isinstance(value, list)
    return value


def changed(place: int, value: cbor.Value) -> list[cbor.Value]:
    """The honest receipt's fields with another one at that place."""
    return [value if at == place else field for at, field in enumerate(fields())]


def test_what_is_no_receipt_is_refused_with_its_reason() -> None:
    assert "an array of 11" in reason(fields()[:-1])
    assert "cornerstone-receipt/1" in reason(changed(0, "cornerstone-receipt/2"))
    paths = len(HONEST.transaction_path)
    assert f"0 to {2**paths - 1}" in reason(changed(3, 1 << paths))
    assert "equally long" in reason(changed(5, []))
    assert "at most 64" in reason(changed(7, [bytes(32)] * 65))
    assert "32 bytes" in reason(changed(7, [bytes(33)]))
    state = handed_over().maker.state(HELD).encode()
    with pytest.raises(Unproven, match="an array of 11"):
        decode_transaction_receipt(state)


def test_more_handovers_than_anybody_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finality, "HANDOVERS_MAX", 0)
    assert "at most 0" in reason(fields())
