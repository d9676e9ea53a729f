"""Blocks: a header that commits to everything, the seal under it, and the transactions.

A block's id is the SHA-256 of its header; the seal stands outside, so an id is known before the
block is sealed. There is no timestamp: a block's time is that of its slot. Spec:
docs/spec/blocks.md.
"""

from dataclasses import dataclass, field

from chain.primitives import cbor, merkle, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid, Malformed
from chain.primitives.hashing import HASH_BYTES, Hash, sha256
from chain.transactions.body import Event

HEADER_VERSION = 1
HEADER_BYTES_MAX = 512  # the fields are fixed in size: 400 bytes and some integers
SEAL_BYTES_MAX = 64  # an Ed25519 signature; a nonce is shorter
CERTIFICATES_MAX = 64  # one per slot is usual; more wait for the next block
CERTIFICATE_BYTES_MAX = 16 * 1024  # 200 signatures of an authority set
# All certificates of a block, beside its transactions: nine of 200 signatures, 64 of 7.
CERTIFICATES_BYTES_MAX = 128 * 1024
BLOCK_OVERHEAD_BYTES = HEADER_BYTES_MAX + SEAL_BYTES_MAX + 64
NO_CERTIFICATES = sha256(cbor.encode([]))
HEADER_LIMITS = Limits(size=HEADER_BYTES_MAX, depth=1, items=16)
BLOCK_LIMITS = Limits(size=16 * 1024 * 1024, depth=2, items=1 << 17)


@dataclass(frozen=True, slots=True)
class Header:
    """What a block claims. All hashes are 32 bytes; `history` covers headers 0 to height - 1."""

    chain: Hash
    height: int
    slot: int
    parent: Hash
    state: Hash  # root of the state after this block
    transactions: Hash  # RFC 9162 root over the transactions
    receipts: Hash  # RFC 9162 root over their receipts
    history: Hash  # RFC 9162 root over all headers before
    certificates: Hash
    set_id: int  # the authority set in force
    set_hash: Hash
    next_set: bytes  # hash of the next set in a block that hands over, otherwise empty
    author: bytes  # 32-byte id of the author's DID
    raw: bytes = field(init=False, compare=False, repr=False)
    id: Hash = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", cbor.encode(_header_value(self)))
        object.__setattr__(self, "id", sha256(self.raw))


def _header_value(header: Header) -> Value:
    return [
        HEADER_VERSION,
        header.chain,
        header.height,
        header.slot,
        header.parent,
        header.state,
        header.transactions,
        header.receipts,
        header.history,
        header.certificates,
        header.set_id,
        header.set_hash,
        header.next_set,
        header.author,
    ]


def decode_header(raw: bytes) -> Header:
    """Read a header. Raises Malformed, or Invalid for another version."""
    fields = shape.array(cbor.decode(raw, HEADER_LIMITS), 14, "header")
    if shape.uint(fields[0], what="header version") != HEADER_VERSION:
        raise Invalid("header-version", f"version {fields[0]!r}, this node knows {HEADER_VERSION}")
    next_set = shape.blob_max(fields[12], HASH_BYTES, "next set")
    if next_set:
        shape.blob(next_set, HASH_BYTES, "next set")
    return Header(
        chain=_hash(fields[1], "chain"),
        height=shape.uint(fields[2], what="height"),
        slot=shape.uint(fields[3], what="slot"),
        parent=_hash(fields[4], "parent"),
        state=_hash(fields[5], "state root"),
        transactions=_hash(fields[6], "transactions root"),
        receipts=_hash(fields[7], "receipts root"),
        history=_hash(fields[8], "history root"),
        certificates=_hash(fields[9], "certificates hash"),
        set_id=shape.uint(fields[10], what="set id"),
        set_hash=_hash(fields[11], "set hash"),
        next_set=next_set,
        author=_hash(fields[13], "author"),
    )


def _hash(value: Value, what: str) -> Hash:
    return Hash(shape.blob(value, HASH_BYTES, what))


@dataclass(frozen=True, slots=True)
class Block:
    """A header, its seal, and what it commits to; transactions are kept as their bytes."""

    header: Header
    seal: bytes
    certificates: tuple[bytes, ...]
    transactions: tuple[bytes, ...]

    @property
    def id(self) -> Hash:
        """The header's hash."""
        return self.header.id


def encode_block(block: Block) -> bytes:
    """The stored and transmitted form: [header, seal, [certificate], [transaction]]."""
    return cbor.encode(
        [block.header.raw, block.seal, list(block.certificates), list(block.transactions)]
    )


def decode_block(raw: bytes) -> Block:
    """Read a block; its transactions are not decoded. Raises Malformed or Invalid."""
    header, seal, certificates, transactions = shape.array(
        cbor.decode(raw, BLOCK_LIMITS), 4, "block"
    )
    return Block(
        decode_header(shape.blob_max(header, HEADER_BYTES_MAX, "header")),
        shape.blob_max(seal, SEAL_BYTES_MAX, "seal"),
        tuple(
            shape.blob_max(certificate, CERTIFICATE_BYTES_MAX, "certificate")
            for certificate in shape.items(certificates, CERTIFICATES_MAX, "certificates")
        ),
        tuple(
            shape.blob_max(transaction, BLOCK_LIMITS.size, "transaction")
            for transaction in shape.items(transactions, BLOCK_LIMITS.items, "transactions")
        ),
    )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a transaction: part of the block, and of what its sender can prove."""

    txid: Hash
    ok: bool
    code: str  # why it failed; empty when it did not
    events: tuple[Event, ...]

    def to_value(self) -> Value:
        """The array a receipt travels as: [txid, ok, code, [[name, [field]]]]."""
        return [
            self.txid,
            self.ok,
            self.code,
            [[name, list(fields)] for name, fields in self.events],
        ]

    def encode(self) -> bytes:
        """The bytes the receipts root covers."""
        return cbor.encode(self.to_value())


def decode_receipt(raw: bytes) -> Receipt:
    """Read a receipt that `encode` wrote. Raises Malformed."""
    txid, ok, code, events = shape.array(cbor.decode(raw), 4, "receipt")
    decoded: list[Event] = []
    for event in shape.items(events, 1024, "events"):
        name, fields = shape.array(event, 2, "event")
        values = tuple(_event_field(value) for value in shape.items(fields, 64, "event fields"))
        decoded.append((shape.text(name, 64, "event name"), values))
    return Receipt(
        _hash(txid, "txid"), shape.boolean(ok, "ok"), shape.text(code, 64, "code"), tuple(decoded)
    )


def _event_field(value: Value) -> bytes | int | str:
    if isinstance(value, bytes | int | str) and not isinstance(value, bool):
        return value
    raise Malformed("shape", f"event field: expected bytes, integer or text, got {value!r}")


def certificates_hash(certificates: tuple[bytes, ...]) -> Hash:
    """What a header says of its block's certificates."""
    return sha256(cbor.encode(list(certificates))) if certificates else NO_CERTIFICATES


def list_root(encoded: list[bytes] | tuple[bytes, ...]) -> Hash:
    """The root over transactions or receipts, in order."""
    return merkle.root(encoded)
