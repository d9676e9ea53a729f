"""The signed envelope every transaction travels in: a COSE_Sign1 over one CBOR array.

Rules:
- The signature covers the chain's id (as external_aad). *Why:* what is signed for one network
  means nothing on another.
- The id hashes what was signed, not the signature. *Why:* a second valid signature over the same
  content is the same transaction, so nobody can change an id on the way.
- (sender, lane) counts its own sequence 0, 1, 2, ... *Why:* each transaction applies once; lanes
  let sixteen servers of an organisation send without waiting for each other.
- A transaction names the last slot it is good for. *Why:* its sender learns in bounded time that
  it will not happen.
Spec: docs/spec/ledger.md, section 2.
"""

from dataclasses import dataclass

from chain.primitives import cbor, cose, shape
from chain.primitives.cbor import Limits
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair, SignatureCheck
from chain.transactions.body import Body
from chain.transactions.registry import KIND_MAX, body_class

TRANSACTION_TYPE = "application/cornerstone-tx+cbor"
TRANSACTION_BYTES_MAX = 64 * 1024
"""A registration of 32 keys needs 5 KiB; documents are published by hash, so nothing needs more."""
PAYLOAD_LIMITS = Limits(depth=8, items=1024, size=TRANSACTION_BYTES_MAX)
"""The deepest body, a registration's key list, nests four levels; the rest is room for kinds."""
VERSION = 1
LANE_MAX = 15
SEQUENCE_MAX = 2**63 - 1
EXPIRY_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction. Its signature may not have been checked yet: see `check`."""

    raw: bytes
    id: Hash
    key: bytes  # the public key that signed (32 bytes)
    signature: bytes
    signed: bytes  # the bytes the signature covers
    sender: bytes  # 32-byte id of the sender's DID
    lane: int
    sequence: int
    expiry: int  # last slot in which it may be included
    kind: str
    body: Body

    @property
    def check(self) -> SignatureCheck:
        """What has to be verified: (public key, message, signature)."""
        return self.key, self.signed, self.signature


def decode_transaction(raw: bytes, chain: Hash) -> Transaction:
    """Read a transaction of the chain with that id; its signature is not checked here.

    Raises Malformed or Invalid; `Invalid("unknown-kind")` lists the kinds this software knows.
    """
    if len(raw) > TRANSACTION_BYTES_MAX:
        raise Malformed(
            "transaction-size", f"{len(raw)} bytes, at most {TRANSACTION_BYTES_MAX} are allowed"
        )
    sign1 = cose.parse(raw, TRANSACTION_TYPE)
    version, kind, sender, lane, sequence, expiry, body = shape.array(
        cbor.decode(sign1.payload, PAYLOAD_LIMITS), 7, "transaction payload"
    )
    if type(version) is not int or version != VERSION:  # true == 1, but not on the wire
        raise Invalid(
            "transaction-version", f"transaction version {version!r}; this node knows {VERSION}"
        )
    body_type = body_class(shape.text(kind, KIND_MAX, "transaction kind"))
    signed = cose.signed_bytes(sign1.protected, chain, sign1.payload)
    return Transaction(
        raw,
        sha256(signed),
        sign1.kid,
        sign1.signature,
        signed,
        shape.blob(sender, 32, "sender"),
        shape.uint(lane, LANE_MAX, "lane"),
        shape.uint(sequence, SEQUENCE_MAX, "sequence"),
        shape.uint(expiry, EXPIRY_MAX, "expiry"),
        body_type.KIND,
        body_type.from_value(body),
    )


def sign_transaction(
    key: KeyPair, chain: Hash, sender: bytes, lane: int, sequence: int, expiry: int, body: Body
) -> Transaction:
    """Make a transaction. What comes back was decoded from its own bytes, so it is well-formed."""
    payload = cbor.encode([VERSION, body.KIND, sender, lane, sequence, expiry, body.to_value()])
    return decode_transaction(cose.sign1(key, TRANSACTION_TYPE, payload, chain), chain)
