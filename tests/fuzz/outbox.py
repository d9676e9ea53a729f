"""An outbox under any sequence of messages and frames: what goes in comes out, or is counted."""

from p2p.net.outbox import LANE_MESSAGES_MAX, LANES, Outbox, Overflow, Waiting
from p2p.wire.messages import Lane

PLAYS = (
    bytes([0, 1, 1, 9, 2, 40, 3, 7, 4, 2, 255, 0, 3, 200]),
    bytes([2, 250, 2, 250, 2, 250, 255, 0] * 8),
)
SIZES = (0, 1, 100, 1_000, 20_000, 70_000, 300_000, 1_100_000)
STEP_S = 0.1
LANES_BY_NUMBER = list(Lane)


def play(data: bytes) -> bool:
    """Pairs of bytes are orders: 255 takes a frame, anything else puts a message in a lane.

    Each message carries its number; what was put has come out, or is counted as dropped.
    """
    waiting = Waiting()
    outbox, put, out = Outbox(waiting), dict.fromkeys(Lane, 0), dict.fromkeys(Lane, 0)
    for place in range(0, len(data) - 1, 2):
        order, size = data[place], SIZES[data[place + 1] % len(SIZES)]
        if order == 255:
            collect(outbox.take(), out)
            continue
        lane = LANES_BY_NUMBER[order % len(Lane)]
        message = bytes([lane]) + place.to_bytes(4, "big") + size.to_bytes(4, "big") + bytes(size)
        try:
            outbox.put(message, lane, place * STEP_S)
        except Overflow:
            return False
        put[lane] += 1
        assert outbox.bytes <= bound(), "the lanes are bounded"
        assert len(outbox) <= len(Lane) * LANE_MESSAGES_MAX
    while frame := outbox.take():
        collect(frame, out)
    assert outbox.bytes == len(outbox) == waiting.bytes == 0
    for lane in Lane:
        assert put[lane] == out[lane] + outbox.dropped[lane], lane
    return True


def collect(frame: bytes, out: dict[Lane, int]) -> None:
    """Take a frame apart again and count its messages by lane."""
    while frame:
        size = int.from_bytes(frame[5:9], "big")
        out[Lane(frame[0])] += 1
        frame = frame[9 + size :]


def bound() -> int:
    """The most bytes that wait: every lane full, or holding one message of any size."""
    return sum(max(rules.bytes_max, max(SIZES) + 9) for rules in LANES.values())
