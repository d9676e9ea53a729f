"""The messages that spread a new block without its transactions, which most peers have already.

After BIP152. A short id is the first ID_BYTES of a keyed hash (see p2p.protocol.compact), so two
transactions share one by chance once in 2**48, and nobody can prepare a pair for a nonce that is
not drawn yet.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from chain.block import (
    CERTIFICATE_BYTES_MAX,
    CERTIFICATES_MAX,
    HEADER_BYTES_MAX,
    SEAL_BYTES_MAX,
)
from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.wire.fields import blobs, hash_of, length, request_of
from p2p.wire.lanes import Lane

ID_BYTES = 6  # BIP152's number: of 50,000 waiting and 10,000 wanted, one clash in 500,000 blocks
INDEX_BYTES = 3
NONCE_MAX = 2**64 - 1
SHORT_IDS_MAX = 65_536  # the most transactions a genesis allows a block
PREFILLED_MAX = 256  # of the smallest transactions, more than fill PREFILLED_BYTES_MAX
PREFILLED_BYTES_MAX = 10 * 1024  # BIP152's number: what goes out in the first window of a TCP link
MISSING_MAX = 2_048  # beyond it the whole block costs no more than asking for its parts


@dataclass(frozen=True, slots=True)
class CompactBlock:
    """A block as its header, seal and certificates, and its transactions as short ids.

    `prefilled` are the transactions at `places` (ascending, counted in the block), whole; the
    short ids are those of all others, in order.
    """

    KIND: ClassVar[int] = 20
    LANE: ClassVar[Lane] = Lane.BLOCK
    header: bytes
    seal: bytes
    certificates: tuple[bytes, ...]
    nonce: int
    short_ids: tuple[bytes, ...]
    places: tuple[int, ...]
    prefilled: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [
            self.header,
            self.seal,
            list(self.certificates),
            self.nonce,
            b"".join(self.short_ids),
            _packed(self.places),
            list(self.prefilled),
        ]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "CompactBlock":
        length(f, 7, "compact-block")
        short_ids = _pieces(f[4], SHORT_IDS_MAX, ID_BYTES, "short ids")
        places = _indexes(f[5], PREFILLED_MAX, "prefilled places")
        prefilled = blobs(f[6], PREFILLED_MAX, TRANSACTION_BYTES_MAX, "prefilled transaction")
        _check_prefilled(places, prefilled, len(short_ids))
        return cls(
            shape.blob_max(f[0], HEADER_BYTES_MAX, "header"),
            shape.blob_max(f[1], SEAL_BYTES_MAX, "seal"),
            blobs(f[2], CERTIFICATES_MAX, CERTIFICATE_BYTES_MAX, "certificate"),
            shape.uint(f[3], NONCE_MAX, "nonce"),
            short_ids,
            places,
            prefilled,
        )


@dataclass(frozen=True, slots=True)
class GetCompactBlock:
    """Asks for an announced block in compact form."""

    KIND: ClassVar[int] = 21
    LANE: ClassVar[Lane] = Lane.REPLY
    block: Hash

    def fields(self) -> list[Value]:
        return [self.block]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetCompactBlock":
        length(f, 1, "get-compact-block")
        return cls(hash_of(f[0], "block id"))


@dataclass(frozen=True, slots=True)
class GetBlockTransactions:
    """Asks for transactions of a block by their places in it, ascending."""

    KIND: ClassVar[int] = 22
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    block: Hash
    places: tuple[int, ...]

    def fields(self) -> list[Value]:
        return [self.request, self.block, _packed(self.places)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetBlockTransactions":
        length(f, 3, "get-block-transactions")
        return cls(
            request_of(f[0]), hash_of(f[1], "block id"), _indexes(f[2], MISSING_MAX, "places")
        )


@dataclass(frozen=True, slots=True)
class BlockTransactions:
    """The transactions asked for, in order; an empty one says that no more of them come."""

    KIND: ClassVar[int] = 23
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "BlockTransactions":
        length(f, 2, "block-transactions")
        return cls(request_of(f[0]), blobs(f[1], MISSING_MAX, TRANSACTION_BYTES_MAX, "transaction"))


@dataclass(frozen=True, slots=True)
class PreferBlocks:
    """Whether the sender wants new blocks from the receiver at once and unasked."""

    KIND: ClassVar[int] = 24
    LANE: ClassVar[Lane] = Lane.CONTROL
    preferred: bool

    def fields(self) -> list[Value]:
        return [self.preferred]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "PreferBlocks":
        length(f, 1, "prefer-blocks")
        return cls(shape.boolean(f[0], "preferred"))


def _packed(indexes: tuple[int, ...]) -> bytes:
    return b"".join([index.to_bytes(INDEX_BYTES, "big") for index in indexes])


def _pieces(value: Value, maximum: int, size: int, what: str) -> tuple[bytes, ...]:
    packed = shape.blob_max(value, maximum * size, what)
    if len(packed) % size:
        raise Malformed("shape", f"{what}: {len(packed)} bytes are not a multiple of {size}")
    return tuple([packed[start : start + size] for start in range(0, len(packed), size)])


def _indexes(value: Value, maximum: int, what: str) -> tuple[int, ...]:
    """Ascending numbers, each once."""
    pieces = _pieces(value, maximum, INDEX_BYTES, what)
    indexes = tuple([int.from_bytes(piece, "big") for piece in pieces])
    for before, after in pairwise(indexes):
        if after <= before:
            raise Malformed("shape", f"{what}: {after} after {before}")
    return indexes


def _check_prefilled(places: tuple[int, ...], prefilled: tuple[bytes, ...], others: int) -> None:
    if len(places) != len(prefilled):
        raise Malformed("shape", f"{len(prefilled)} prefilled for {len(places)} places")
    if places and places[-1] >= others + len(prefilled):
        raise Malformed(
            "shape", f"prefilled at {places[-1]} of {others + len(prefilled)} transactions"
        )
    size = sum(map(len, prefilled))
    if size > PREFILLED_BYTES_MAX:
        raise Malformed("shape", f"{size} bytes prefilled, at most {PREFILLED_BYTES_MAX}")
