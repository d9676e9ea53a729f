"""The COSE_Sign1 profile, against the COSE working group's examples where they apply."""

import json
from pathlib import Path

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import cose
from chain.primitives.errors import Malformed
from chain.primitives.keys import KeyPair, verify

DATA = Path(__file__).parents[2] / "data/cose"
TYP = "application/test+cbor"
PAIR = KeyPair.from_seed(b"\x07" * 32)
AAD = b"a" * 32


def test_the_official_ed25519_sign1_example_verifies_over_our_sig_structure() -> None:
    example = json.loads((DATA / "eddsa-examples/eddsa-sig-01.json").read_text())
    key = example["input"]["sign0"]["key"]
    tag = cbor2.loads(bytes.fromhex(example["output"]["cbor"]))
    protected, _, payload, signature = tag.value
    signed = cose.signed_bytes(protected, b"", payload)
    assert signed == bytes.fromhex(example["intermediates"]["ToBeSign_hex"])
    assert verify(bytes.fromhex(key["x_hex"]), signed, signature)
    pair = KeyPair.from_seed(bytes.fromhex(key["d_hex"]))
    assert pair.sign(signed) == signature


@pytest.mark.parametrize("path", sorted(DATA.glob("sign1-tests/*.json")), ids=lambda p: p.stem)
def test_official_sign1_structures(path: Path) -> None:
    """Their key is P-256; the bytes to be signed are the same for every algorithm.

    Objects outside the profile (all of these) are refused when parsed.
    """
    example = json.loads(path.read_text())
    raw = bytes.fromhex(example["output"]["cbor"])
    with pytest.raises(Malformed):
        cose.parse(raw, TYP)
    tag = cbor2.loads(raw)
    if path.stem.startswith("sign-fail") or not isinstance(tag, cbor2.CBORTag):
        return
    protected, _, payload, _ = tag.value
    external = bytes.fromhex(example["input"]["sign0"].get("external", ""))
    if protected == b"\xa0":  # an empty map is signed as an empty string; our header never is
        protected = b""
    expected = bytes.fromhex(example["intermediates"]["ToBeSign_hex"])
    assert cose.signed_bytes(protected, external, payload) == expected


@given(st.binary(max_size=70_000) | st.sampled_from([b"x" * n for n in (23, 24, 255, 256)]))
def test_round_trip(payload: bytes) -> None:
    raw = cose.sign1(PAIR, TYP, payload, AAD)
    parsed = cose.parse(raw, TYP)
    assert (parsed.kid, parsed.payload) == (PAIR.public, payload)
    assert verify(
        parsed.kid, cose.signed_bytes(parsed.protected, AAD, parsed.payload), parsed.signature
    )
    whole = cbor2.loads(raw)
    assert whole.tag == 18
    assert list(whole.value) == [parsed.protected, {}, payload, parsed.signature]


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_fails_to_verify(position: int, flip: int) -> None:
    raw = bytearray(cose.sign1(PAIR, TYP, b"payload", AAD))
    raw[position % len(raw)] ^= flip
    try:
        parsed = cose.parse(bytes(raw), TYP)
    except Malformed:
        return
    signed = cose.signed_bytes(parsed.protected, AAD, parsed.payload)
    assert not verify(parsed.kid, signed, parsed.signature)


def _variant(protected: object, unprotected: object = None, signature: bytes = bytes(64)) -> bytes:
    body = [cbor2.dumps(protected, canonical=True), unprotected or {}, b"p", signature]
    return cbor2.dumps(cbor2.CBORTag(18, body))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "cose-tag"),
        (cbor2.dumps([b"", {}, b"", bytes(64)]), "cose-tag"),
        (_variant({1: -8, 4: bytes(32), 16: TYP}), "cose-algorithm"),
        (_variant({1: -19, 4: bytes(32), 16: "other"}), "cose-type"),
        (_variant({1: -19, 4: bytes(31), 16: TYP}), "cose-key"),
        (_variant({1: -19, 16: TYP}), "cose-protected"),
        (_variant({1: -19, 4: bytes(32), 5: 0, 16: TYP}), "cose-protected"),
        (_variant({1: -19, 4: bytes(32), 16: TYP}, {1: 1}), "cose-unprotected"),
        (_variant({1: -19, 4: bytes(32), 16: TYP}, signature=bytes(63)), "shape"),
        (_variant({1: -19, 4: bytes(32), 16: TYP}) + b"\0", "cbor-trailing"),
        (_variant({1: -19, 4: bytes(32), 16: TYP})[:-1], "cbor-truncated"),
    ],
)
def test_refusals(raw: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        cose.parse(raw, TYP)
    assert refused.value.code == code


def test_another_network_is_another_signature() -> None:
    parsed = cose.parse(cose.sign1(PAIR, TYP, b"p", AAD), TYP)
    signed = cose.signed_bytes(parsed.protected, b"b" * 32, parsed.payload)
    assert not verify(parsed.kid, signed, parsed.signature)
