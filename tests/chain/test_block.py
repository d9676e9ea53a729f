"""Headers, blocks and receipts as bytes: one encoding, and nothing else decodes."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.block import (
    HEADER_BYTES_MAX,
    NO_CERTIFICATES,
    SEAL_BYTES_MAX,
    Block,
    Header,
    Receipt,
    certificates_hash,
    decode_block,
    decode_header,
    decode_receipt,
    encode_block,
    list_root,
)
from chain.primitives import cbor, merkle
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import Hash, sha256

HEADER = Header(
    chain=sha256(b"chain"),
    height=3,
    slot=7,
    parent=sha256(b"parent"),
    state=sha256(b"state"),
    transactions=sha256(b"transactions"),
    receipts=sha256(b"receipts"),
    history=sha256(b"history"),
    certificates=sha256(b"certificates"),
    set_id=0,
    set_hash=sha256(b"set"),
    next_set=b"",
    author=sha256(b"author"),
)
hashes = st.binary(min_size=32, max_size=32).map(Hash)
numbers = st.integers(0, 2**63 - 1)
headers = st.builds(
    Header,
    *(hashes, numbers, numbers),
    *[hashes] * 6,
    *(numbers, hashes, st.just(b"") | hashes, hashes),
)
blocks = st.builds(
    Block,
    headers,
    st.binary(max_size=SEAL_BYTES_MAX),
    st.lists(st.binary(max_size=40), max_size=3).map(tuple),
    st.lists(st.binary(max_size=40), max_size=5).map(tuple),
)


@given(blocks)
@settings(max_examples=60)
def test_what_is_encoded_is_decoded(block: Block) -> None:
    again = decode_block(encode_block(block))
    assert again == block
    assert again.id == block.id == sha256(block.header.raw)


def test_the_largest_header_fits() -> None:
    most = 2**64 - 1
    header = replace(HEADER, height=most, slot=most, set_id=most, next_set=sha256(b"next"))
    assert len(header.raw) <= HEADER_BYTES_MAX
    assert decode_header(header.raw) == header


def test_every_field_is_in_the_id() -> None:
    fields = cbor.decode(HEADER.raw)
    assert isinstance(fields, list)
    other = sha256(b"other")
    changed = [
        decode_header(spoiled(at, 99 if isinstance(field, int) else other))
        for at, field in enumerate(fields)
        if at > 0
    ]
    assert len({header.id for header in [HEADER, *changed]}) == len(changed) + 1 == 14


def spoiled(position: int, value: cbor.Value) -> bytes:
    fields = cbor.decode(HEADER.raw)
    assert isinstance(fields, list)
    return cbor.encode([*fields[:position], value, *fields[position + 1 :]])


@pytest.mark.parametrize(
    ("position", "value", "text"),
    [
        (1, b"short", "chain: expected 32 bytes, got 5"),
        (2, -1, "height"),
        (3, "7", "slot"),
        (4, b"", "parent"),
        (12, b"x", "next set: expected 32 bytes, got 1"),
        (13, bytes(33), "author"),
    ],
)
def test_a_field_of_the_wrong_shape(position: int, value: cbor.Value, text: str) -> None:
    with pytest.raises(Malformed, match=text):
        decode_header(spoiled(position, value))


def test_another_version() -> None:
    with pytest.raises(Invalid, match="header-version: version 2, this node knows 1"):
        decode_header(spoiled(0, 2))


def test_bytes_that_are_no_block() -> None:
    whole = encode_block(Block(HEADER, bytes(64), (), (b"tx",)))
    for raw in (b"", whole[:-1], whole + b"\0", b"\x80", HEADER.raw):
        with pytest.raises(Malformed):
            decode_block(raw)
    with pytest.raises(Malformed, match="seal"):
        decode_block(cbor.encode([HEADER.raw, bytes(65), [], []]))
    with pytest.raises(Malformed, match="certificates"):
        decode_block(cbor.encode([HEADER.raw, bytes(64), [b""] * 65, []]))


def test_receipts() -> None:
    receipt = Receipt(
        sha256(b"tx"), True, "", (("paid", ("CNY", bytes(32), 5)), ("registered", (bytes(32),)))
    )
    failed = Receipt(sha256(b"tx"), False, "insufficient-balance", ())
    assert decode_receipt(receipt.encode()) == receipt
    assert decode_receipt(failed.encode()) == failed
    with pytest.raises(Malformed, match="txid"):
        decode_receipt(cbor.encode([b"short", True, "", []]))
    with pytest.raises(Malformed, match="field"):
        decode_receipt(cbor.encode([sha256(b"tx"), True, "", [["paid", [True]]]]))


def test_roots() -> None:
    assert list_root(()) == merkle.EMPTY_ROOT
    assert list_root((b"a", b"b")) == merkle.root([b"a", b"b"]) != list_root((b"b", b"a"))
    assert certificates_hash(()) == NO_CERTIFICATES != certificates_hash((b"c",))
