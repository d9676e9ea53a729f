"""Messages to bytes and back, one or many: a frame is a CBOR sequence of messages (RFC 8742).

Whatever waits for a peer leaves in one frame. *Why:* a websocket message costs about 60
microseconds whatever it holds.
"""

from typing import Protocol, cast

from chain.primitives import cbor, shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Malformed
from p2p.wire.messages import (
    BLOCK_WIRE_BYTES_MAX,
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Blocks,
    BlockTransactions,
    Certificates,
    CompactBlock,
    Differ,
    Eager,
    Final,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetFinal,
    GetHeaders,
    GetPeers,
    GetShort,
    GetTransactions,
    Goodbye,
    Headers,
    Hello,
    Message,
    Peers,
    Ping,
    Pong,
    PreferBlocks,
    Reconcile,
    ShortKey,
    Transactions,
    Votes,
)

# The largest block in a reply of its own, and the messages that share its frame.
FRAME_BYTES_MAX = BLOCK_WIRE_BYTES_MAX + 1024 * 1024
FRAME_MESSAGES_MAX = 4_096  # decoding so many takes some 20 ms: a frame never stops the loop
# 2,000 headers with their seals are 6,003 items; nothing else has more.
FRAME_LIMITS = Limits(size=FRAME_BYTES_MAX, depth=3, items=2 * FRAME_MESSAGES_MAX)

_MESSAGES: dict[int, type[Message]] = {
    message.KIND: message
    for message in (
        Hello,
        Goodbye,
        Ping,
        Pong,
        GetPeers,
        Peers,
        AnnounceTransactions,
        GetTransactions,
        Transactions,
        AnnounceBlock,
        GetBlocks,
        Blocks,
        GetHeaders,
        Headers,
        Eager,
        ShortKey,
        AnnounceShort,
        GetShort,
        Reconcile,
        Differ,
        CompactBlock,
        GetCompactBlock,
        GetBlockTransactions,
        BlockTransactions,
        PreferBlocks,
        Votes,
        Certificates,
        GetFinal,
        Final,
    )
}
_KNOWN = ", ".join(map(str, sorted(_MESSAGES)))


class _Decodable(Protocol):
    def from_fields(self, fields: list[Value], /) -> Message: ...


def encode_message(message: Message) -> bytes:
    """The bytes of one message."""
    return cbor.encode([message.KIND, *message.fields()])


def decode_message(value: Value) -> Message:
    """The message of a decoded array. Raises Malformed; an unknown kind is one."""
    fields = shape.items(value, 64, "message")
    if not fields:
        raise Malformed("shape", "message: expected [kind, field, ...], got an empty array")
    kind = shape.uint(fields[0], what="message kind")
    message = _MESSAGES.get(kind)
    if message is None:
        raise Malformed("unknown-message", f"kind {kind}; known are {_KNOWN}")
    return cast(_Decodable, message).from_fields(fields[1:])


def decode_frame(data: bytes) -> list[Message]:
    """The messages of a frame, in order. Raises Malformed."""
    values = cbor.decode_sequence(data, FRAME_LIMITS)
    if not 0 < len(values) <= FRAME_MESSAGES_MAX:
        raise Malformed(
            "frame-messages", f"{len(values)} messages, a frame carries 1 to {FRAME_MESSAGES_MAX}"
        )
    return [decode_message(value) for value in values]
