"""Signed peer records: only their node can make them, only for its network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import cbor, cose
from chain.primitives.cbor import Value
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair
from p2p.wire.messages import CAPABILITIES_MAX, CAPABILITY_MAX, RECORD_BYTES_MAX
from p2p.wire.records import (
    ADDRESS_MAX,
    ADDRESSES_MAX,
    RECORD_TYPE,
    parse_record,
    sign_record,
)

NODE = KeyPair.from_seed(sha256(b"node"))
CHAIN, FOREIGN = Hash(b"c" * 32), Hash(b"f" * 32)
ADDRESS = "ws://192.0.2.1:4001"


def signed(value: Value, typ: str = RECORD_TYPE) -> bytes:
    return cose.sign1(NODE, typ, cbor.encode(value), CHAIN)


def test_there_and_back() -> None:
    record = sign_record(NODE, CHAIN, (ADDRESS, "mem://n1"), 7, ("blocks/1",))
    assert record.peer == NODE.public
    assert parse_record(record.raw, CHAIN) == record


def test_the_largest_record_fits() -> None:
    addresses = ("ws://" + "h" * (ADDRESS_MAX - 5),) * ADDRESSES_MAX
    capabilities = ("c" * CAPABILITY_MAX,) * CAPABILITIES_MAX
    record = sign_record(NODE, CHAIN, addresses, 2**64 - 1, capabilities)
    assert len(record.raw) <= RECORD_BYTES_MAX
    assert parse_record(record.raw, CHAIN) == record


def test_a_record_of_another_network_is_refused() -> None:
    record = sign_record(NODE, FOREIGN, (ADDRESS,), 1)
    with pytest.raises(Refusal, match="record-signature"):
        parse_record(record.raw, CHAIN)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "cose-tag"),
        (bytes(RECORD_BYTES_MAX + 1), "peer record"),
        (signed([1, [ADDRESS], 1, []], typ="application/other"), "cose-type"),
        (signed([2, [ADDRESS], 1, []]), "record-version"),
        (signed([1, [ADDRESS], 1]), "array of 4"),
        (signed({}), "array of 4"),
        (signed([1, [ADDRESS] * (ADDRESSES_MAX + 1), 1, []]), "addresses"),
        (signed([1, ["ws://" + "h" * ADDRESS_MAX], 1, []]), "address"),
        (signed([1, ["nowhere"], 1, []]), "record-address"),
        (signed([1, ["ws://"], 1, []]), "record-address"),
        (signed([1, ["://a"], 1, []]), "record-address"),
        (signed([1, ["ws://a b:1"], 1, []]), "record-address"),
        (signed([1, ["ws://a\x1b[2J:1"], 1, []]), "record-address"),
        (signed([1, ["ws://höst:1"], 1, []]), "record-address"),
        (signed([1, [ADDRESS], -1, []]), "sequence"),
        (signed([1, [ADDRESS], 1, ["c" * (CAPABILITY_MAX + 1)]]), "capability"),
        (signed([1, [ADDRESS], 1, ["c\n"]]), "capability"),
        (signed([1, [ADDRESS], 1, ["c"] * (CAPABILITIES_MAX + 1)]), "capabilities"),
    ],
)
def test_bad_records_are_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        parse_record(raw, CHAIN)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, change: int) -> None:
    raw = bytearray(sign_record(NODE, CHAIN, (ADDRESS,), 1).raw)
    raw[position % len(raw)] ^= change
    with pytest.raises(Refusal):
        parse_record(bytes(raw), CHAIN)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(Refusal):
        parse_record(raw, CHAIN)
