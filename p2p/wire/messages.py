"""The messages of the peer protocol: frozen values, each a CBOR array `[kind, field, ...]`.

Rules:
- A closed union; an unknown kind is malformed. *Why:* the hello agrees on a version, so nobody
  sends one in good faith, and the type checker finds the message that an engine forgot.
- Ids are packed into one byte string. *Why:* they are most of what is said, and cost a quarter of
  an array of byte strings to check.
- Transactions, blocks and headers stay raw bytes. *Why:* they are judged in the order that costs
  least (known by hash, before anything is decoded) and passed on as they came.
- Text is printable. *Why:* it ends in logs and on terminals.
- Every count and length has its maximum here; what exceeds one is malformed, for no honest node
  sends it. Budgets over time are the engines'.

Each class has `fields()`, what follows the kind, and `from_fields`, which raises Malformed.
Spec: docs/spec/peer-protocol.md.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.wire.fields import blobs, hash_of, hashes, length, printable, quoted, request_of

PROTOCOL_VERSION = 1
IDS_MAX = 4_096  # 128 KiB; eight seconds' worth at 500 transactions a second
TRANSACTIONS_MAX = 4_096  # as many as can be asked for
BLOCKS_REQUEST_MAX = 64  # a window of download; more would wait for one slow peer
BLOCK_WIRE_BYTES_MAX = 9 * 1024 * 1024  # the largest block a genesis allows, and its framing
HEADERS_MAX = 2_000  # Bitcoin's number: 800 KiB
LOCATOR_MAX = 128  # ids of a locator double their distance: 128 reach any height
RECORDS_MAX = 256  # peer records in a reply: a sample of a book, never the book
RECORD_BYTES_MAX = 2_048  # eight addresses and sixteen capabilities at their longest, nearly
CAPABILITIES_MAX = 16
CAPABILITY_MAX = 32  # characters, such as "transactions/1"
NETWORK_MAX = 32  # characters: the longest name a genesis can have
AGENT_MAX = 64  # characters: a name and a version
CODE_MAX = 32  # characters of a kebab-case code of ours
REASON_MAX = 512  # characters: two hashes and two sentences


class Lane(IntEnum):
    """Which queue a message waits in; lower numbers leave first. Votes will join BLOCK."""

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
        length(f, 11, "hello")
        return cls(
            shape.uint(f[0], what="version_min"),
            shape.uint(f[1], what="version_max"),
            printable(f[2], NETWORK_MAX, "network"),
            hash_of(f[3], "genesis"),
            tuple(
                printable(name, CAPABILITY_MAX, "capability")
                for name in shape.items(f[4], CAPABILITIES_MAX, "capabilities")
            ),
            shape.blob_max(f[5], RECORD_BYTES_MAX, "record"),
            shape.uint(f[6], what="height"),
            hash_of(f[7], "head"),
            shape.uint(f[8], what="finalized height"),
            hash_of(f[9], "finalized"),
            printable(f[10], AGENT_MAX, "agent"),
        )


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why the sender is about to close the connection."""

    KIND: ClassVar[int] = 1
    LANE: ClassVar[Lane] = Lane.CONTROL
    code: str
    reason: str

    def fields(self) -> list[Value]:
        # Whatever is said in parting must not fail for its length or for what it quotes.
        return [quoted(self.code)[:CODE_MAX], quoted(self.reason)[:REASON_MAX]]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Goodbye":
        length(f, 2, "goodbye")
        return cls(printable(f[0], CODE_MAX, "code"), printable(f[1], REASON_MAX, "reason"))


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
        length(f, 1, "ping")
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
        length(f, 1, "pong")
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
        length(f, 1, "get-peers")
        return cls(request_of(f[0]))


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
        length(f, 2, "peers")
        return cls(
            request_of(f[0]),
            blobs(f[1], RECORDS_MAX, RECORD_BYTES_MAX, "peer record"),
        )


@dataclass(frozen=True, slots=True)
class AnnounceTransactions:
    """The sender has these transactions."""

    KIND: ClassVar[int] = 6
    LANE: ClassVar[Lane] = Lane.TRANSACTION
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "AnnounceTransactions":
        length(f, 1, "announce-transactions")
        return cls(hashes(f[0], IDS_MAX, "transaction ids"))


@dataclass(frozen=True, slots=True)
class GetTransactions:
    """Asks for transactions by id."""

    KIND: ClassVar[int] = 7
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [self.request, b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetTransactions":
        length(f, 2, "get-transactions")
        return cls(request_of(f[0]), hashes(f[1], IDS_MAX, "transaction ids"))


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
        length(f, 2, "transactions")
        return cls(
            request_of(f[0]),
            blobs(f[1], TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX, "transaction"),
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
        length(f, 2, "announce-block")
        return cls(
            shape.blob_max(f[0], HEADER_BYTES_MAX, "header"),
            shape.blob_max(f[1], SEAL_BYTES_MAX, "seal"),
        )


@dataclass(frozen=True, slots=True)
class GetBlocks:
    """Asks for blocks by id."""

    KIND: ClassVar[int] = 10
    LANE: ClassVar[Lane] = Lane.REPLY
    request: int
    ids: tuple[Hash, ...]

    def fields(self) -> list[Value]:
        return [self.request, b"".join(self.ids)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetBlocks":
        length(f, 2, "get-blocks")
        return cls(request_of(f[0]), hashes(f[1], BLOCKS_REQUEST_MAX, "block ids"))


@dataclass(frozen=True, slots=True)
class Blocks:
    """Whole blocks, not decoded here; an empty one ends the reply to a request."""

    KIND: ClassVar[int] = 11
    LANE: ClassVar[Lane] = Lane.REPLY  # a download does not hold up a new header
    request: int
    raws: tuple[bytes, ...]

    def fields(self) -> list[Value]:
        return [self.request, list(self.raws)]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "Blocks":
        length(f, 2, "blocks")
        return cls(
            request_of(f[0]),
            blobs(f[1], BLOCKS_REQUEST_MAX, BLOCK_WIRE_BYTES_MAX, "block"),
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
        return [self.request, b"".join(self.locator), self.limit]

    @classmethod
    def from_fields(cls, f: list[Value]) -> "GetHeaders":
        length(f, 3, "get-headers")
        return cls(
            request_of(f[0]),
            hashes(f[1], LOCATOR_MAX, "locator"),
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
        length(f, 2, "headers")
        pairs: list[tuple[bytes, bytes]] = []
        for item in shape.items(f[1], HEADERS_MAX, "headers"):
            header, seal = shape.array(item, 2, "header and seal")
            pairs.append(
                (
                    shape.blob_max(header, HEADER_BYTES_MAX, "header"),
                    shape.blob_max(seal, SEAL_BYTES_MAX, "seal"),
                )
            )
        return cls(request_of(f[0]), tuple(pairs))


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
