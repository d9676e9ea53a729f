"""Discovery against those who want to be all we know: anchors, diversity, what is not learnt."""

import random
from dataclasses import replace

from p2p.peers.addressbook import SAMPLE_MAX, AddressBook, Usable
from p2p.peers.contact import Contact, Reach
from p2p.peers.score import BAN_POINTS, Offence, ScoreBoard
from p2p.peers.usefulness import Use, Usefulness
from p2p.protocol.discovery import (
    ANCHOR_LASTED_S,
    ANCHORS_S,
    DIALS_BURST,
    DIALS_RATE,
    DIVERSIFY_S,
    FEELER_STAY_S,
    LOOK_S_PER_CONTACT,
    Acquaintances,
    Connected,
    Discovery,
    DiscoverySettings,
)
from p2p.protocol.effects import Count, Dial, Disconnect
from p2p.protocol.exchange import PEX_BURST
from p2p.wire.messages import GetPeers, Peers
from tests.p2p.protocol.acquaintances import (
    address,
    at,
    by_address,
    connected,
    dials,
    diverse,
    engine,
    hello,
    met,
    on,
    parse,
    peer,
    record,
    restarted,
    with_settings,
)


def test_anchors_are_dialled_first_after_a_restart() -> None:
    node = restarted(anchors=(7, 9), known=tuple(range(2, 60)))
    assert dials(node.tick(at(0))) == [address(7), address(9)]


def test_an_anchor_that_does_not_answer_is_tried_again_for_a_while_and_kept_meanwhile() -> None:
    node = restarted(anchors=(7,), known=(7,), target=1)
    attempts = []
    now = 0.0
    while now < ANCHORS_S:
        attempts += dials(node.tick(at(now)))
        if attempts:
            node.dial_failed(address(7), at(now))
        now = max(node.deadline_s() or now, now + 0.1)
        if now < ANCHORS_S:
            assert node.anchors(at(now)) == (peer(7),)
    assert len(attempts) > 5
    node.tick(at(now))
    assert node.anchors(at(now)) == ()


def test_anchors_are_the_outbound_peers_that_lasted_those_of_the_last_run_before_the_latest() -> (
    None
):
    node = restarted(anchors=(7,), known=(7, 8, 9), target=3)
    node.tick(at(0))
    node.connected(connected(8, outbound=True), at(0))
    node.connected(connected(5, outbound=False), at(0))
    node.connected(connected(9, outbound=True), at(ANCHOR_LASTED_S))
    assert node.anchors(at(ANCHOR_LASTED_S + 1)) == (peer(8), peer(7), peer(9))


def test_a_network_group_gets_one_outbound_connection_while_there_are_others() -> None:
    node = diverse(target=2)
    node.connected(met(2, on("10.1.0.1", 1), outbound=True), at(0))
    same = tuple(f"{n} {on('10.1.0.1', n)} 1".encode() for n in range(3, 40))
    other = (f"50 {on('10.2.0.1', 1)} 1".encode(),)
    node.receive(peer(2), Peers(1, same + other), at(0))
    assert dials(node.tick(at(0))) == [on("10.2.0.1", 1)]


def test_two_peers_of_a_group_give_way_to_one_of_another() -> None:
    node = diverse(target=2, feeler_s=0)
    node.connected(met(2, on("10.1.0.1", 1), outbound=True), at(0))
    node.connected(met(3, on("10.1.0.2", 1), outbound=True), at(0))
    node.receive(peer(2), Peers(1, (f"4 {on('10.2.0.1', 1)} 1".encode(),)), at(1))
    assert dials(node.tick(at(1))) == [on("10.2.0.1", 1)]
    node.connected(met(4, on("10.2.0.1", 1), outbound=True), at(2))
    effects = node.tick(at(FEELER_STAY_S + 2))
    assert [e.peer for e in effects if isinstance(e, Disconnect)] == [peer(3)]
    node.disconnected(peer(3), at(FEELER_STAY_S + 2))
    assert dials(node.tick(at(FEELER_STAY_S + 2 * DIVERSIFY_S + 2))) == []


def test_surplus_is_who_brought_no_news_but_never_of_the_older_half() -> None:
    node = engine(1, target=4)
    uses = node._uses
    for number in range(2, 7):
        uses.connected(peer(number))
        node.connected(connected(number, outbound=True), at(number))
    uses.credit(peer(4), Use.BLOCK, 20)
    uses.credit(peer(6), Use.BLOCK, 21)
    effects = node.tick(at(6 + FEELER_STAY_S))
    assert [e.peer for e in effects if isinstance(e, Disconnect)] == [peer(5)]


def test_a_book_of_closed_ports_is_not_dialled_faster_than_the_rate() -> None:
    node = restarted(anchors=(), known=tuple(range(2, 1500)), target=8)
    attempts, now, seconds = 0, 0.0, 20
    while now < seconds:
        for where in dials(node.tick(at(now))):
            attempts += 1
            node.dial_failed(where, at(now))
        now = max(node.deadline_s() or now, now + 0.001)
    assert attempts <= DIALS_BURST + DIALS_RATE * seconds
    assert attempts > DIALS_RATE * seconds / 2


def test_addresses_that_do_not_reach_as_far_as_ours_are_not_learnt() -> None:
    node = diverse(target=8, own=Reach.WORLD)
    node.connected(met(2, on("8.8.8.8", 1), outbound=True), at(0))
    said = ("127.0.0.1", "10.0.0.1", "192.168.0.1", "0.0.0.0", "224.0.0.1", "9.9.9.9")
    records = tuple(f"{n} {on(host, n)} 1".encode() for n, host in enumerate(said, start=10))
    effects = node.receive(peer(2), Peers(1, records), at(0))
    assert effects == [
        Count("addresses", "out-of-reach", 3),
        Count("addresses", "unroutable", 2),
        Count("addresses", "learnt"),
    ]
    assert dials(node.tick(at(0))) == [on("9.9.9.9", 15)]


def test_an_address_on_an_interface_of_the_tellers_own_is_not_learnt() -> None:
    """Python's `ipaddress` cannot even spell it out: one hello with it ended the node."""
    for own in Reach:
        node = diverse(target=8, own=own)
        where = on("[2606:4700::1%25x]", 1)
        effects = node.connected(met(2, where, outbound=False, origin="8.8"), at(0))
        assert Count("addresses", "unroutable") in effects
        assert dials(node.tick(at(0))) == []


def test_where_a_strangers_name_leads_is_judged_and_where_the_operators_does_is_not() -> None:
    configured = on("seed.example", 1)
    settings = DiscoverySettings((configured,), 8, by_address, reach=Reach.SITE)
    node = with_settings(settings)
    assert node.tick(at(0)) == [Dial(configured)]
    node.connected(met(2, configured, outbound=True), at(0))
    node.receive(peer(2), Peers(1, (f"3 {on('evil.example', 1)} 1".encode(),)), at(0))
    assert Dial(on("evil.example", 1), Reach.SITE) in node.tick(at(1))
    node.disconnected(peer(2), at(20))
    assert Dial(configured) in node.tick(at(30)), "also when it is known as a contact"


def test_whoever_claims_to_be_where_we_are_is_forgotten() -> None:
    node = engine(1)
    node.connected(connected(2, outbound=True), at(0))
    node.receive(peer(2), Peers(1, (record(3),)), at(0))
    assert dials(node.tick(at(0))) == [address(3)]
    node.dialled_self(address(3), at(0))
    assert node._book.get(peer(3)) is None
    again = node.connected(connected(3, outbound=False), at(1))
    assert Count("addresses", "self") in again


def test_who_says_that_it_is_elsewhere_than_we_reached_it_is_not_reached_there() -> None:
    node = diverse(target=8)
    node.connected(met(2, on("10.1.0.1", 1), outbound=True), at(0))
    assert node._book.tried_count == 1
    node.receive(peer(2), Peers(1, (f"3 {on('10.2.0.1', 1)} 1".encode(),)), at(0))
    assert dials(node.tick(at(0))) == [on("10.2.0.1", 1)]
    elsewhere = replace(hello(3), record=f"3 {on('77.7.0.1', 1)} 2".encode())
    node.connected(Connected(peer(3), on("10.2.0.1", 1), True, elsewhere), at(1))
    assert node._book.tried_count == 1, "nobody has answered at that address"
    node.disconnected(peer(3), at(2))
    node.dialled_known(on("77.7.0.1", 1), peer(3), at(3))
    assert node._book.tried_count == 2, "now somebody has"


def test_who_claims_the_addresses_of_the_seeds_does_not_keep_us_from_them() -> None:
    node = engine(1, bootstrap=(7,))
    claims = Connected(peer(3), address(7), False, replace(hello(3), record=record(7)))
    node.connected(claims, at(0))
    assert dials(node.tick(at(0))) == [address(7)]


def test_replayed_records_change_nothing_and_an_answer_teaches_at_most_a_sample() -> None:
    node = diverse(target=8)
    node.connected(met(2, on("10.1.0.1", 1), outbound=True), at(0))
    new, old = (f"3 {on('10.2.0.1', port)} {port}".encode() for port in (9, 8))
    flood = tuple(f"{n} {on(f'10.{n}.0.1', 1)} 1".encode() for n in range(10, 150))
    node.receive(peer(2), Peers(1, (new,)), at(0))
    node.tick(at(70))
    effects = node.receive(peer(2), Peers(2, (old, *flood)), at(70))
    assert Count("addresses", "old") in effects
    assert Count("addresses", "beyond-sample", len(flood) + 1 - SAMPLE_MAX) in effects
    found = node._book.get(peer(3))
    assert found is not None
    assert found.sequence == 9


def test_the_buckets_are_those_of_where_a_teller_comes_from_whatever_it_says_of_itself() -> None:
    node = diverse(target=0)
    for number in range(2, 400):
        claimed = on(f"10.{number % 250}.0.1", number)
        node.connected(met(number, claimed, outbound=False, origin="66.6"), at(0))
    sources = {kept.source for kept in node._book.export()}
    assert sources == {"66.6"}


def test_honest_peers_at_the_address_of_a_banned_one_are_dialled() -> None:
    scores = ScoreBoard()
    scores.penalize(peer(3), Offence(BAN_POINTS, "test", "because"), 0)
    settings = DiscoverySettings((), 8, by_address)
    node = with_settings(settings, scores=scores)
    node.connected(met(2, on("10.1.0.1", 1), outbound=True), at(0))
    records = tuple(f"{n} {on('10.2.0.1', n)} 1".encode() for n in (3, 4))
    node.receive(peer(2), Peers(1, records), at(0))
    assert dials(node.tick(at(0))) == [on("10.2.0.1", 4)]


class Watched(AddressBook):
    """Counts how often somebody goes through it."""

    def __init__(self) -> None:
        super().__init__(peer(1), bytes(32))
        self.walks = 0

    def choose(
        self, now_s: float, rng: random.Random, usable: Usable, used: set[str]
    ) -> Contact | None:
        self.walks += 1
        return super().choose(now_s, rng, usable, used)

    def sample(self, now_s: float, rng: random.Random) -> tuple[bytes, ...]:
        self.walks += 1
        return super().sample(now_s, rng)


def test_what_peers_say_makes_nobody_go_through_the_book_more_often_than_that_may_cost() -> None:
    """Of a large book in which nobody is due, as an attacker may have filled it."""
    book, contacts = Watched(), 2_000
    for number in range(2, contacts + 2):
        where = f"wss://10.{number % 200}.{number // 200}.1:{number}"
        book.add(Contact(peer(number), (where,), 1, record(number)), f"10.{number % 50}", 0)
        book.failed(peer(number), 0, random.Random(number))
    known = Acquaintances(book, ScoreBoard(), Usefulness())
    node = Discovery(DiscoverySettings((), 8, parse), known, random.Random(1))
    node.connected(connected(5_000, outbound=False), at(0))
    node.tick(at(0))
    book.walks = 0
    for ms in range(1, 201):
        assert node.receive(peer(5_000), Peers(1, ()), at(ms / 1000)) in (
            [],
            [Count("late", "peers")],
        )
        node.receive(peer(5_000), GetPeers(1), at(ms / 1000))
        node.tick(at(ms / 1000))
    assert book.walks <= 0.2 / (LOOK_S_PER_CONTACT * len(book)) + PEX_BURST + 1
