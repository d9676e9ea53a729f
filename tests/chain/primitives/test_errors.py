"""Refusals: what they keep of what they quote."""

import pytest

from chain.primitives import cbor, cose
from chain.primitives.errors import REASON_MAX, Malformed, Refusal
from chain.primitives.hashing import ZERO_HASH
from chain.transactions.envelope import TRANSACTION_TYPE, decode_transaction
from tests.chain.transactions.world import pair


def test_a_reason_quotes_no_more_of_what_a_stranger_sent_than_fits_a_screen() -> None:
    payload = cbor.encode([bytes(60_000), "", b"", 0, 0, 0, None])
    raw = cose.sign1(pair("any"), TRANSACTION_TYPE, payload, ZERO_HASH)
    with pytest.raises(Refusal) as refused:
        decode_transaction(raw, ZERO_HASH)
    assert refused.value.code == "transaction-version"
    assert len(refused.value.reason) == REASON_MAX
    assert refused.value.reason.endswith("...")


def test_a_short_reason_is_kept_as_it_is() -> None:
    assert Malformed("code", "x" * REASON_MAX).reason == "x" * REASON_MAX
