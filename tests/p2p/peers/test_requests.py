"""The request tracker against its laws, and against a naive model on random conversations."""

import random

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
    RequestTracker,
)

ANN, BOB, CAT = (PeerId(bytes([i]) * 32) for i in (1, 2, 3))


def item(number: int) -> Hash:
    return Hash(number.to_bytes(32, "big"))


def tracker_of(*peers: PeerId) -> RequestTracker:
    tracker = RequestTracker()
    for peer in peers:
        tracker.connected(peer)
    return tracker


def test_the_first_announcer_is_asked_and_only_it() -> None:
    tracker = tracker_of(ANN, BOB)
    assert tracker.announced(ANN, item(1))
    assert tracker.announced(BOB, item(1))
    assert tracker.due(0) == [Ask(ANN, 1, (item(1),))]
    assert tracker.due(0.1) == []


def test_many_ids_go_in_few_requests() -> None:
    tracker = tracker_of(ANN)
    for i in range(BATCH_MAX + 10):
        tracker.announced(ANN, item(i))
    assert [len(ask.ids) for ask in tracker.due(0)] == [BATCH_MAX, 10]


def test_a_timeout_moves_on_and_never_asks_the_same_pair_twice() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, item(1))
    tracker.announced(BOB, item(1))
    tracker.due(0)
    assert tracker.deadline_s() == TIMEOUT_S
    assert tracker.due(TIMEOUT_S) == [Ask(BOB, 2, (item(1),))]
    assert not tracker.announced(ANN, item(1))
    assert tracker.due(2 * TIMEOUT_S) == []
    assert len(tracker) == 0
    assert not tracker.announced(ANN, item(1))
    assert not tracker.announced(BOB, item(1))


def test_a_short_answer_moves_the_rest_on_at_once() -> None:
    tracker = tracker_of(ANN, BOB)
    for i in (1, 2):
        tracker.announced(ANN, item(i))
        tracker.announced(BOB, item(i))
    tracker.due(0)
    tracker.arrived(ANN, item(1), 0.1)
    tracker.settled(item(1))
    tracker.finished(BOB, 1)
    assert tracker.due(0.1) == []
    tracker.finished(ANN, 1)
    assert tracker.due(0.1) == [Ask(BOB, 2, (item(2),))]


def test_nobody_is_asked_while_bytes_are_being_checked_and_the_next_if_they_were_wrong() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, item(1))
    tracker.due(0)
    tracker.arrived(ANN, item(1), 0.1)
    tracker.announced(BOB, item(1))
    assert tracker.due(TIMEOUT_S + 1) == []
    tracker.rejected(item(1))
    assert tracker.due(TIMEOUT_S + 1) == [Ask(BOB, 2, (item(1),))]


def test_disconnecting_hands_requests_and_turns_to_others() -> None:
    tracker = tracker_of(ANN, BOB)
    for i in (1, 2):
        tracker.announced(ANN, item(i))
    tracker.due(0)
    tracker.announced(ANN, item(3))
    for i in (1, 2, 3):
        tracker.announced(BOB, item(i))
    tracker.disconnected(ANN)
    (ask,) = tracker.due(0.1)
    assert ask.peer == BOB
    assert sorted(ask.ids) == [item(1), item(2), item(3)]


def test_slow_peers_come_last() -> None:
    tracker = tracker_of(ANN, BOB)
    tracker.announced(ANN, item(1))
    tracker.due(0)
    tracker.due(TIMEOUT_S)
    tracker.announced(ANN, item(2))
    tracker.announced(BOB, item(2))
    tracker.announced(ANN, item(3))
    asks = tracker.due(TIMEOUT_S)
    assert {(ask.peer, ask.ids) for ask in asks} == {(BOB, (item(2),)), (ANN, (item(3),))}


def test_the_timeout_follows_the_lag() -> None:
    tracker = tracker_of(ANN)
    now = 0.0
    for i in range(40):
        tracker.announced(ANN, item(i))
        tracker.due(now)
        now += 1.5
        tracker.due(now)
        assert tracker.arrived(ANN, item(i), now)
        tracker.settled(item(i))
    tracker.announced(ANN, item(99))
    tracker.due(now)
    deadline = tracker.deadline_s()
    assert deadline is not None
    assert 4 < deadline - now < 5
    assert not tracker.due(now + 50)
    assert tracker.arrived(ANN, item(99), now + 51), "late, but asked for"


def test_bounds_on_promises_and_outstanding_ids() -> None:
    tracker = tracker_of(ANN)
    accepted = [tracker.announced(ANN, item(i)) for i in range(PROMISES_MAX + 5)]
    assert sum(accepted) == PROMISES_MAX
    assert sum(len(ask.ids) for ask in tracker.due(0)) == ASKED_MAX
    assert tracker.due(0) == []
    tracker.settled(item(0))
    assert sum(len(ask.ids) for ask in tracker.due(0)) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_random_conversations_keep_the_laws(seed: int) -> None:
    rng = random.Random(seed)
    peers = [ANN, BOB, CAT]
    tracker = tracker_of(*peers)
    alive = dict.fromkeys(peers, 0)
    asked: set[tuple[PeerId, int, Hash]] = set()
    settled: set[Hash] = set()
    now = 0.0
    for _ in range(120):
        peer, thing = rng.choice(peers), item(rng.randrange(12))
        match rng.randrange(6):
            case 0 | 1:
                if thing not in settled:
                    tracker.announced(peer, thing)
            case 2:
                tracker.settled(thing)
                settled.add(thing)
            case 3:
                tracker.arrived(peer, thing, now)
                tracker.rejected(thing)
            case 4:
                tracker.disconnected(peer)
                tracker.connected(peer)
                alive[peer] += 1
            case 5:
                now += rng.choice([0.1, TIMEOUT_S])
        for ask in tracker.due(now):
            for wanted in ask.ids:
                assert wanted not in settled
                assert (ask.peer, alive[ask.peer], wanted) not in asked
                asked.add((ask.peer, alive[ask.peer], wanted))
    for thing in list(map(item, range(12))):
        tracker.settled(thing)
    assert len(tracker) == 0
    assert tracker.due(now + 100) == []
    assert tracker.deadline_s() is None
