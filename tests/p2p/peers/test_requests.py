"""The request tracker against its laws, and against a naive model on random conversations."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.peers.requests import (
    ASKED_MAX,
    BATCH_MAX,
    PROMISES_MAX,
    TIMEOUT_S,
    Ask,
    Failure,
    RequestTracker,
)

ANN, BOB, CAT = (PeerId(bytes([i]) * 32) for i in (1, 2, 3))


def item(number: int) -> Hash:
    return Hash(number.to_bytes(32, "big"))


def tracker_of(*peers: PeerId) -> RequestTracker:
    """Ann is one we dialled."""
    tracker = RequestTracker(random.Random(1))
    for peer in peers:
        tracker.connected(peer, outbound=peer == ANN)
    return tracker


def look(tracker: RequestTracker, now_s: float) -> list[Ask]:
    """What is asked once what has run out was given up."""
    tracker.expire(now_s)
    return tracker.due(now_s)


def test_of_the_announcers_one_we_dialled_is_asked_and_only_it() -> None:
    tracker = tracker_of(ANN, BOB)
    assert tracker.announced(BOB, [item(1)], 0) == 0
    assert tracker.announced(ANN, [item(1)], 0) == 0
    assert look(tracker, 0) == [Ask(ANN, 1, (item(1),))]
    assert look(tracker, 0.1) == []


def test_nobody_is_asked_before_an_ids_time_has_come_and_then_any_of_its_announcers() -> None:
    tracker = tracker_of(BOB, CAT)
    tracker.announced(BOB, [item(1), item(2)], 0.5)
    tracker.announced(CAT, [item(1)], 0.1)
    assert tracker.next_ripe_s() == 0.5
    assert look(tracker, 0.4) == []
    tracker.arrived(CAT, item(2), 0.4)
    tracker.settled(item(2))
    (ask,) = look(tracker, 0.5)
    assert ask.ids == (item(1),)
    assert tracker.next_ripe_s() is None


def test_chance_decides_between_equals() -> None:
    tracker = tracker_of(BOB, CAT)
    for i in range(40):
        tracker.announced(BOB, [item(i)], 0)
        tracker.announced(CAT, [item(i)], 0)
    asked = {ask.peer: len(ask.ids) for ask in look(tracker, 0)}
    assert min(asked[BOB], asked[CAT]) > 5


def test_what_is_put_off_is_asked_for_later_of_any_who_have_it() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(BOB, [item(1)], 1.0)
    tracker.arrived(ANN, item(1), 0)
    tracker.put_off(ANN, item(1), 1.0)
    assert look(tracker, 0.5) == []
    assert look(tracker, 1.0) == [Ask(ANN, 1, (item(1),))]
    tracker.finished(ANN, 1)
    assert look(tracker, 1.0) == [Ask(BOB, 2, (item(1),))]


def test_who_kept_silent_is_told_once_a_request() -> None:
    tracker = tracker_of(ANN)
    tracker.announced(ANN, [item(1), item(2)], 0)
    look(tracker, 0)
    assert tracker.expire(TIMEOUT_S - 0.1) == []
    assert tracker.expire(TIMEOUT_S) == [Failure(ANN, 2)]
    assert tracker.expire(TIMEOUT_S) == []


def test_many_ids_go_in_few_requests() -> None:
    tracker = tracker_of(ANN)
    for i in range(BATCH_MAX + 10):
        tracker.announced(ANN, [item(i)], 0)
    assert [len(ask.ids) for ask in look(tracker, 0)] == [BATCH_MAX, 10]


def test_a_timeout_moves_on_and_never_asks_the_same_pair_twice() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, [item(1)], 0)
    tracker.announced(BOB, [item(1)], 0)
    look(tracker, 0)
    assert tracker.next_timeout_s() == TIMEOUT_S
    assert look(tracker, TIMEOUT_S) == [Ask(BOB, 2, (item(1),))]
    assert tracker.announced(ANN, [item(1)], 0) == 1
    assert look(tracker, 2 * TIMEOUT_S) == []
    assert len(tracker) == 0
    assert tracker.announced(ANN, [item(1)], 0) == 1
    assert tracker.announced(BOB, [item(1)], 0) == 1


def test_who_is_forgiven_may_be_asked_again() -> None:
    tracker = tracker_of(ANN, BOB)
    for peer in (ANN, BOB):
        tracker.announced(peer, [item(1)], 0)
    assert look(tracker, 0) == [Ask(ANN, 1, (item(1),))]
    assert look(tracker, TIMEOUT_S) == [Ask(BOB, 2, (item(1),))]
    look(tracker, 2 * TIMEOUT_S)
    tracker.forgive(ANN)
    assert tracker.announced(BOB, [item(1)], 0) == 1
    assert tracker.announced(ANN, [item(1)], 0) == 0
    assert look(tracker, 2 * TIMEOUT_S) == [Ask(ANN, 3, (item(1),))]


def test_parts_of_an_answer_give_the_rest_no_more_time() -> None:
    tracker = tracker_of(ANN, BOB)
    for peer in (ANN, BOB):
        tracker.announced(peer, [item(i) for i in range(10)], 0)
    look(tracker, 0)
    for i in range(9):
        assert tracker.arrived(ANN, item(i), i * TIMEOUT_S / 10)
        assert tracker.next_timeout_s() == TIMEOUT_S
    assert look(tracker, TIMEOUT_S) == [Ask(BOB, 2, (item(9),))]


def test_a_short_answer_moves_the_rest_on_at_once() -> None:
    tracker = tracker_of(ANN, BOB)
    for i in (1, 2):
        tracker.announced(ANN, [item(i)], 0)
        tracker.announced(BOB, [item(i)], 0)
    look(tracker, 0)
    tracker.arrived(ANN, item(1), 0.1)
    tracker.settled(item(1))
    tracker.finished(BOB, 1)
    assert look(tracker, 0.1) == []
    tracker.finished(ANN, 1)
    assert look(tracker, 0.1) == [Ask(BOB, 2, (item(2),))]


def test_nobody_is_asked_while_bytes_are_being_checked_and_the_next_if_they_were_wrong() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, [item(1)], 0)
    look(tracker, 0)
    tracker.arrived(ANN, item(1), 0.1)
    tracker.announced(BOB, [item(1)], 0)
    assert look(tracker, TIMEOUT_S + 1) == []
    tracker.rejected(item(1))
    assert look(tracker, TIMEOUT_S + 1) == [Ask(BOB, 2, (item(1),))]


def test_disconnecting_hands_requests_and_turns_to_others() -> None:
    tracker = tracker_of(ANN, BOB)
    for i in (1, 2):
        tracker.announced(ANN, [item(i)], 0)
    look(tracker, 0)
    tracker.announced(ANN, [item(3)], 0)
    for i in (1, 2, 3):
        tracker.announced(BOB, [item(i)], 0)
    tracker.disconnected(ANN)
    (ask,) = look(tracker, 0.1)
    assert ask.peer == BOB
    assert sorted(ask.ids) == [item(1), item(2), item(3)]


def test_slow_peers_come_last() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, [item(1)], 0)
    look(tracker, 0)
    look(tracker, TIMEOUT_S)
    tracker.announced(ANN, [item(2)], 0)
    tracker.announced(BOB, [item(2)], 0)
    tracker.announced(ANN, [item(3)], 0)
    asks = look(tracker, TIMEOUT_S)
    assert {(ask.peer, ask.ids) for ask in asks} == {(BOB, (item(2),)), (ANN, (item(3),))}


class Counting(dict[bytes, Any]):
    """Counts how often it is asked."""

    asked = 0

    def get(self, key: bytes, default: Any = None) -> Any:
        self.asked += 1
        return super().get(key, default)


def test_what_a_silent_peer_has_in_turn_costs_nothing_each_time_we_look() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, [item(i) for i in range(PROMISES_MAX)], 0)
    look(tracker, 0)
    look(tracker, TIMEOUT_S)
    assert len(tracker) == PROMISES_MAX - ASKED_MAX
    tracker._wanted = counted = Counting(tracker._wanted)
    for i in range(100):
        assert look(tracker, TIMEOUT_S + i / 100) == []
    assert counted.asked == 0


def test_what_waits_for_a_slow_peer_is_asked_of_a_quick_one_as_soon_as_that_has_it() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, [item(i) for i in range(PROMISES_MAX)], 0)
    tracker.announced(BOB, [item(PROMISES_MAX - 1)], 0)
    look(tracker, 0)
    (late, *_) = asks = look(tracker, TIMEOUT_S)
    assert {ask.peer for ask in asks} == {ANN, BOB}, "handed over when it became slow"
    assert [ask.ids for ask in asks if ask.peer == BOB] == [(item(PROMISES_MAX - 1),)]
    last = item(PROMISES_MAX - 2)
    tracker.announced(BOB, [last], TIMEOUT_S)
    assert look(tracker, TIMEOUT_S) == [Ask(BOB, late.request + len(asks), (last,))]


def test_the_timeout_follows_the_lag() -> None:
    tracker = tracker_of(ANN)
    now = 0.0
    for i in range(40):
        tracker.announced(ANN, [item(i)], 0)
        look(tracker, now)
        now += 1.5
        look(tracker, now)
        assert tracker.arrived(ANN, item(i), now)
        tracker.settled(item(i))
    tracker.announced(ANN, [item(99)], 0)
    look(tracker, now)
    deadline = tracker.next_timeout_s()
    assert deadline is not None
    assert 4 < deadline - now < 5
    assert not look(tracker, now + 50)
    assert tracker.arrived(ANN, item(99), now + 51), "late, but asked for"


def test_bounds_on_promises_and_outstanding_ids() -> None:
    tracker = tracker_of(ANN)
    assert tracker.announced(ANN, [item(i) for i in range(PROMISES_MAX + 5)], 0) == 5
    assert sum(len(ask.ids) for ask in look(tracker, 0)) == ASKED_MAX
    assert look(tracker, 0) == []
    tracker.settled(item(0))
    assert sum(len(ask.ids) for ask in look(tracker, 0)) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_random_conversations_keep_the_laws(seed: int) -> None:
    rng = random.Random(seed)
    peers = [ANN, BOB, CAT]
    tracker = tracker_of(*peers)
    alive = dict.fromkeys(peers, 0)
    asked: set[tuple[PeerId, int, bytes]] = set()
    settled: set[Hash] = set()
    now = 0.0
    for _ in range(120):
        peer, thing = rng.choice(peers), item(rng.randrange(12))
        match rng.randrange(6):
            case 0 | 1:
                if thing not in settled:
                    tracker.announced(peer, [thing], now + rng.choice([0, 0.15]))
            case 2:
                tracker.settled(thing)
                settled.add(thing)
            case 3:
                tracker.arrived(peer, thing, now)
                tracker.rejected(thing)
            case 4:
                tracker.disconnected(peer)
                tracker.connected(peer, outbound=rng.random() < 0.5)
                alive[peer] += 1
            case 5:
                now += rng.choice([0.1, TIMEOUT_S])
        for ask in look(tracker, now):
            for wanted in ask.ids:
                assert wanted not in settled
                assert (ask.peer, alive[ask.peer], wanted) not in asked
                asked.add((ask.peer, alive[ask.peer], wanted))
        deadlines = [request.deadline_s for request in tracker._requests.values()]
        assert tracker.next_timeout_s() == min(deadlines, default=None)
    for thing in list(map(item, range(12))):
        tracker.settled(thing)
    assert len(tracker) == 0
    assert look(tracker, now + 100) == []
    assert tracker.next_timeout_s() is None
