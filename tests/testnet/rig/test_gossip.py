"""Messages that vanish, wait, repeat or change places; hellos and goodbyes never do."""

from hypothesis import given
from hypothesis import strategies as st

from p2p.wire.messages import Blocks, GetBlocks, Goodbye, Message, Ping, Pong
from testnet.faults.gossip import DelayMessages, Drop, Duplicate, GossipKind, Reorder, Replay
from testnet.rig.behaviour import Behaviour
from testnet.rig.behaviours import behaviour_of
from testnet.rig.held import HELD_MAX
from tests.testnet.rig.fake_host import ANN, BOB, EVE, FakeHost

MESSAGES: list[Message] = [Ping(1), Blocks(1, ()), GetBlocks(2, ()), Pong(3)]


def begun(kind: GossipKind, host: FakeHost, *to: str) -> Behaviour:
    """A behaviour in force."""
    behaviour = behaviour_of(kind, to)
    behaviour.begin(host)
    return behaviour


def test_dropped_kinds_are_gone_and_others_are_not() -> None:
    drop = begun(Drop(messages=("blocks", "pong"), probability=1), FakeHost())
    assert drop.outgoing(ANN, list(MESSAGES)) == [Ping(1), GetBlocks(2, ())]
    assert drop.incoming(ANN, list(MESSAGES)) == MESSAGES
    assert drop.hits == 2


def test_direction_is_seen_from_the_node() -> None:
    drop = begun(Drop(probability=1, dir="in"), FakeHost())
    assert drop.outgoing(ANN, list(MESSAGES)) == MESSAGES
    assert drop.incoming(ANN, [*MESSAGES, Goodbye("bye", "over")]) == [Goodbye("bye", "over")]
    both = begun(Drop(probability=1, dir="both"), FakeHost())
    assert both.outgoing(ANN, list(MESSAGES)) == both.incoming(ANN, list(MESSAGES)) == []


def test_only_traffic_with_the_named_peers_is_hit() -> None:
    drop = begun(Drop(probability=1), FakeHost(), "n2")
    assert drop.outgoing(ANN, list(MESSAGES)) == MESSAGES
    assert drop.outgoing(EVE, list(MESSAGES)) == MESSAGES
    assert drop.outgoing(BOB, list(MESSAGES)) == []


def test_heights_bound_a_drop() -> None:
    host = FakeHost()
    later = begun(Drop(probability=1, from_height=1), host)
    now = begun(Drop(probability=1, to_height=0), host)
    assert later.outgoing(ANN, [Ping(1)]) == [Ping(1)]
    assert now.outgoing(ANN, [Ping(1)]) == []


def test_chance_is_the_faults_own() -> None:
    drop = begun(Drop(probability=0.3), FakeHost())
    left = drop.outgoing(ANN, [Ping(n) for n in range(1000)])
    assert 620 < len(left) < 780
    again = begun(Drop(probability=0.3), FakeHost())
    assert again.outgoing(ANN, [Ping(n) for n in range(1000)]) == left


def test_what_another_fault_has_damaged_passes() -> None:
    drop = begun(Drop(probability=1), FakeHost())
    assert drop.outgoing(ANN, [b"\x81\x01"]) == [b"\x81\x01"]


def test_delayed_messages_go_on_when_due() -> None:
    host = FakeHost()
    delay = begun(DelayMessages(by_ms=250, probability=1), host)
    assert delay.deadline_s() is None
    assert delay.outgoing(ANN, [Ping(1), Goodbye("bye", "over")]) == [Goodbye("bye", "over")]
    host.passes(0.125)
    assert delay.outgoing(BOB, [Ping(2)]) == []
    assert delay.deadline_s() == 100.25
    delay.tick(host.passes(0.125))
    assert host.sent == [(ANN, Ping(1))]
    delay.tick(host.passes(0.125))
    assert host.sent == [(ANN, Ping(1)), (BOB, Ping(2))]
    assert delay.hits == 2


def test_what_comes_in_late_is_delivered_but_pings_are_the_connections() -> None:
    host = FakeHost()
    delay = begun(DelayMessages(by_ms=200, jitter_ms=100, probability=1, dir="in"), host)
    assert delay.incoming(ANN, list(MESSAGES)) == [Ping(1), Pong(3)]
    due_s = delay.deadline_s()
    assert due_s is not None
    assert 100.2 <= due_s <= 100.3
    delay.tick(host.passes(0.3))
    assert {message for _, message in host.delivered} == {Blocks(1, ()), GetBlocks(2, ())}


def test_the_end_lets_go_of_what_is_held() -> None:
    host = FakeHost()
    delay = begun(DelayMessages(by_ms=60_000, probability=1), host)
    delay.outgoing(ANN, [Ping(1)])
    delay.end()
    assert host.sent == [(ANN, Ping(1))]
    assert delay.deadline_s() is None


def test_no_more_is_held_than_there_is_room_for() -> None:
    delay = begun(DelayMessages(by_ms=200, probability=1), FakeHost())
    passed = delay.outgoing(ANN, [Ping(n) for n in range(HELD_MAX + 5)])
    assert passed == [Ping(n) for n in range(HELD_MAX, HELD_MAX + 5)]


def test_a_nodes_next_life_does_not_get_what_its_last_had_held() -> None:
    host = FakeHost()
    delay = begun(DelayMessages(by_ms=200, probability=1), host)
    delay.outgoing(ANN, [Ping(1)])
    delay.begin(host)
    delay.tick(host.passes(1))
    assert host.sent == []


def test_duplicates_follow_the_original() -> None:
    twice = begun(Duplicate(copies=2, messages=("blocks",), probability=1), FakeHost())
    copies = [Ping(1), Blocks(1, ()), Blocks(1, ()), Blocks(1, ()), GetBlocks(2, ()), Pong(3)]
    assert twice.outgoing(ANN, list(MESSAGES)) == copies
    assert twice.hits == 1


def test_replays_go_to_whoever_is_there_then() -> None:
    host = FakeHost()
    replay = begun(Replay(by_ms=10_000, probability=1), host)
    assert replay.outgoing(ANN, [Ping(1)]) == [Ping(1)]
    host.connected = [BOB]
    replay.tick(host.passes(9.9))
    assert host.sent == []
    replay.tick(host.passes(0.1))
    assert host.sent == [(BOB, Ping(1))]
    replay.outgoing(ANN, [Ping(2)])
    replay.end()
    assert (replay.hits, replay.deadline_s()) == (1, None)


def test_replays_to_nobody_are_lost() -> None:
    host = FakeHost(connected=[])
    replay = begun(Replay(by_ms=10_000, probability=1), host)
    replay.outgoing(ANN, [Ping(1)])
    replay.tick(host.passes(10))
    assert (host.sent, replay.hits) == ([], 0)


@given(st.integers(2, 60))
def test_a_window_loses_nothing_and_changes_the_order(count: int) -> None:
    host = FakeHost()
    reorder = begun(Reorder(window_ms=500, probability=1), host)
    assert reorder.outgoing(ANN, [Ping(n) for n in range(count)]) == []
    host.passes(0.4)
    reorder.outgoing(ANN, [Ping(count)])
    assert reorder.deadline_s() == 100.5
    reorder.tick(host.passes(0.1))
    numbers = [item.nonce for _, item in host.sent if isinstance(item, Ping)]
    assert sorted(numbers) == list(range(count + 1))
    if count > 12:
        assert numbers != list(range(count + 1))
