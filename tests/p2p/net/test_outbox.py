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
    SHARE_BYTES,
    SLOW_S,
    WAITING_BYTES_MAX,
    Full,
    Outbox,
    Overflow,
    Waiting,
)
from p2p.wire.codec import FRAME_MESSAGES_MAX
from p2p.wire.messages import Lane

LOSSLESS = [lane for lane, rules in LANES.items() if rules.full is Full.END]


def filled(lane: Lane, count: int, size: int) -> Outbox:
    outbox = Outbox(Waiting())
    for _ in range(count):
        assert outbox.put(bytes([lane]) * size, lane, 0)
    return outbox


def test_whatever_waits_goes_out_in_one_frame_control_first() -> None:
    outbox = Outbox(Waiting())
    for lane in (Lane.BULK, Lane.TRANSACTION, Lane.REPLY, Lane.BLOCK, Lane.CONTROL):
        outbox.put(lane.name.encode(), lane, 0)
    assert outbox.take() == b"CONTROLBLOCKREPLYTRANSACTIONBULK"
    assert outbox.take() == b""
    assert len(outbox) == outbox.bytes == 0


def test_a_lane_keeps_its_order() -> None:
    outbox = Outbox(Waiting())
    for number in range(100):
        outbox.put(b"%03d" % number, Lane.REPLY, 0)
    assert outbox.take() == b"".join(b"%03d" % number for number in range(100))


def test_a_frame_stays_near_its_target_but_holds_one_message_of_any_size() -> None:
    outbox = Outbox(Waiting())
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
    outbox = Outbox(Waiting())
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
    outbox = Outbox(Waiting())
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
    outbox = Outbox(Waiting())
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
    outbox = Outbox(Waiting())
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
    waiting = Waiting()
    outbox = Outbox(waiting)
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
            check_frame(frame := outbox.take(), model)
            assert waiting.bytes == outbox.bytes + len(frame), "a frame waits while it is written"
        assert outbox.bytes == sum(len(m) for queue in model.values() for m in queue)
    while frame := outbox.take():
        check_frame(frame, model)
    assert not any(model.values())
    assert not waiting.bytes


def crowd(waiting: Waiting, count: int) -> list[Outbox]:
    """Peers that ask for all they can get and read nothing."""
    hoarders = [Outbox(waiting) for _ in range(count)]
    for hoarder in hoarders:
        for lane in (Lane.REPLY, Lane.TRANSACTION, Lane.BULK, Lane.VOTE):
            while hoarder.put(bytes(50_000), lane, 0) and not hoarder.dropped[lane]:
                pass
    return hoarders


def test_peers_that_do_not_read_hold_a_bounded_sum_together() -> None:
    waiting = Waiting()
    hoarders = crowd(waiting, 128)
    assert waiting.bytes == sum(hoarder.bytes for hoarder in hoarders)
    small = LANES[Lane.VOTE].bytes_max + LANES[Lane.BULK].bytes_max
    assert WAITING_BYTES_MAX < waiting.bytes <= WAITING_BYTES_MAX + 128 * (SHARE_BYTES + small)


def test_who_reads_loses_nothing_by_those_who_do_not() -> None:
    waiting = Waiting()
    crowd(waiting, 128)
    reader, size = Outbox(waiting), SHARE_BYTES // 8
    for _ in range(100):
        for lane in Lane:
            assert reader.room(lane) >= min(SHARE_BYTES, LANES[lane].bytes_max) // 2
            assert reader.put(bytes(min(size, LANES[lane].bytes_max)), lane, 0)
        while reader.take():
            pass
    assert not any(reader.dropped.values())


def test_who_has_read_everything_is_sent_whole_blocks_whatever_waits_for_others() -> None:
    waiting = Waiting()
    crowd(waiting, 128)
    reader, block = Outbox(waiting), bytes(4 * SHARE_BYTES)
    for _ in range(10):
        assert reader.put(block, Lane.REPLY, 0)
        assert not reader.put(block, Lane.REPLY, 0), "while one is on its way"
        while reader.take():
            pass


def test_in_a_crowd_votes_still_take_the_place_of_older_ones() -> None:
    waiting = Waiting()
    hoarder, *_ = crowd(waiting, 128)
    assert hoarder.put(b"newest", Lane.VOTE, 0)
    frames = []
    while frame := hoarder.take():
        frames.append(frame)
    assert any(b"newest" in frame for frame in frames)


def test_a_crowd_cannot_stay() -> None:
    waiting = Waiting()
    hoarder, *_ = crowd(waiting, 128)
    hoarder.put(b"pong", Lane.CONTROL, 0)
    with pytest.raises(Overflow, match=str(SHARE_BYTES)):
        hoarder.put(b"pong", Lane.CONTROL, SLOW_S + 1)


def test_what_ends_gives_back_what_waited_for_it() -> None:
    waiting = Waiting()
    hoarders = crowd(waiting, 16)
    for hoarder in hoarders[1:]:
        hoarder.take()
        hoarder.close()
    assert waiting.bytes == hoarders[0].bytes
    hoarders[0].close()
    assert not waiting.bytes


def check_frame(frame: bytes, model: dict[Lane, list[bytes]]) -> None:
    """Take a frame apart by what the model expects next in each lane."""
    while frame:
        queue = model[Lane(frame[0])]
        assert frame.startswith(queue[0])
        frame = frame[len(queue.pop(0)) :]
