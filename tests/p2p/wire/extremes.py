"""The smallest and the largest message of each kind, and what is just too much, or no message.

A new kind needs a line in MINIMAL and in MAXIMAL (tests/p2p/wire/test_spec.py says so), and one in
BEYOND for each limit it has.
"""

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.primitives import cbor
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.wire.codec import FRAME_BYTES_MAX, FRAME_MESSAGES_MAX
from p2p.wire.fields import REQUEST_MAX
from p2p.wire.messages import (
    AGENT_MAX,
    BLOCK_WIRE_BYTES_MAX,
    BLOCKS_REQUEST_MAX,
    CAPABILITIES_MAX,
    CAPABILITY_MAX,
    CODE_MAX,
    HEADERS_MAX,
    IDS_MAX,
    LOCATOR_MAX,
    NETWORK_MAX,
    REASON_MAX,
    RECORD_BYTES_MAX,
    RECORDS_MAX,
    TRANSACTIONS_MAX,
    AnnounceBlock,
    AnnounceTransactions,
    Blocks,
    GetBlocks,
    GetHeaders,
    GetPeers,
    GetTransactions,
    Goodbye,
    Headers,
    Hello,
    Message,
    Peers,
    Ping,
    Pong,
    Transactions,
)
from tests.p2p.wire.messages import example_hello

ID = Hash(b"i" * 32)
ZERO = Hash(bytes(32))
MINIMAL: list[Message] = [
    Hello(0, 0, "", ZERO, (), b"", 0, ZERO, 0, ZERO, ""),
    Goodbye("", ""),
    Ping(0),
    Pong(0),
    GetPeers(0),
    Peers(0, ()),
    AnnounceTransactions(()),
    GetTransactions(0, ()),
    Transactions(0, ()),
    AnnounceBlock(b"", b""),
    GetBlocks(0, ()),
    Blocks(0, ()),
    GetHeaders(0, (), 0),
    Headers(0, ()),
]
MAXIMAL: list[Message] = [
    example_hello(
        network="n" * NETWORK_MAX,
        agent="a" * AGENT_MAX,
        record=bytes(RECORD_BYTES_MAX),
        capabilities=("c" * CAPABILITY_MAX,) * CAPABILITIES_MAX,
    ),
    Goodbye("c" * CODE_MAX, "r" * REASON_MAX),
    Ping(2**64 - 1),
    Pong(2**64 - 1),
    GetPeers(REQUEST_MAX),
    Peers(1, (bytes(RECORD_BYTES_MAX),) * RECORDS_MAX),
    AnnounceTransactions((ID,) * IDS_MAX),
    GetTransactions(1, (ID,) * IDS_MAX),
    Transactions(1, (bytes(1000),) * TRANSACTIONS_MAX),
    Transactions(1, (bytes(TRANSACTION_BYTES_MAX),)),
    AnnounceBlock(bytes(HEADER_BYTES_MAX), bytes(SEAL_BYTES_MAX)),
    GetBlocks(1, (ID,) * BLOCKS_REQUEST_MAX),
    Blocks(1, (bytes(1000),) * BLOCKS_REQUEST_MAX),
    Blocks(1, (bytes(BLOCK_WIRE_BYTES_MAX),)),
    GetHeaders(1, (ID,) * LOCATOR_MAX, HEADERS_MAX),
    Headers(1, ((bytes(HEADER_BYTES_MAX), bytes(SEAL_BYTES_MAX)),) * HEADERS_MAX),
]
BEYOND: list[tuple[Message, str]] = [
    (example_hello(network="n" * (NETWORK_MAX + 1)), "network"),
    (example_hello(agent="a" * (AGENT_MAX + 1)), "agent"),
    (example_hello(agent="a\x1b[2J"), "printable"),
    (example_hello(network="a\nb"), "printable"),
    (example_hello(record=bytes(RECORD_BYTES_MAX + 1)), "record"),
    (example_hello(capabilities=("c",) * (CAPABILITIES_MAX + 1)), "capabilities"),
    (example_hello(capabilities=("c" * (CAPABILITY_MAX + 1),)), "capability"),
    (example_hello(genesis=Hash(bytes(31))), "genesis"),
    (example_hello(height=-1), "height"),
    (GetPeers(REQUEST_MAX + 1), "request"),
    (Peers(1, (b"",) * (RECORDS_MAX + 1)), "peer records"),
    (Peers(1, (bytes(RECORD_BYTES_MAX + 1),)), "peer record"),
    (AnnounceTransactions((ID,) * (IDS_MAX + 1)), "transaction ids"),
    (AnnounceTransactions((Hash(bytes(33)),)), "33 bytes are not a multiple of 32"),
    (GetTransactions(1, (ID,) * (IDS_MAX + 1)), "transaction ids"),
    (Transactions(1, (b"",) * (TRANSACTIONS_MAX + 1)), "transactions"),
    (Transactions(1, (bytes(TRANSACTION_BYTES_MAX + 1),)), "transaction"),
    (AnnounceBlock(bytes(HEADER_BYTES_MAX + 1), b""), "header"),
    (AnnounceBlock(b"", bytes(SEAL_BYTES_MAX + 1)), "seal"),
    (GetBlocks(1, (ID,) * (BLOCKS_REQUEST_MAX + 1)), "block ids"),
    (Blocks(1, (b"",) * (BLOCKS_REQUEST_MAX + 1)), "blocks"),
    (Blocks(1, (bytes(BLOCK_WIRE_BYTES_MAX + 1),)), "block"),
    (GetHeaders(1, (ID,) * (LOCATOR_MAX + 1), 1), "locator"),
    (GetHeaders(1, (), HEADERS_MAX + 1), "limit"),
    (Headers(1, ((b"", b""),) * (HEADERS_MAX + 1)), "headers"),
]
REJECTED: list[tuple[bytes, str]] = [
    (b"", "frame-messages"),
    (bytes([0x82, 2, 0]) * (FRAME_MESSAGES_MAX + 1), "frame-messages"),
    (bytes([0x82, 2, 0]) * 3 * FRAME_MESSAGES_MAX, "cbor-too-many"),
    (bytes(FRAME_BYTES_MAX + 1), "cbor-too-large"),
    (bytes([0x82, 2]), "cbor-truncated"),
    (bytes([0x82, 2, 0x18, 0]), "cbor-non-canonical"),
    (bytes([0x80]), "shape"),
    (bytes([0xA0]), "shape"),
    (bytes([0x02]), "shape"),
    (bytes([0x81, 2]), "shape"),
    (bytes([0x83, 2, 0, 0]), "shape"),
    (bytes([0x82, 0xF5, 0]), "shape"),
    (bytes([0x82, 0x20, 0]), "shape"),
    (cbor.encode([13, 1, [[b"", b"", b""]]]), "shape"),
    (cbor.encode([13, 1, [b"header"]]), "shape"),
    (bytes([0x82, 0x18, 0xFF, 0]), "unknown-message"),
    (bytes([0x81] * 6 + [0]), "cbor-too-deep"),
    (bytes([0xF9, 0, 0]), "cbor-forbidden-type"),
]
