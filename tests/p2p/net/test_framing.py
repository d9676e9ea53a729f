"""Frames are counted right however the bytes are cut, and as the library itself writes them."""

from hypothesis import given
from hypothesis import strategies as st
from wsproto.frame_protocol import FrameProtocol, Opcode

from p2p.net.framing import FrameMeter

MANY = 1_000_000
HELLO = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(opcode: Opcode, payload: bytes, *, final: bool, client: bool) -> bytes:
    """As wsproto writes it."""
    return bytes(FrameProtocol(client, [])._serialize_frame(opcode, payload, final))


CONTROL = st.tuples(
    st.sampled_from([Opcode.PING, Opcode.PONG]), st.sampled_from([b"", bytes(125)]), st.just(True)
)
CONTENT = st.tuples(
    st.sampled_from([Opcode.BINARY, Opcode.TEXT, Opcode.CONTINUATION]),
    st.sampled_from([b"", b"x", bytes(125), bytes(126), bytes(70_000)]),
    st.booleans(),
)


@given(st.lists(CONTROL | CONTENT, max_size=12), st.booleans(), st.data())
def test_each_frame_is_counted_once_however_it_is_cut(
    frames: list[tuple[Opcode, bytes, bool]], client: bool, data: st.DataObject
) -> None:
    stream = HELLO + b"".join(
        frame(opcode, payload, final=final, client=client) for opcode, payload, final in frames
    )
    whole = sum(opcode is Opcode.BINARY and final for opcode, _, final in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    meter, counted = FrameMeter(), 0
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        counted += meter.feed(stream[start:end], MANY)
    assert counted == len(frames) - whole


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_any_bytes_are_survived(chunks: list[bytes]) -> None:
    meter = FrameMeter()
    for chunk in chunks:
        assert meter.feed(chunk, MANY) <= len(chunk)


def test_a_flood_is_not_read_to_its_end() -> None:
    meter = FrameMeter()
    meter.feed(HELLO, MANY)
    assert meter.feed(frame(Opcode.PING, b"", final=True, client=True) * 10_000, 64) == 65
