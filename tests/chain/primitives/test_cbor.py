"""Strict CBOR: RFC 8949 appendix A, one test per refusal, and properties."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import cbor
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Malformed

VECTORS = json.loads(
    (Path(__file__).parents[2] / "data/cbor-appendix-a/appendix_a.json").read_text()
)
# Appendix A examples outside the profile, by what their first byte says.
FORBIDDEN = {0xC0, 0xC1, 0xC2, 0xC3, 0xD7, 0xD8, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xF0}

values = st.recursive(
    st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=40)
    | st.booleans()
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.integers(0, 2**64 - 1)
            | st.text(st.characters(max_codepoint=127, exclude_categories=["Cs"]), max_size=20),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["hex"] for vector in VECTORS])
def test_rfc_8949_appendix_a(vector: dict[str, object]) -> None:
    """What the profile carries round-trips byte for byte; the rest is refused with a reason."""
    data = bytes.fromhex(str(vector["hex"]))
    carried = bool(vector["roundtrip"]) and data[0] not in FORBIDDEN and b"\xfb" not in data
    if not carried:
        with pytest.raises(Malformed, match="cbor-"):
            cbor.decode(data)
        return
    value = cbor.decode(data)
    assert cbor.encode(value) == data
    if "decoded" in vector and data[0] < 0x40:
        assert value == vector["decoded"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "cbor-truncated"),
        ("18", "cbor-truncated"),
        ("8201", "cbor-truncated"),
        ("5affffffff00", "cbor-truncated"),
        ("0000", "cbor-trailing"),
        ("1801", "cbor-non-canonical"),
        ("190001", "cbor-non-canonical"),
        ("1b0000000000000001", "cbor-non-canonical"),
        ("5800", "cbor-non-canonical"),
        ("9f01ff", "cbor-non-canonical"),
        ("5f4101ff", "cbor-non-canonical"),
        ("a2020001ff00", "cbor-non-canonical"),
        ("a202000100", "cbor-non-canonical"),
        ("62c328", "cbor-non-canonical"),
        ("a201020102", "cbor-duplicate-key"),
        ("f93c00", "cbor-forbidden-type"),
        ("f7", "cbor-forbidden-type"),
        ("f0", "cbor-forbidden-type"),
        ("c100", "cbor-forbidden-type"),
        ("c249010000000000000000", "cbor-forbidden-type"),
        ("a12000", "cbor-forbidden-type"),
        ("a1410000", "cbor-forbidden-type"),
        ("a178186161616161616161616161616161616161616161616161616100", "cbor-forbidden-type"),
        ("81" * 13 + "00", "cbor-too-deep"),
        ("81" * 100_000 + "00", "cbor-too-deep"),
    ],
)
def test_refusals(data: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        cbor.decode(bytes.fromhex(data))
    assert refused.value.code == code
    assert refused.value.reason


def test_limits_are_named_in_the_refusal() -> None:
    limits = Limits(size=100, depth=2, items=10)
    with pytest.raises(Malformed, match="101 bytes, at most 100") as refused:
        cbor.decode(bytes(101), limits)
    assert refused.value.code == "cbor-too-large"
    with pytest.raises(Malformed) as refused:
        cbor.decode(cbor.encode([0] * 10), limits)
    assert refused.value.code == "cbor-too-many"
    with pytest.raises(Malformed) as refused:
        cbor.decode(cbor.encode([[[]]]), limits)
    assert refused.value.code == "cbor-too-deep"


@pytest.mark.parametrize("value", [1.0, 2**64, -(2**64) - 1, {"x" * 24: 0}, {-1: 0}, (1,), set()])
def test_encode_refuses_what_the_profile_does_not_carry(value: Value) -> None:
    with pytest.raises(Malformed):
        cbor.encode(value)


@given(values)
def test_round_trip(value: Value) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(values, st.data())
def test_a_changed_byte_never_crashes_and_never_gives_the_same_value(
    value: Value, data: st.DataObject
) -> None:
    encoded = bytearray(cbor.encode(value))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        other = cbor.decode(bytes(encoded))
    except Malformed:
        return
    assert cbor.encode(other) == bytes(encoded)


@given(st.binary(max_size=200))
def test_noise_is_refused_or_canonical(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except Malformed:
        return
    assert cbor.encode(value) == data


@given(st.lists(values, max_size=5))
def test_sequences(parts: list[Value]) -> None:
    data = b"".join(cbor.encode(part) for part in parts)
    assert cbor.decode_sequence(data) == parts


def test_sequences_are_strict_and_bounded() -> None:
    with pytest.raises(Malformed, match="cbor-non-canonical"):
        cbor.decode_sequence(bytes.fromhex("001801"))
    with pytest.raises(Malformed, match="cbor-too-many"):
        cbor.decode_sequence(bytes(11), Limits(size=100, depth=1, items=10))


@given(value=st.integers(0, cbor.UINT64_MAX), tail=st.binary(max_size=2))
def test_the_short_way_for_integers_reads_and_refuses_as_the_general_one(
    value: int, tail: bytes
) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data) == value
    wider = bytes((27,)) + value.to_bytes(8, "big")
    for other in (data + tail, data[:-1], wider, wider[:-1]):
        if other == data:
            continue
        with pytest.raises(Malformed) as general:
            cbor.decode(b"\x81" + other)
        if other:
            with pytest.raises(Malformed) as short:
                cbor.decode(other)
            assert short.value.code == general.value.code
