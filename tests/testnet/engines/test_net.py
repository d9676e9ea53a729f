"""Lines between parties: dialled, slow, in order, cut, closed."""

import pytest

from p2p.peering import DIAL_S
from testnet.engines.net import DIAL_TRIPS, SILENCE_S
from testnet.faults.link import Bandwidth, Delay, HalfOpen
from testnet.faults.partition import Partition
from tests.testnet.engines.players import TRIP_S, field_of


def test_a_dial_takes_its_ways_and_both_hear_of_it() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    at_s = round(DIAL_TRIPS * TRIP_S, 6)
    assert field.players["ann"].told == [(at_s, "reached bob")]
    assert field.players["bob"].told == [(at_s, "reached by ann")]


def test_every_dial_that_comes_to_nothing_says_why() -> None:
    field = field_of("ann", "bob")
    ann = field.players["ann"]
    field.net.dial(ann, "engine://nobody")
    field.net.dial(ann, ann.address)
    field.heap.run(DIAL_S)
    assert ann.told == [(0.0, "itself"), (DIAL_S, "failed engine://nobody")]
    field.dial("ann", "bob")
    field.dial("ann", "bob")
    field.dial("bob", "ann")
    assert ann.heard[-2:] == ["reached bob", "known bob"]
    assert field.players["bob"].heard == ["reached by ann", "known ann"]


def test_who_has_no_room_is_not_reached() -> None:
    field = field_of("ann", "bob")
    field.players["bob"].busy = True
    field.dial("ann", "bob")
    assert field.players["ann"].heard == ["failed engine://bob"]
    assert field.players["bob"].heard == []
    assert field.players["ann"].ways == {}


def test_who_leaves_while_it_is_dialled_is_not_reached() -> None:
    field = field_of("ann", "bob")
    bob = field.players["bob"]
    field.net.dial(field.players["ann"], bob.address)
    field.net.leave(bob)
    field.heap.run(1.0)
    assert field.players["ann"].heard == ["failed engine://bob"]


def test_a_message_takes_one_way() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    field.send("ann", "bob", "hi")
    field.heap.run(2.0)
    assert field.players["bob"].told[-1] == (round(1.0 + TRIP_S, 6), "ann: hi")
    assert field.net.delivered == 1


def test_jitter_never_lets_a_message_overtake_another() -> None:
    field = field_of("ann", "bob", latency="brics")
    for player in field.players.values():
        player.city = "Moscow" if player.name == "ann" else "Sao Paulo"
    field.net.dial(field.players["ann"], field.players["bob"].address)
    field.heap.run(5.0)
    for number in range(200):
        field.send("ann", "bob", str(number))
    field.heap.run(10.0)
    bob = field.players["bob"]
    assert bob.heard[1:] == [f"ann: {number}" for number in range(200)]
    assert bob.told[1][0] > 5.0
    assert len({at_s for at_s, _ in bob.told[1:]}) > 1, "jitter draws anew for each message"


def test_an_uplink_sends_one_message_after_the_other() -> None:
    field = field_of("ann", "bob", uplinks_bps={"ann": 8_000})
    field.dial("ann", "bob")
    for _ in range(3):
        field.send("ann", "bob", "x" * 100)
    field.heap.run(3.0)
    times = [at_s for at_s, _ in field.players["bob"].told[1:]]
    assert times == pytest.approx([1.0 + TRIP_S + 0.1 * number for number in (1, 2, 3)])


def test_a_fault_slows_a_line_as_long_as_it_is_in_force() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    field.begin(Delay(by_ms=500), ("ann",), ("bob",))
    assert field.net.in_force("f")
    field.send("ann", "bob", "late")
    field.heap.run(2.0)
    assert field.players["bob"].told[-1] == (round(1.5 + TRIP_S, 6), "ann: late")
    assert field.net.end("f") == 1
    assert not field.net.in_force("f")
    field.send("ann", "bob", "soon")
    field.heap.run(3.0)
    assert field.players["bob"].told[-1] == (round(2.0 + TRIP_S, 6), "ann: soon")


def test_a_narrow_line_counts_bytes_though_no_uplink_does() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    field.begin(Bandwidth(rate_bps=8_000), ("ann",), ("bob",))
    field.send("ann", "bob", "x" * 500)
    field.heap.run(3.0)
    assert field.players["bob"].told[-1][0] == pytest.approx(1.5 + TRIP_S)


def test_what_vanishes_never_comes() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    field.begin(HalfOpen(), ("ann",), ("bob",))
    field.send("ann", "bob", "lost")
    field.heap.run(2.0)
    field.net.end("f")
    field.heap.run(60.0)
    assert field.players["bob"].heard == ["reached by ann"]


def test_a_cut_holds_what_is_on_the_way_and_nobody_can_dial_through_it() -> None:
    field = field_of("ann", "bob", "eve")
    field.dial("ann", "bob")
    field.begin(Partition(), ("ann",), ("bob", "eve"))
    for text in ("one", "two"):
        field.send("ann", "bob", text)
    field.net.dial(field.players["ann"], field.players["eve"].address)
    field.heap.run(1.0 + DIAL_S)
    assert field.players["bob"].heard == ["reached by ann"]
    assert field.players["ann"].heard[-1] == "failed engine://eve"
    assert field.net.end("f") > 0
    assert field.players["bob"].heard[-2:] == ["ann: one", "ann: two"]


def test_a_cut_that_lasts_ends_its_lines_and_no_other() -> None:
    field = field_of("ann", "bob", "eve")
    field.dial("ann", "bob")
    field.dial("bob", "eve")
    field.begin(Partition(), ("ann",), ("bob", "eve"))
    field.heap.run(2.0 + SILENCE_S)
    assert field.players["ann"].heard[-1] == "lost bob"
    assert "lost ann" in field.players["bob"].heard
    assert field.players["eve"].heard == ["reached by bob"]
    field.net.end("f")
    field.dial("ann", "bob")
    assert field.players["ann"].heard[-1] == "reached bob"


def test_a_cut_that_is_over_in_time_ends_nothing() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    field.begin(Partition(), ("ann",), ("bob",))
    field.heap.run(SILENCE_S / 2)
    field.net.end("f")
    field.heap.run(3 * SILENCE_S)
    assert field.players["ann"].heard == ["reached bob"]


def test_who_closes_knows_at_once_and_what_was_sent_before_arrives() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    ann, bob = field.players["ann"], field.players["bob"]
    way = ann.ways[bob.id]
    field.send("ann", "bob", "goodbye")
    field.send("bob", "ann", "too late")
    field.net.close(way)
    field.net.send(way, b"never")
    assert ann.told[-1] == (1.0, "lost bob")
    field.heap.run(2.0)
    assert bob.heard == ["reached by ann", "ann: goodbye", "lost ann"]
    assert ann.heard == ["reached bob", "lost bob"]
    assert (ann.ways, bob.ways) == ({}, {})


def test_a_party_that_dies_hears_nothing_more_and_the_others_notice() -> None:
    field = field_of("ann", "bob", "eve")
    field.dial("ann", "bob")
    field.dial("eve", "ann")
    ann = field.players["ann"]
    field.send("bob", "ann", "hello?")
    ann.up = False
    field.net.leave(ann)
    field.heap.run(3.0)
    assert ann.heard == ["reached bob", "reached by eve"]
    assert field.players["bob"].heard[-1] == "lost ann"
    assert field.players["eve"].heard[-1] == "lost ann"


def test_who_comes_back_faster_than_the_news_replaces_the_old_line() -> None:
    field = field_of("ann", "bob")
    field.dial("ann", "bob")
    ann, bob = field.players["ann"], field.players["bob"]
    del ann.ways[bob.id]  # restarted: it knows of no line
    field.dial("ann", "bob")
    assert bob.heard == ["reached by ann", "lost ann", "reached by ann"]
    field.send("ann", "bob", "again")
    field.heap.run(3.0)
    assert bob.heard[-1] == "ann: again"
