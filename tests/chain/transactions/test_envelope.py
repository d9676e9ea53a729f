"""The envelope: what decodes, what is refused and in which words, and the bytes themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import cbor, cose
from chain.primitives.cbor import Value
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import verify
from chain.transactions.dataset import Parent, Publish
from chain.transactions.envelope import (
    TRANSACTION_BYTES_MAX,
    TRANSACTION_TYPE,
    decode_transaction,
    sign_transaction,
)
from chain.transactions.payment import Transfer
from tests.chain.transactions.world import CHAIN, did, pair, signed

TRANSFER = Transfer("CNY", bytes(32), 5, b"ref")


def packed(payload: Value, chain: Hash = CHAIN) -> bytes:
    """A well-signed envelope around any payload."""
    return cose.sign1(pair("alice"), TRANSACTION_TYPE, cbor.encode(payload), chain)


def payload(**changes: Value) -> list[Value]:
    """A good payload with some fields changed."""
    fields: dict[str, Value] = {
        "version": 1,
        "kind": "pay.transfer",
        "sender": did("alice"),
        "lane": 0,
        "sequence": 0,
        "expiry": 100,
        "body": TRANSFER.to_value(),
    }
    return [(fields | changes)[name] for name in fields]


def test_round_trip() -> None:
    tx = signed(TRANSFER, sequence=7, lane=3, expiry=99)
    again = decode_transaction(tx.raw, CHAIN)
    assert again == tx
    assert (tx.kind, tx.lane, tx.sequence, tx.expiry) == ("pay.transfer", 3, 7, 99)
    assert tx.body == TRANSFER
    assert verify(*tx.check)


def test_the_id_hashes_what_is_signed_and_not_the_signature() -> None:
    tx = signed(TRANSFER)
    other = tx.raw[:-64] + bytes(64)
    assert tx.id == sha256(tx.signed)
    assert decode_transaction(other, CHAIN).id == tx.id


def test_a_transaction_means_nothing_on_another_chain() -> None:
    tx = signed(TRANSFER)
    elsewhere = decode_transaction(tx.raw, Hash(bytes(32)))
    assert elsewhere.id != tx.id
    assert not verify(*elsewhere.check)


def test_known_bytes() -> None:
    """The format is a promise: a change of these bytes is a new version."""
    chain = Hash(bytes(range(32)))
    tx = sign_transaction(pair("alice"), chain, bytes(32), 1, 2, 3, TRANSFER)
    assert tx.raw.hex() == KNOWN_RAW
    assert tx.id.hex() == KNOWN_ID


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "transaction-version: transaction version 2; this node knows 1"),
        ({"version": None}, "transaction-version"),
        ({"version": True}, "transaction-version"),
        (
            {"kind": "pay.mint"},
            "known: did.register, ds.publish, gov.evidence, gov.propose, gov.vote",
        ),
        ({"kind": 7}, "transaction kind: expected text"),
        ({"sender": bytes(31)}, "sender: expected 32 bytes, got 31 bytes"),
        ({"lane": 16}, "lane: expected an integer from 0 to 15, got the integer 16"),
        ({"sequence": -1}, "sequence: expected an integer"),
        ({"sequence": 2**63}, "sequence: expected an integer"),
        ({"expiry": "soon"}, "expiry: expected an integer"),
        ({"expiry": True}, "expiry: expected an integer"),
        ({"body": []}, "pay.transfer body: expected an array of 4, got an array of 0"),
        ({"body": {}}, "pay.transfer body: expected an array of 4, got a map of 0"),
    ],
)
def test_refused_payloads(changes: dict[str, Value], words: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode_transaction(packed(payload(**changes)), CHAIN)
    assert words in str(refused.value)


def test_a_further_field_is_refused() -> None:
    with pytest.raises(Refusal, match="transaction payload: expected an array of 7"):
        decode_transaction(packed([*payload(), 0]), CHAIN)


def test_size_is_bounded() -> None:
    with pytest.raises(Refusal, match="65537 bytes, at most 65536"):
        decode_transaction(bytes(TRANSACTION_BYTES_MAX + 1), CHAIN)


def test_payload_that_is_not_canonical() -> None:
    body = cbor.encode(payload()).replace(b"\x18\x64", b"\x19\x00\x64", 1)  # expiry 100, longer
    raw = cose.sign1(pair("alice"), TRANSACTION_TYPE, body, CHAIN)
    with pytest.raises(Refusal, match="cbor-non-canonical"):
        decode_transaction(raw, CHAIN)


def test_payload_nested_too_deep() -> None:
    deep: Value = 1
    for _ in range(20):
        deep = [deep]
    with pytest.raises(Refusal, match="cbor-too-deep"):
        decode_transaction(packed(payload(body=deep)), CHAIN)


def test_another_type_of_object_is_no_transaction() -> None:
    raw = cose.sign1(pair("alice"), "application/other", cbor.encode(payload()), CHAIN)
    with pytest.raises(Refusal, match="cose-type"):
        decode_transaction(raw, CHAIN)


def test_every_prefix_is_refused() -> None:
    raw = signed(TRANSFER).raw
    for length in range(len(raw)):
        with pytest.raises(Refusal):
            decode_transaction(raw[:length], CHAIN)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_breaks_the_signature(position: int, flip: int) -> None:
    tx = signed(TRANSFER)
    changed = bytearray(tx.raw)
    changed[position % len(changed)] ^= flip
    try:
        read = decode_transaction(bytes(changed), CHAIN)
    except Refusal:
        return
    assert not verify(*read.check)


words = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
hashes = st.binary(min_size=32, max_size=32).map(Hash)
transfers = st.builds(
    Transfer,
    st.from_regex(r"[A-Z][A-Z0-9]{2,11}", fullmatch=True),
    hashes,
    st.integers(1, 2**63 - 1),
    st.binary(max_size=32),
)
publications = st.builds(
    Publish,
    st.text(max_size=256),
    hashes,
    hashes,
    st.sampled_from(["text/csv", "application/ld+json", "application/vnd.gtfs.x-1"]),
    st.integers(0, 2**63 - 1),
    words,
    st.lists(st.builds(Parent, hashes, words), max_size=16, unique_by=lambda p: p.dataset).map(
        tuple
    ),
)
numbers = st.integers(0, 2**63 - 1)


@given(st.one_of(transfers, publications), st.integers(0, 15), numbers, numbers)
def test_whatever_is_signed_reads_back(
    body: Transfer | Publish, lane: int, sequence: int, expiry: int
) -> None:
    tx = signed(body, lane=lane, sequence=sequence, expiry=expiry)
    assert decode_transaction(tx.raw, CHAIN) == tx
    assert tx.body == body
    assert type(body).from_value(body.to_value()) == body


KNOWN_ID = "84b3f30f8459b01b5fbcf4762dd1819f3123e582f7cd998cce7b5fe9afda5d3e"
KNOWN_RAW = (
    "d2845848a30132045820ad5af79b55bfcf54692d4d2075574a4beb63709057a330569bb7ca73d266fe0e1078"
    "1f6170706c69636174696f6e2f636f726e657273746f6e652d74782b63626f72a0586087016c7061792e7472"
    "616e736665725820000000000000000000000000000000000000000000000000000000000000000001020384"
    "63434e5958200000000000000000000000000000000000000000000000000000000000000000054372656658"
    "401c49c8d86d12b1e695f8219f4a0b6c207288511e3365ec2de8ea23194edacc0bf3e8d08e41c00bae09e68a"
    "146cef3a9b88928812c4faf24810941b7560894806"
)
