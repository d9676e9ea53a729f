"""Messages and frames: there and back, at the limits and beyond, and whatever a stranger sends."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chain.block import HEADER_BYTES_MAX, SEAL_BYTES_MAX
from chain.parameters import PARAMETER_RANGES
from chain.primitives import cbor
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.wire.codec import (
    FRAME_BYTES_MAX,
    FRAME_MESSAGES_MAX,
    decode_frame,
    decode_message,
    encode_message,
)
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
    Message,
    Peers,
    Ping,
    Transactions,
)
from tests.p2p.wire.messages import MESSAGE, example_hello, examples

ID = Hash(b"i" * 32)
AT_THE_LIMIT: list[Message] = [
    example_hello(
        network="n" * NETWORK_MAX,
        agent="a" * AGENT_MAX,
        record=bytes(RECORD_BYTES_MAX),
        capabilities=("c" * CAPABILITY_MAX,) * CAPABILITIES_MAX,
    ),
    Goodbye("c" * CODE_MAX, "r" * REASON_MAX),
    Ping(2**64 - 1),
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


def test_every_kind_has_its_number_and_an_example() -> None:
    kinds = [message.KIND for message in get_args(Message)]
    assert kinds == list(range(len(kinds))) == [message.KIND for message in examples()]


@given(MESSAGE)
def test_every_message_there_and_back(message: Message) -> None:
    raw = encode_message(message)
    assert decode_frame(raw) == [message]
    assert decode_message(cbor.decode(raw)) == message


@given(st.lists(MESSAGE, min_size=1, max_size=10))
def test_a_frame_is_its_messages_joined(messages: list[Message]) -> None:
    assert decode_frame(b"".join(map(encode_message, messages))) == messages


@pytest.mark.parametrize("message", AT_THE_LIMIT, ids=lambda m: type(m).__name__)
def test_at_the_limit(message: Message) -> None:
    raw = encode_message(message)
    assert len(raw) <= FRAME_BYTES_MAX
    assert decode_frame(raw) == [message]


@pytest.mark.parametrize(("message", "what"), BEYOND, ids=[f"{w}" for _, w in BEYOND])
def test_beyond_the_limit(message: Message, what: str) -> None:
    raw = cbor.encode([message.KIND, *message.fields()])
    with pytest.raises(Malformed, match=what):
        decode_frame(raw)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
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
        (bytes([0x82, 0x17, 0]), "unknown-message"),
        (bytes([0x81] * 6 + [0]), "cbor-too-deep"),
        (bytes([0xF9, 0, 0]), "cbor-forbidden-type"),
    ],
)
def test_bad_frames_are_refused_with_the_reason(frame: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        decode_frame(frame)
    assert refused.value.code == code


def malformed_at_worst(frame: bytes) -> None:
    """Decoding gives messages that encode to the same bytes, or Malformed; nothing else."""
    try:
        messages = decode_frame(frame)
    except Malformed:
        return
    assert b"".join(map(encode_message, messages)) == frame


@given(st.binary(max_size=300))
@example(b"\x82\x06\x40")
def test_random_bytes(frame: bytes) -> None:
    malformed_at_worst(frame)


@given(
    st.lists(MESSAGE, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4),
    st.integers(0, 2**16),
)
def test_mutated_frames(messages: list[Message], changes: list[tuple[int, int]], cut: int) -> None:
    frame = bytearray(b"".join(map(encode_message, messages)))
    for position, value in changes:
        frame[position % len(frame)] = value
    malformed_at_worst(bytes(frame))
    malformed_at_worst(bytes(frame[: cut % (len(frame) + 1)]))


@given(MESSAGE, st.data())
def test_fields_swapped_for_other_values(message: Message, data: st.DataObject) -> None:
    fields = [message.KIND, *message.fields()]
    other = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**64), 2**64 - 1),
        st.binary(max_size=40),
        st.text(max_size=5),
        st.lists(st.integers(0, 3), max_size=3),
        st.just({}),
    )
    fields[data.draw(st.integers(0, len(fields) - 1))] = data.draw(other)
    malformed_at_worst(cbor.encode(fields))


def test_a_goodbye_can_always_be_said() -> None:
    message = Goodbye("c" * 1000, "r" * 1000)
    (said,) = decode_frame(encode_message(message))
    assert said == Goodbye("c" * CODE_MAX, "r" * REASON_MAX)
    (said,) = decode_frame(encode_message(Goodbye("bad-text", "it said 'a\x1b[2J\n'")))
    assert said == Goodbye("bad-text", "it said 'a\\x1b[2J\\n'")


def test_the_largest_block_of_any_genesis_fits_a_frame() -> None:
    _, block_bytes_max = PARAMETER_RANGES["block_bytes_max"]
    assert block_bytes_max < BLOCK_WIRE_BYTES_MAX
    assert len(encode_message(Blocks(1, (bytes(block_bytes_max),)))) < FRAME_BYTES_MAX


def test_messages_are_values() -> None:
    assert replace(Ping(1), nonce=2) == Ping(2)
    assert len({*examples(), *examples()}) == len(examples())
