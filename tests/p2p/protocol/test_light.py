"""Conversations of a light client with full nodes: honest, silent, and lying ones."""

from dataclasses import replace

from chain.consensus.finality.vote import Checkpoint
from chain.lightclient import LightClient, TrustedCheckpoint
from chain.primitives.hashing import Hash
from chain.receipts.making import ReceiptMaker
from p2p.peers.peer import PeerId
from p2p.protocol import lightserving
from p2p.protocol.effects import Count, Disconnect, Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.lightfollowing import ANSWER_S, POLL_S, LightFollower
from p2p.protocol.lightserving import REQUESTS_BURST, LightServer, is_light
from p2p.wire.messages import Final, GetFinal
from tests.chain.receipts.world import Paying, handed_over, settled
from tests.chain.test_lightclient import certified
from tests.chain.test_recovery import Ruined
from tests.p2p.wire.messages import example_hello

A, B = PeerId(b"a" * 32), PeerId(b"b" * 32)


def at(s: float) -> Now:
    return Now(s, int(s * 1000))


def question(effects: list[Effect], peer: PeerId) -> GetFinal:
    """The question that goes to a peer, and nothing else does."""
    (sent,) = [effect for effect in effects if isinstance(effect, Send)]
    assert isinstance(sent.message, GetFinal)
    assert sent.peer == peer
    return sent.message


def answer(server: LightServer, peer: PeerId, asked: GetFinal, now: Now) -> Final:
    """What a full node says."""
    (sent,) = [e for e in server.receive(peer, asked, now) if isinstance(e, Send)]
    assert isinstance(sent.message, Final)
    return sent.message


def follower(chain: Paying) -> LightFollower:
    return LightFollower(LightClient.from_genesis(chain.genesis))


def serving(chain: Paying) -> LightServer:
    server = LightServer(chain.on)
    server.connected(A, at(0))
    return server


def test_a_client_catches_up_over_a_handover_and_then_asks_now_and_then() -> None:
    chain = handed_over()
    light, server = follower(chain), serving(chain)
    asked = question(light.connected(A, at(0)), A)
    assert (asked.set_id, asked.height) == (0, 0)
    news = answer(server, A, asked, at(0))
    assert len(news.handovers) == 1
    again = question(light.receive(A, news, at(1)), A)
    assert light.client.authorities == chain.authorities
    assert light.client.header == chain.maker.final
    assert (again.set_id, again.height) == (1, chain.maker.final.height)
    nothing = answer(server, A, again, at(1))
    assert (nothing.handovers, nothing.header) == ((), b"")
    assert light.receive(A, nothing, at(2)) == [Count("light", "nothing-new")]
    assert light.deadline_s() == 2 + POLL_S
    assert light.tick(at(1 + POLL_S)) == []
    question(light.tick(at(2 + POLL_S)), A)


def test_peers_are_asked_in_turn() -> None:
    chain = settled()
    light = follower(chain)
    first = question(light.connected(A, at(0)), A)
    assert light.connected(B, at(0)) == []
    light.receive(A, Final(first.request, (), b"", b""), at(1))
    second = question(light.tick(at(1 + POLL_S)), B)
    light.receive(B, Final(second.request, (), b"", b""), at(40))
    question(light.tick(at(40 + POLL_S)), A)
    assert light.peers == (B, A)


def test_a_silent_peer_is_left_and_the_next_one_asked() -> None:
    light = follower(settled())
    question(light.connected(A, at(0)), A)
    light.connected(B, at(0))
    (left,) = light.tick(at(ANSWER_S))
    assert isinstance(left, Disconnect)
    assert (left.peer, left.code) == (A, "slow-answer")
    question(light.disconnected(A, at(ANSWER_S)), B)
    assert light.disconnected(B, at(ANSWER_S + 1)) == []
    assert light.deadline_s() is None


def test_lies_end_the_link_and_change_nothing() -> None:
    chain = settled()
    final = chain.receipt(chain.paid[0]).proof.final
    people = replace(final.certificate, signatures=final.certificate.signatures[::-1])
    for header, certificate, code in (
        (final.header.raw, people.encode(), "certificate-signature"),
        (
            replace(final.header, state=Hash(bytes(32))).raw,
            final.certificate.encode(),
            "wrong-source",
        ),
        (b"\x00", final.certificate.encode(), "shape"),
        (final.header.raw, b"", "cbor-truncated"),
    ):
        light = follower(chain)
        asked = question(light.connected(A, at(0)), A)
        effects = light.receive(A, Final(asked.request, (), header, certificate), at(1))
        assert [e.code for e in effects if isinstance(e, Disconnect)] == [code]
        assert light.client.height == 0
        assert light.alarm == ""


def test_two_final_headers_that_contradict_each_other_are_an_alarm() -> None:
    chain = settled()
    light = follower(chain)
    light.client.finalize(certified(chain, 1))
    other = certified(chain, 1, state=Hash(bytes(32)))
    asked = question(light.connected(A, at(0)), A)
    message = Final(asked.request, (), other.header.raw, other.certificate.encode())
    light.receive(A, message, at(1))
    assert other.header.id.hex() in light.alarm
    assert light.client.header == chain.blocks[0].header


def test_behind_a_recovery_it_is_told_that_only_a_checkpoint_leads_on() -> None:
    chain = Ruined(handed_over=True)
    chain.recover()
    maker = ReceiptMaker(chain.on)
    light, server = LightFollower(LightClient.from_genesis(chain.genesis)), LightServer(chain.on)
    server.connected(A, at(0))
    asked = question(light.connected(A, at(0)), A)
    led = answer(server, A, asked, at(0))
    assert (len(led.handovers), led.header) == (1, b"")
    asked = question(light.receive(A, led, at(1)), A)
    alone = answer(server, A, asked, at(1))
    assert (alone.handovers, alone.header) == ((), maker.final.raw)
    before = light.client.header
    assert light.receive(A, alone, at(2)) == [Count("light", "nothing-new")]
    assert (light.client.authorities.id, light.client.header) == (1, before)
    assert "authority set 2 is in force, and has no handover that leads there from set 1" in (
        light.stranded
    )
    assert "/v1/checkpoint" in light.stranded
    trusted = TrustedCheckpoint(maker.final, chain.authorities)
    goes_on = LightFollower(LightClient.from_checkpoint(chain.genesis.hash, trusted))
    block = chain.grow()
    chain.agree(Checkpoint(block.id, block.header.slot))
    asked = question(goes_on.connected(A, at(40)), A)
    goes_on.receive(A, answer(server, A, asked, at(40)), at(41))
    assert goes_on.client.header == maker.final
    assert goes_on.stranded == ""


def test_who_is_told_of_a_recovery_that_there_was_none_of_goes_on_with_others() -> None:
    chain = handed_over()
    light, server = follower(chain), serving(chain)
    asked = question(light.connected(B, at(0)), B)
    ahead = chain.maker.newest()
    told = Final(asked.request, (), ahead.header.raw, ahead.certificate.encode())
    light.receive(B, told, at(1))
    assert light.stranded
    asked = question(light.connected(A, at(3)), A)
    light.receive(A, answer(server, A, asked, at(3)), at(4))
    assert light.client.header == chain.maker.final
    assert light.stranded == ""


def test_a_header_of_another_network_is_no_word_about_this_one() -> None:
    chain, other = settled(), handed_over()
    light = LightFollower(LightClient(Hash(b"o" * 32), chain.genesis.authority_set))
    asked = question(light.connected(A, at(0)), A)
    ahead = other.maker.newest()
    told = Final(asked.request, (), ahead.header.raw, ahead.certificate.encode())
    left, _ = light.receive(A, told, at(1))
    assert isinstance(left, Disconnect)
    assert (left.code, light.stranded) == ("wrong-network", "")


def test_answers_nobody_asked_for_are_ignored() -> None:
    light = follower(settled())
    asked = question(light.connected(A, at(0)), A)
    light.connected(B, at(0))
    stranger = Final(asked.request, (), b"\x00", b"")
    assert light.receive(B, stranger, at(1)) == [Count("ignored", "final")]
    assert light.receive(A, replace(stranger, request=9), at(1)) == [Count("ignored", "final")]


def test_a_server_answers_within_its_bounds(monkeypatch: object) -> None:
    chain = handed_over()
    server = serving(chain)
    later = answer(server, A, GetFinal(1, 7, 0), at(0))
    assert (later.handovers, later.header) == ((), b"")
    young = LightServer(Paying(4).on)
    young.connected(A, at(0))
    assert answer(young, A, GetFinal(1, 0, 0), at(0)) == Final(1, (), b"", b"")
    for _ in range(int(REQUESTS_BURST) - 1):
        server.receive(A, GetFinal(2, 0, 0), at(0))
    assert server.receive(A, GetFinal(3, 0, 0), at(0)) == [Count("unserved", "final")]
    assert len(server.receive(A, GetFinal(4, 0, 0), at(1))) == 1
    server.disconnected(A)


def test_who_is_light() -> None:
    assert is_light(example_hello(capabilities=("light/1",)))
    assert not is_light(example_hello(capabilities=("blocks/1", "light/1")))
    assert not is_light(example_hello(capabilities=()))
    assert lightserving.LIGHT == "light/1"
