"""COSE_Sign1 (RFC 9052 section 4.2) as one closed profile, so that parsing is comparing.

- The protected header is exactly `{1: -19, 4: kid, 16: typ}`: algorithm Ed25519 (RFC 9864), the
  signer's raw 32-byte public key, and the type (RFC 9596). *Why:* with the key in the header a
  signature is judged without any state, in batches, off the event loop; whether the key speaks
  for the sender is judged later, against the state.
- The unprotected header is empty, the payload is attached. *Why:* one object has one encoding.
- external_aad is the network's id. *Why:* no signature means anything on another network.
"""

from dataclasses import dataclass
from functools import lru_cache

import cbor2

from chain.primitives import cbor, shape
from chain.primitives.errors import Malformed
from chain.primitives.keys import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, KeyPair

ALG_ED25519 = -19
_ALG, _KID, _TYP = 1, 4, 16
_SIGN1_OPEN = b"\xd2\x84"  # tag 18, array of four
_EMPTY_UNPROTECTED = b"\xa0"
_SIGNATURE_HEAD = b"\x58\x40"  # byte string of 64
_TAIL_BYTES = len(_SIGNATURE_HEAD) + SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Sign1:
    """The parts of a signed object; `kid` is the signer's public key."""

    kid: bytes
    protected: bytes
    payload: bytes
    signature: bytes


@lru_cache(64)
def _template(typ: str) -> tuple[bytes, bytes]:
    """What stands before and after the key in the bytes of an object of type `typ`."""
    kid = bytes(PUBLIC_KEY_BYTES)
    protected = protected_header(kid, typ)
    start = protected.index(kid)
    head = cbor2.dumps(protected)[: -len(protected)]
    before = _SIGN1_OPEN + head + protected[:start]
    after = protected[start + PUBLIC_KEY_BYTES :] + _EMPTY_UNPROTECTED
    return before, after


def protected_header(kid: bytes, typ: str) -> bytes:
    """The encoded protected header."""
    return cbor2.dumps({_ALG: ALG_ED25519, _KID: kid, _TYP: typ}, canonical=True)


def signed_bytes(protected: bytes, aad: bytes, payload: bytes) -> bytes:
    """The Sig_structure: what the signature covers (RFC 9052 section 4.4)."""
    return cbor2.dumps(["Signature1", protected, aad, payload])


def sign1(pair: KeyPair, typ: str, payload: bytes, aad: bytes) -> bytes:
    """The encoded signed object."""
    protected = protected_header(pair.public, typ)
    signature = pair.sign(signed_bytes(protected, aad, payload))
    before, after = _template(typ)
    return before + pair.public + after + cbor2.dumps(payload) + _SIGNATURE_HEAD + signature


def parse(data: bytes, typ: str) -> Sign1:
    """The parts of `data`, an object of type `typ`; the signature is not judged here.

    Raises Malformed, saying where the bytes leave the profile.
    """
    before, after = _template(typ)
    start = len(before)
    end = start + PUBLIC_KEY_BYTES
    body = end + len(after)
    if data.startswith(before) and data.startswith(after, end) and len(data) > body + _TAIL_BYTES:
        kid = data[start:end]
        signature = data[-SIGNATURE_BYTES:]
        head = _head_bytes(data, body)
        payload = data[body + head : -_TAIL_BYTES]
        if data[body:] == cbor2.dumps(payload) + _SIGNATURE_HEAD + signature:
            protected = data[start - _kid_offset(typ) : end + len(after) - 1]
            return Sign1(kid, protected, payload, signature)
    raise _explain(data, typ)


@lru_cache(64)
def _kid_offset(typ: str) -> int:
    kid = bytes(PUBLIC_KEY_BYTES)
    return protected_header(kid, typ).index(kid)


def _head_bytes(data: bytes, position: int) -> int:
    """Length of the head of the byte string at `position`: one byte and the length."""
    return {0x58: 2, 0x59: 3, 0x5A: 5, 0x5B: 9}.get(data[position], 1)


def _explain(data: bytes, typ: str) -> Malformed:
    """Why `data` is not of the profile: slower, for the one who has to mend it."""
    if data[:1] != _SIGN1_OPEN[:1]:
        return Malformed("cose-tag", f"starts with {data[:1].hex() or 'nothing'}, not tag 18 (d2)")
    try:
        parts = shape.array(cbor.decode(data[1:]), 4, "COSE_Sign1")
        protected = shape.blob_max(parts[0], 1024, "protected header")
        header = cbor.decode(protected)
        shape.blob_max(parts[2], len(data), "payload")
        shape.blob(parts[3], SIGNATURE_BYTES, "signature")
    except Malformed as refusal:
        return refusal
    if parts[1] != {}:
        return Malformed("cose-unprotected", "the unprotected header must be empty")
    if not isinstance(header, dict) or set(header) != {_ALG, _KID, _TYP}:
        return Malformed(
            "cose-protected", f"protected header must be exactly {{1, 4, 16}}: {header!r}"
        )
    if header[_ALG] != ALG_ED25519:
        return Malformed(
            "cose-algorithm", f"algorithm {header[_ALG]!r}, only -19 (Ed25519) is accepted"
        )
    if header[_TYP] != typ:
        return Malformed("cose-type", f"type {header[_TYP]!r}, expected {typ!r}")
    return Malformed("cose-key", f"key id must be a raw public key of {PUBLIC_KEY_BYTES} bytes")
