"""Discovery: conversations, and small networks of engines that find each other."""

from dataclasses import dataclass
from itertools import pairwise

from p2p.peers.score import BAN_POINTS, BAN_S, Offence, ScoreBoard
from p2p.protocol.discovery import (
    EXCHANGE_S,
    FEELER_S,
    FEELER_STAY_S,
    Discovery,
    DiscoverySettings,
)
from p2p.protocol.effects import Count, Dial, Disconnect, Effect, Penalize, Send
from p2p.protocol.exchange import PEX_BURST
from p2p.wire.messages import GetPeers, Peers
from tests.p2p.protocol.acquaintances import (
    address,
    at,
    connected,
    dials,
    engine,
    parse,
    peer,
    record,
    restarted,
    with_settings,
)


def test_dials_the_bootstrap_asks_it_for_peers_and_dials_those() -> None:
    node = engine(1, bootstrap=(2,))
    assert node.tick(at(0)) == [Dial(address(2))]
    assert node.tick(at(0.1)) == []
    assert node.connected(connected(2, outbound=True), at(0.2)) == [
        Count("addresses", "learnt"),
        Send(peer(2), GetPeers(1)),
    ]
    answer = node.receive(peer(2), Peers(1, (record(1), record(3), record(4))), at(0.3))
    assert answer == [Count("addresses", "self"), Count("addresses", "learnt", 2)]
    effects = node.tick(at(0.3))
    assert dials(effects) == [address(3), address(4)]


def test_a_network_wired_by_hand_dials_its_bootstrap_addresses_and_nobody_else() -> None:
    settings = DiscoverySettings((address(2), address(3)), 2, parse, explore=False)
    node = with_settings(settings)
    assert dials(node.tick(at(0))) == [address(2), address(3)]
    assert node.connected(connected(2, outbound=True), at(0.1)) == []
    assert node.connected(connected(3, outbound=True), at(0.1)) == []
    assert node.connected(connected(4, outbound=False), at(0.2)) == []
    for s in range(1, 200):
        assert node.tick(at(s)) == []
    node.disconnected(peer(3), at(200))
    assert dials(node.tick(at(200))) == [address(3)]


def test_never_dials_beyond_the_target_nor_whom_it_is_connected_to() -> None:
    node = engine(1, target=2)
    node.connected(connected(2, outbound=True), at(0))
    node.connected(connected(3, outbound=False), at(0))
    node.receive(peer(2), Peers(1, tuple(map(record, range(1, 10)))), at(0))
    (dialled,) = dials(node.tick(at(0)))
    assert dialled not in (address(1), address(2), address(3))


def test_a_failed_dial_is_retried_quickly_then_ever_more_slowly_but_not_beyond_the_cap() -> None:
    node = engine(1, bootstrap=(2,))
    attempts = []
    now = 0.0
    while now < 200:
        for _ in dials(node.tick(at(now))):
            attempts.append(now)
            node.dial_failed(address(2), at(now))
        deadline = node.deadline_s()
        assert deadline is not None
        now = max(deadline, now)
    gaps = [b - a for a, b in pairwise(attempts)]
    assert gaps[0] <= 0.5
    assert max(gaps) <= 30.5
    assert len(attempts) > 8


def test_a_peer_that_left_is_dialled_again_soon() -> None:
    node = engine(1)
    node.connected(connected(2, outbound=True), at(0))
    node.tick(at(0))
    node.disconnected(peer(2), at(10))
    assert dials(node.tick(at(10))) == []
    assert dials(node.tick(at(11))) == [address(2)]


def test_who_sends_us_away_at_once_is_asked_ever_more_slowly() -> None:
    node = engine(1, bootstrap=(2,))
    attempts = []
    now = 0.0
    while now < 60:
        for _ in dials(node.tick(at(now))):
            attempts.append(now)
            node.connected(connected(2, outbound=True), at(now))
            node.disconnected(peer(2), at(now + 0.001))
        deadline = node.deadline_s()
        assert deadline is not None
        now = max(deadline, now + 0.001)
    gaps = [b - a for a, b in pairwise(attempts)]
    assert max(gaps) <= 8.5
    assert len(attempts) < 20


def test_a_connection_that_lasted_makes_up_for_brief_ones() -> None:
    node = engine(1)
    for _ in range(8):
        node.connected(connected(2, outbound=True), at(0))
        node.disconnected(peer(2), at(0.001))
    assert dials(node.tick(at(1.1))) == []
    node.connected(connected(2, outbound=True), at(10))
    node.disconnected(peer(2), at(20))
    node.connected(connected(2, outbound=True), at(30))
    node.disconnected(peer(2), at(30.001))
    assert dials(node.tick(at(31.1))) == [address(2)]


def test_the_bootstrap_is_left_alone_once_it_was_reached_in_either_direction() -> None:
    """One that came to us is dialled once: that it is the bootstrap is only its word."""
    node = engine(1, bootstrap=(2,))
    node.connected(connected(2, outbound=False), at(0))
    assert dials(node.tick(at(0))) == [address(2)]
    node.dialled_known(address(2), peer(2), at(0.1))
    for tenth in range(1, 600):
        assert dials(node.tick(at(tenth / 10))) == []
    node.disconnected(peer(2), at(60))
    assert dials(node.tick(at(62))) == [address(2)]


def test_our_own_address_is_not_dialled_again() -> None:
    node = engine(1, bootstrap=(1,))
    assert dials(node.tick(at(0))) == [address(1)]
    node.dialled_self(address(1), at(0))
    assert dials(node.tick(at(100))) == []


def test_somebody_else_at_the_address_is_not_a_reason_to_dial_again_at_once() -> None:
    node = engine(1)
    node.connected(connected(2, outbound=True), at(0))
    node.receive(peer(2), Peers(1, (record(3),)), at(0))
    assert dials(node.tick(at(0))) == [address(3)]
    node.dialled_known(address(3), peer(2), at(0))
    assert dials(node.tick(at(0.01))) == []


def test_banned_peers_are_not_dialled() -> None:
    scores = ScoreBoard()
    scores.penalize(peer(3), Offence(BAN_POINTS, "test", "because"), 0)
    node = engine(1, scores=scores)
    node.connected(connected(2, outbound=True), at(0))
    node.receive(peer(2), Peers(1, (record(3), record(4))), at(0))
    assert dials(node.tick(at(0))) == [address(4)]


def test_a_ban_that_ends_is_noticed_although_nothing_else_happens() -> None:
    """All that a node without bootstrap addresses knows is one peer that it has banned."""
    node = restarted(anchors=(), known=(3,), target=1)
    node._scores.penalize(peer(3), Offence(BAN_POINTS, "test", "because"), 0)
    now, dialled = 0.0, dials(node.tick(at(0)))
    while now < BAN_S + EXCHANGE_S and not dialled:
        now = node.deadline_s() or now
        dialled = dials(node.tick(at(now)))
    assert dialled == [address(3)]
    assert now >= BAN_S


def test_answers_with_a_sample_at_a_limited_rate() -> None:
    node = engine(1)
    node.connected(connected(2, outbound=False), at(0))
    for number in range(PEX_BURST):
        assert node.receive(peer(2), GetPeers(number), at(0)) == [
            Send(peer(2), Peers(number, (record(2),)))
        ]
    refused = node.receive(peer(2), GetPeers(99), at(0))
    assert refused == [Count("refused", "peer-exchange-rate")]


def test_blames_unasked_answers_and_bad_records() -> None:
    node = engine(1)
    node.connected(connected(2, outbound=False), at(0))
    (unasked,) = node.receive(peer(2), Peers(77, ()), at(0))
    assert isinstance(unasked, Penalize)
    assert unasked.code == "unrequested"
    (malformed,) = node.receive(peer(2), Peers(1, (b"junk",)), at(0))
    assert isinstance(malformed, Penalize)
    assert malformed.reason == "not a record"


def test_feelers_explore_beyond_the_target_and_surplus_is_let_go() -> None:
    node = engine(1, target=1)
    node.connected(connected(2, outbound=True), at(0))
    node.receive(peer(2), Peers(1, (record(3),)), at(0))
    assert dials(node.tick(at(0))) == []
    assert dials(node.tick(at(2 * FEELER_S))) == [address(3)]
    node.connected(connected(3, outbound=True), at(2 * FEELER_S))
    effects = node.tick(at(2 * FEELER_S + FEELER_STAY_S))
    (left,) = [effect for effect in effects if isinstance(effect, Disconnect)]
    assert left.code == "surplus"


@dataclass
class Member:
    """One engine of a small network."""

    number: int
    discovery: Discovery
    links: dict[int, bool]  # peer -> dialled by us
    alive: bool = True


class SmallNetwork:
    """Engines joined without loss or delay; dialling the dead fails."""

    def __init__(self, size: int, target: int) -> None:
        self.members = {
            number: Member(number, engine(number, (1,) if number > 1 else (), target), {})
            for number in range(1, size + 1)
        }
        self.now = 0.0

    def run_until(self, end: float) -> None:
        while self.now < end:
            self.now += 0.1
            for member in list(self.members.values()):
                if member.alive:
                    self._perform(member, member.discovery.tick(at(self.now)))

    def kill(self, number: int) -> None:
        self.members[number].alive = False
        for other in list(self.members[number].links):
            self._unlink(number, other)

    def _unlink(self, one: int, other: int) -> None:
        for me, them in ((one, other), (other, one)):
            member = self.members[me]
            if member.links.pop(them, None) is not None and member.alive:
                self._perform(member, member.discovery.disconnected(peer(them), at(self.now)))

    def _perform(self, member: Member, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Dial(where):
                    self._dial(member, self.members[int(where.removeprefix("mem://n"))])
                case Send(to, GetPeers() | Peers() as message):
                    other = self.members[int.from_bytes(to, "big")]
                    if member.number in other.links:
                        answer = other.discovery.receive(peer(member.number), message, at(self.now))
                        self._perform(other, answer)
                case Disconnect(who):
                    self._unlink(member.number, int.from_bytes(who, "big"))
                case Penalize():
                    raise AssertionError(effect)
                case _:
                    pass

    def _dial(self, member: Member, other: Member) -> None:
        now = at(self.now)
        where = address(other.number)
        if not other.alive:
            self._perform(member, member.discovery.dial_failed(where, now))
        elif other.number in member.links:
            known = member.discovery.dialled_known(where, peer(other.number), now)
            self._perform(member, known)
        else:
            member.links[other.number] = True
            other.links[member.number] = False
            mine = member.discovery.connected(connected(other.number, outbound=True), now)
            theirs = other.discovery.connected(connected(member.number, outbound=False), now)
            self._perform(member, mine)
            self._perform(other, theirs)

    def outbound(self, number: int) -> int:
        return sum(self.members[number].links.values())

    def reachable(self, number: int) -> set[int]:
        found, pending = set[int](), [number]
        while pending:
            current = pending.pop()
            if current not in found:
                found.add(current)
                pending.extend(self.members[current].links)
        return found


def test_everybody_finds_everybody_from_one_bootstrap_and_survives_its_death() -> None:
    network = SmallNetwork(size=20, target=4)
    network.run_until(12)
    assert all(network.outbound(number) >= 4 for number in range(2, 21))
    network.kill(1)
    network.run_until(30)
    assert network.reachable(2) == set(range(2, 21))
    assert all(network.outbound(number) >= 4 for number in range(2, 21))


def test_a_small_network_becomes_a_full_mesh() -> None:
    network = SmallNetwork(size=6, target=8)
    network.run_until(8)
    assert all(len(network.members[number].links) == 5 for number in range(1, 7))


def test_outbound_connections_stay_near_the_target_over_time() -> None:
    network = SmallNetwork(size=20, target=4)
    network.run_until(300)
    assert all(4 <= network.outbound(number) <= 6 for number in range(2, 21))
    assert len(network.members[1].links) == 19  # everybody's bootstrap has nobody left to dial
