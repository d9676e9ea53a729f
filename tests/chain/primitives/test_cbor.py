"""Strict CBOR: RFC 8949 appendix A, one test per refusal, and properties."""

import json
from pathlib import Path

import cbor2
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
        ("81" * 60_000 + "00", "cbor-too-deep"),
        ("81" * 100_000 + "00", "cbor-too-many"),
    ],
)
def test_refusals(data: str, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        cbor.decode(bytes.fromhex(data))
    assert refused.value.code == code
    assert refused.value.reason


@pytest.mark.parametrize("tag", [*range(400), 1004, 43000, 55799, 99999])
def test_a_tag_is_refused_whatever_it_stands_on(tag: int) -> None:
    """Before the decoder has done with it what the tag means: compiled it, repeated it, ..."""
    head = cbor2.dumps(cbor2.CBORTag(tag, 0))[:-1]
    for content in ("63282828", "820102", "00", "4161"):
        for data in (head + bytes.fromhex(content), b"\x82\x01" + head + bytes.fromhex(content)):
            with pytest.raises(Malformed, match=f"tag {tag} is not carried") as refused:
                cbor.decode(data)
            assert refused.value.code == "cbor-forbidden-type"
            with pytest.raises(Malformed, match=f"tag {tag} is not carried"):
                cbor.decode_sequence(b"\x01" + data)


def test_what_is_said_once_cannot_be_counted_a_million_times() -> None:
    """A shared array, and references to it: a few kilobytes that would take hours to count."""
    shared = b"\xd8\x1c\x99\x27\x10" + bytes(10_000)
    bomb = b"\x82" + shared + b"\x99\x27\x10" + b"\xd8\x1d\x00" * 10_000
    with pytest.raises(Malformed, match="tag 28"):
        cbor.decode(bomb)


@given(values, st.integers(0, 40))
def test_items_are_counted_by_their_heads_as_they_are_decoded(value: Value, most: int) -> None:
    """The count before decoding never refuses what the count after it takes, nor lets more by."""
    data = cbor.encode(value)

    def is_taken(limits: Limits) -> bool:
        try:
            cbor.decode(data, limits)
        except Malformed:
            return False
        return True

    items = next(n for n in range(1_000) if is_taken(Limits(size=1 << 20, depth=12, items=n)))
    if len(data) > most and not (len(data) <= 9 and data[0] in range(28)):
        assert is_taken(Limits(size=1 << 20, depth=12, items=most)) == (items <= most)


def test_too_many_items_are_refused_by_their_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decoded of a frame that has more of them than a frame may."""
    monkeypatch.setattr(cbor, "cbor2", None)
    limits = Limits(size=1 << 20, depth=3, items=100)
    for data in (b"\x99\x01\x00" + bytes(256), b"\x82\x01" * 300, b"\x81\x41x" * 200):
        with pytest.raises(Malformed) as refused:
            cbor.decode(data, limits)
        assert refused.value.code == "cbor-too-many"
        with pytest.raises(Malformed, match="more than 400 items"):
            cbor.decode_sequence(data * 3, limits)


def test_a_long_key_is_not_quoted_whole() -> None:
    with pytest.raises(Malformed) as refused:
        cbor.decode(cbor2.dumps({"x" * 100_000: 0}))
    assert len(refused.value.reason) < 200


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
