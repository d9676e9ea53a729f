"""The messages of the peer protocol: frozen values, each a CBOR array `[kind, field, ...]`.

One file, one closed union: the type checker finds the message that an engine forgot. Every count
and length has its maximum here. Spec: docs/spec/peer-protocol.md.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX

PROTOCOL_VERSION = 1
IDS_MAX = 4_096  # ids in an announcement or a request: 128 KiB
TRANSACTIONS_MAX = 4_096  # as many as were asked for
BLOCKS_REQUEST_MAX = 64  # blocks asked for at once
BLOCK_WIRE_BYTES_MAX = 9 * 1024 * 1024  # the largest block a genesis allows, and its framing
HEADERS_MAX = 2_000  # Bitcoin's number: 800 KiB
LOCATOR_MAX = 128  # ids of a locator double their distance: 128 reach any height
RECORDS_MAX = 256  # peer records in a reply
RECORD_BYTES_MAX = 1_024
CAPABILITIES_MAX = 16
TEXT_MAX = 256  # codes, names and agents
REASON_MAX = 1_024


class Lane(IntEnum):
    """Which queue a message waits in; lower numbers leave first."""

    CONTROL = 0
    BLOCK = 1
    REPLY = 2
    TRANSACTION = 3
    BULK = 4


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of both sides: who, on which chain, how far."""

    KIND: ClassVar[int] = 0
    LANE: ClassVar[Lane] = Lane.CONTROL
    version_min: int
    version_max: int
    network: str
    genesis: Hash
    capabilities: tuple[str, ...]
    record: bytes  # the sender's signed peer record
    height: int
    head: Hash
    finalized_height: int
    finalized: Hash
    agent: str

    def fields(self) -> list[Value]:
        return [
            self.version_min,
            self.version_max,
            self.network,
            self.genesis,
            list(self.capabilities),
            self.record,
            self.height,
            self.head,
            self.finalized_height,
            self.finalized,
            self.agent,
        ]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Hello":
        _length(f, 11, "hello")
        return cls(
            shape.uint(f[0], what="version_min"),
            shape.uint(f[1], what="version_max"),
            shape.text(f[2], TEXT_MAX, "network"),
            _hash(f[3], "genesis"),
            tuple(
                shape.text(name, TEXT_MAX, "capability")
                for name in shape.items(f[4], CAPABILITIES_MAX, "capabilities")
            ),
            shape.blob_max(f[5], RECORD_BYTES_MAX, "record"),
            shape.uint(f[6], what="height"),
            _hash(f[7], "head"),
            shape.uint(f[8], what="finalized height"),
            _hash(f[9], "finalized"),
            shape.text(f[10], TEXT_MAX, "agent"),
        )


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why the sender is about to close the connection."""

    KIND: ClassVar[int] = 1
    LANE: ClassVar[Lane] = Lane.CONTROL
    code: str
    reason: str

    def fields(self) -> list[Value]:
        return [self.code, self.reason]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Goodbye":
        _length(f, 2, "goodbye")
        return cls(shape.text(f[0], TEXT_MAX, "code"), shape.text(f[1], REASON_MAX, "reason"))


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a Pong with the same number."""

    KIND: ClassVar[int] = 2
    LANE: ClassVar[Lane] = Lane.CONTROL
    nonce: int

    def fields(self) -> list[Value]:
        return [self.nonce]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Ping":
        _length(f, 1, "ping")
        return cls(shape.uint(f[0], what="nonce"))


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping."""

    KIND: ClassVar[int] = 3
    LANE: ClassVar[Lane] = Lane.CONTROL
    nonce: int

    def fields(self) -> list[Value]:
        return [self.nonce]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Pong":
        _length(f, 1, "pong")
        return cls(shape.uint(f[0], what="nonce"))


@dataclass(frozen=True, slots=True)
class GetPeers:
    """Asks for peer records."""

    KIND: ClassVar[int] = 4
    LANE: ClassVar[Lane] = Lane.BULK
    request: int

    def fields(self) -> list[Value]:
        return [self.request]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetPeers":
        _length(f, 1, "get-peers")
        return cls(shape.uint(f[0], what="request"))


@dataclass(frozen=True, slots=True)
class Peers:
    """Signed peer records; request 0 when nobody asked."""

    KIND: ClassVar[int] = 5
    LANE: ClassVar[Lane] = Lane.BULK
    request: int
    records: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.records)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Peers":
        _length(f, 2, "peers")
        return cls(
            shape.uint(f[0], what="request"),
            _blobs(f[1], RECORDS_MAX, RECORD_BYTES_MAX, "peer record"),
        )


@dataclass(frozen=True, slots=True)
class AnnounceTransactions:
    """The sender has these transactions."""

    KIND: ClassVar[int] = 6
    LANE: ClassVar[Lane] = Lane.TRANSACTION
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [list(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "AnnounceTransactions":
        _length(f, 1, "announce-transactions")
        return cls(_hashes(f[0], IDS_MAX, "transaction id"))


@dataclass(frozen=True, slots=True)
class GetTransactions:
    """Asks for transactions by id."""

    KIND: ClassVar[int] = 7
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetTransactions":
        _length(f, 2, "get-transactions")
        return cls(shape.uint(f[0], what="request"), _hashes(f[1], IDS_MAX, "transaction id"))


@dataclass(frozen=True, slots=True)
class Transactions:
    """Whole transactions, not decoded here; request 0 when nobody asked."""

    KIND: ClassVar[int] = 8
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Transactions":
        _length(f, 2, "transactions")
        return cls(
            shape.uint(f[0], what="request"),
            _blobs(f[1], TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX, "transaction"),
        )


@dataclass(frozen=True, slots=True)
class AnnounceBlock:
    """The sender has this block: its header and seal, enough to judge its claim."""

    KIND: ClassVar[int] = 9
    LANE: ClassVar[Lane] = Lane.BLOCK
    header: bytes
    seal: bytes

    def fields(self) -> list[Value]:
        return [self.header, self.seal]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "AnnounceBlock":
        _length(f, 2, "announce-block")
        return cls(
            shape.blob_max(f[0], HEADER_BYTES_MAX, "header"),
            shape.blob_max(f[1], SEAL_BYTES_MAX, "seal"),
        )


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """Asks for blocks by id."""

    KIND: ClassVar[int] = 10
    LANE: ClassVar[Lane] = Lane.BLOCK
    request: int
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetBlocks":
        _length(f, 2, "get-blocks")
        return cls(shape.uint(f[0], what="request"), _hashes(f[1], BLOCKS_REQUEST_MAX, "block id"))


@dataclass(frozen=True, slots=True)
class Blocks:
    """Whole blocks, not decoded here; an empty one ends the reply to a request."""

    KIND: ClassVar[int] = 11
    LANE: ClassVar[Lane] = Lane.BLOCK
    request: int
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Blocks":
        _length(f, 2, "blocks")
        return cls(
            shape.uint(f[0], what="request"),
            _blobs(f[1], BLOCKS_REQUEST_MAX, BLOCK_WIRE_BYTES_MAX, "block"),
        )


@dataclass(frozen=True, slots=True)
class GetHeaders:
    """Asks for headers behind the first id of the locator that is on the receiver's chain."""

    KIND: ClassVar[int] = 12
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    locator: tuple[Hash, ...]
    limit: int

    def fields(self) -> list[Value]:
        return [self.request, list(self.locator), self.limit]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetHeaders":
        _length(f, 3, "get-headers")
        return cls(
            shape.uint(f[0], what="request"),
            _hashes(f[1], LOCATOR_MAX, "locator id"),
            shape.uint(f[2], HEADERS_MAX, "limit"),
        )


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers and their seals, in order of height."""

    KIND: ClassVar[int] = 13
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    headers: tuple[tuple[bytes, bytes], ...]

    def fields(self) -> list[Value]:
        return [self.request, [[header, seal] for header, seal in self.headers]]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Headers":
        _length(f, 2, "headers")
        pairs: list[tuple[bytes, bytes]] = []
        for item in shape.items(f[1], HEADERS_MAX, "headers"):
            header, seal = shape.array(item, 2, "header and seal")
            pairs.append(
                (
                    shape.blob_max(header, HEADER_BYTES_MAX, "header"),
                    shape.blob_max(seal, SEAL_BYTES_MAX, "seal"),
                )
            )
        return cls(shape.uint(f[0], what="request"), tuple(pairs))


Message = (
    Hello
    | Goodbye
    | Ping
    | Pong
    | GetPeers
    | Peers
    | AnnounceTransactions
    | GetTransactions
    | Transactions
    | AnnounceBlock
    | GetBlocks
    | Blocks
    | GetHeaders
    | Headers
)


def _length(fields: list[Value], expected: int, what: str) -> None:
    if len(fields) != expected:
        raise Malformed("shape", f"{what}: expected {expected} fields, got {len(fields)}")


def _hash(value: Value, what: str) -> Hash:
    return Hash(shape.blob(value, HASH_BYTES, what))


def _hashes(value: Value, maximum: int, what: str) -> tuple[Hash, ...]:
    return tuple(_hash(item, what) for item in shape.items(value, maximum, f"{what}s"))


def _blobs(value: Value, maximum: int, size: int, what: str) -> tuple[bytes, ...]:
    found = shape.items(value, maximum, f"{what}s")
    return tuple(shape.blob_max(item, size, what) for item in found)
