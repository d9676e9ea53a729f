"""Messages and frames: there and back, at the limits and beyond, and whatever a stranger sends."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chain.parameters import PARAMETER_RANGES
from chain.primitives import cbor
from chain.primitives.errors import Malformed
from p2p.wire.codec import (
    FRAME_BYTES_MAX,
    decode_frame,
    decode_message,
    encode_message,
)
from p2p.wire.messages import (
    BLOCK_WIRE_BYTES_MAX,
    CODE_MAX,
    REASON_MAX,
    Blocks,
    Goodbye,
    Message,
    Ping,
)
from tests.p2p.wire.extremes import BEYOND, MAXIMAL, REJECTED
from tests.p2p.wire.messages import MESSAGE, example_hello, examples


def test_every_kind_has_its_number_and_an_example() -> None:
    kinds = [message.KIND for message in get_args(Message)]
    assert kinds == sorted(set(kinds)) == [message.KIND for message in examples()]


@given(MESSAGE)
def test_every_message_there_and_back(message: Message) -> None:
    raw = encode_message(message)
    assert decode_frame(raw) == [message]
    assert decode_message(cbor.decode(raw)) == message


@given(st.lists(MESSAGE, min_size=1, max_size=10))
def test_a_frame_is_its_messages_joined(messages: list[Message]) -> None:
    assert decode_frame(b"".join(map(encode_message, messages))) == messages


@pytest.mark.parametrize("message", MAXIMAL, ids=lambda m: type(m).__name__)
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
    REJECTED,
    ids=[f"{place}-{code}" for place, (_, code) in enumerate(REJECTED)],
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


def test_text_that_a_newer_python_prints_is_no_offence() -> None:
    agent = "cornerstone/\U00016ea0"  # of Unicode 17: no letter yet to Python 3.11
    message = example_hello(agent=agent)
    assert decode_frame(encode_message(message)) == [message]


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
