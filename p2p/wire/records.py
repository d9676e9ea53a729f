"""Signed peer records: where a node can be reached, in its own words (after libp2p RFC 0003).

A record is a COSE_Sign1 by the node's identity key; the network id is signed along, so a record
of one network cannot fill the address book of another. The one with the highest sequence counts.
"""

import re
from dataclasses import dataclass

from chain.primitives import cbor, cose, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair, verify
from p2p.wire.fields import printable

RECORD_TYPE = "application/cornerstone-peer+cbor"
RECORD_BYTES_MAX = 2_048  # eight addresses and sixteen capabilities at their longest, nearly
CAPABILITIES_MAX = 16
CAPABILITY_MAX = 32  # characters, such as "transactions/1"
ADDRESSES_MAX = 8  # a host has a few interfaces, not more
ADDRESS_MAX = 128  # characters: a long host name, scheme and port
ADDRESS = re.compile(r"[!-~]+://[!-~]+")
_LIMITS = Limits(size=RECORD_BYTES_MAX, depth=2, items=64)


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """Where a node listens. `peer` is its public key; `raw` are the signed bytes."""

    peer: bytes
    addresses: tuple[str, ...]
    sequence: int
    capabilities: tuple[str, ...]
    raw: bytes


def sign_record(
    identity: KeyPair,
    chain: Hash,
    addresses: tuple[str, ...],
    sequence: int,
    capabilities: tuple[str, ...] = (),
) -> PeerRecord:
    """A record of our own. `sequence` must grow: unix milliseconds do."""
    payload = cbor.encode([1, list(addresses), sequence, list(capabilities)])
    raw = cose.sign1(identity, RECORD_TYPE, payload, chain)
    return PeerRecord(identity.public, addresses, sequence, capabilities, raw)


def parse_record(raw: bytes, chain: Hash) -> PeerRecord:
    """A record from a stranger. Raises Malformed, or Invalid when the signature is wrong."""
    sign1, record = _read(raw)
    signed = cose.signed_bytes(sign1.protected, chain, sign1.payload)
    if not verify(sign1.kid, signed, sign1.signature):
        raise Invalid("record-signature", f"not signed by {sign1.kid.hex()} for this network")
    return record


def read_record(raw: bytes) -> PeerRecord:
    """A record whose signature was checked before we kept it. Raises Malformed or Invalid."""
    return _read(raw)[1]


def _read(raw: bytes) -> tuple[cose.Sign1, PeerRecord]:
    sign1 = cose.parse(shape.blob_max(raw, RECORD_BYTES_MAX, "peer record"), RECORD_TYPE)
    version, addresses, sequence, capabilities = shape.array(
        cbor.decode(sign1.payload, _LIMITS), 4, "peer record"
    )
    if shape.uint(version, what="record version") != 1:
        raise Invalid("record-version", f"version {version!r}, this node knows 1")
    record = PeerRecord(
        sign1.kid,
        tuple(_address(address) for address in shape.items(addresses, ADDRESSES_MAX, "addresses")),
        shape.uint(sequence, what="record sequence"),
        tuple(
            printable(name, CAPABILITY_MAX, "capability")
            for name in shape.items(capabilities, CAPABILITIES_MAX, "capabilities")
        ),
        raw,
    )
    return sign1, record


def _address(value: Value) -> str:
    """Text that may be an address, and nothing that upsets a log; the transport reads it."""
    text = shape.text(value, ADDRESS_MAX, "address")
    if not ADDRESS.fullmatch(text):
        raise Malformed("record-address", f"{text!r} is no address such as ws://127.0.0.1:4001")
    return text
