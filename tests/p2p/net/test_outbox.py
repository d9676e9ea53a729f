"""The outbox: single rules, then a naive model beside it under random traffic."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.net.outbox import (
    FRAME_TARGET_BYTES,
    HIGH_WATER_BYTES,
    LANE_MESSAGES_MAX,
    LANES,
    SLOW_S,
    Full,
    Outbox,
    Overflow,
)
from p2p.wire.codec import FRAME_MESSAGES_MAX
from p2p.wire.messages import Lane

LOSSLESS = [lane for lane, rules in LANES.items() if rules.full is Full.END]


def filled(lane: Lane, count: int, size: int) -> Outbox:
    outbox = Outbox()
    for _ in range(count):
        assert outbox.put(bytes([lane]) * size, lane, 0)
    return outbox


def test_whatever_waits_goes_out_in_one_frame_control_first() -> None:
    outbox = Outbox()
    for lane in (Lane.BULK, Lane.TRANSACTION, Lane.REPLY, Lane.BLOCK, Lane.CONTROL):
        outbox.put(lane.name.encode(), lane, 0)
    assert outbox.take() == b"CONTROLBLOCKREPLYTRANSACTIONBULK"
    assert outbox.take() == b""
    assert len(outbox) == outbox.bytes == 0


def test_a_lane_keeps_its_order() -> None:
    outbox = Outbox()
    for number in range(100):
        outbox.put(b"%03d" % number, Lane.REPLY, 0)
    assert outbox.take() == b"".join(b"%03d" % number for number in range(100))


def test_a_frame_stays_near_its_target_but_holds_one_message_of_any_size() -> None:
    outbox = Outbox()
    huge = bytes(9_000_000)
    outbox.put(huge, Lane.REPLY, 0)
    outbox.put(bytes(200_000), Lane.TRANSACTION, 0)
    outbox.put(bytes(100_000), Lane.TRANSACTION, 0)
    sizes = []
    while frame := outbox.take():
        sizes.append(len(frame))
    assert sum(sizes) == 9_300_000
    assert sorted(sizes)[-1] == len(huge)
    assert all(size <= FRAME_TARGET_BYTES for size in sorted(sizes)[:-1])


def test_a_frame_never_has_more_messages_than_a_peer_reads() -> None:
    outbox = Outbox()
    for lane in Lane:
        for _ in range(LANE_MESSAGES_MAX):
            outbox.put(bytes([lane]), lane, 0)
    frames = []
    while frame := outbox.take():
        frames.append(frame)
    assert max(map(len, frames)) <= FRAME_MESSAGES_MAX
    assert sum(map(len, frames)) == len(Lane) * LANE_MESSAGES_MAX


def test_a_download_holds_up_neither_a_block_nor_control() -> None:
    outbox = filled(Lane.REPLY, 60, 200_000)
    outbox.put(b"B" * 600, Lane.BLOCK, 0)
    outbox.put(b"C" * 10, Lane.CONTROL, 0)
    frame = outbox.take()
    assert b"B" * 600 in frame
    assert b"C" * 10 in frame


def test_no_lane_starves_another() -> None:
    outbox = Outbox()
    busy = (Lane.BLOCK, Lane.REPLY, Lane.TRANSACTION, Lane.BULK)
    message = {lane: bytes([lane]) * 10_000 for lane in busy}
    sent = dict.fromkeys(busy, 0)
    for lane in busy:
        for _ in range(30):
            outbox.put(message[lane], lane, 0)
    for _ in range(300):
        frame = outbox.take()
        for lane in busy:
            count = frame.count(message[lane])
            sent[lane] += count
            for _ in range(count):
                outbox.put(message[lane], lane, 0)
    shares = [sent[lane] / LANES[lane].weight for lane in busy]
    assert max(shares) / min(shares) < 1.05, "bytes follow the weights"


@pytest.mark.parametrize("lane", LOSSLESS)
def test_a_lossless_lane_ends_the_connection_instead_of_losing_anything(lane: Lane) -> None:
    outbox = filled(lane, LANES[lane].bytes_max // 1000, 1000)
    with pytest.raises(Overflow, match=f"lane {lane.name}"):
        outbox.put(bytes(1000), lane, 0)
    outbox = filled(lane, LANE_MESSAGES_MAX, 1)
    with pytest.raises(Overflow, match=f"{LANE_MESSAGES_MAX} messages"):
        outbox.put(b"x", lane, 0)


@pytest.mark.parametrize("lane", [Lane.VOTE, Lane.BULK])
def test_a_lossy_lane_forgets_its_oldest_and_counts_it(lane: Lane) -> None:
    outbox = Outbox()
    size = LANES[lane].bytes_max // 4
    for number in range(6):
        assert outbox.put(bytes([number]) * size, lane, 0)
    assert outbox.dropped[lane] == 2
    assert outbox.bytes == 4 * size
    frames = b""
    while frame := outbox.take():
        frames += frame
    assert frames == b"".join(bytes([number]) * size for number in range(2, 6))


@pytest.mark.parametrize("lane", [Lane.REPLY, Lane.TRANSACTION])
def test_a_full_lane_of_what_was_asked_for_refuses_the_newest(lane: Lane) -> None:
    outbox = filled(lane, 2, LANES[lane].bytes_max // 2)
    assert not outbox.put(b"one more", lane, 0)
    assert outbox.dropped[lane] == 1
    assert b"one more" not in outbox.take()


def test_there_is_room_up_to_half_of_a_lane() -> None:
    outbox = Outbox()
    half = LANES[Lane.TRANSACTION].bytes_max // 2
    assert outbox.room(Lane.TRANSACTION) == half
    outbox.put(bytes(1000), Lane.TRANSACTION, 0)
    assert outbox.room(Lane.TRANSACTION) == half - 1000
    outbox.put(bytes(half), Lane.TRANSACTION, 0)
    assert outbox.room(Lane.TRANSACTION) == 0
    many = filled(Lane.TRANSACTION, LANE_MESSAGES_MAX // 2, 1)
    assert many.room(Lane.TRANSACTION) == 0


def test_a_peer_that_stays_above_high_water_is_too_slow() -> None:
    outbox = filled(Lane.REPLY, HIGH_WATER_BYTES // 100_000 + 1, 100_000)
    assert outbox.put(b"x", Lane.CONTROL, SLOW_S)
    with pytest.raises(Overflow, match="for over 15 s"):
        outbox.put(b"x", Lane.CONTROL, SLOW_S + 0.1)


def test_a_peer_that_comes_below_high_water_is_not() -> None:
    outbox = filled(Lane.REPLY, HIGH_WATER_BYTES // 100_000 + 1, 100_000)
    outbox.take()
    assert outbox.bytes < HIGH_WATER_BYTES
    for _ in range(3):
        outbox.put(bytes(100_000), Lane.REPLY, SLOW_S + 1)
    assert outbox.bytes > HIGH_WATER_BYTES
    assert outbox.put(b"x", Lane.CONTROL, 2 * SLOW_S)


@given(seed=st.integers(0, 2**32), size=st.sampled_from([10, 1000, 100_000]))
def test_beside_a_naive_model(seed: int, size: int) -> None:
    """What goes in comes out once, in the order of its lane, unless it was counted as dropped."""
    rng = random.Random(seed)
    outbox = Outbox()
    model: dict[Lane, list[bytes]] = {lane: [] for lane in Lane}
    for step in range(200):
        lane = rng.choice(list(Lane))
        message = bytes([lane]) + step.to_bytes(2, "big") + bytes(rng.randrange(size))
        before = outbox.dropped[lane]
        try:
            taken = outbox.put(message, lane, 0)
        except Overflow:
            return
        dropped = outbox.dropped[lane] - before
        if taken:
            del model[lane][:dropped]
            model[lane].append(message)
        else:
            assert dropped == 1
        if rng.random() < 0.1:
            check_frame(outbox.take(), model)
        assert outbox.bytes == sum(len(m) for queue in model.values() for m in queue)
    while frame := outbox.take():
        check_frame(frame, model)
    assert not any(model.values())


def check_frame(frame: bytes, model: dict[Lane, list[bytes]]) -> None:
    """Take a frame apart by what the model expects next in each lane."""
    while frame:
        queue = model[Lane(frame[0])]
        assert frame.startswith(queue[0])
        frame = frame[len(queue.pop(0)) :]
