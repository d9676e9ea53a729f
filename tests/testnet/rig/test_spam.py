"""Floods: at the rate asked for, to whom it was meant for, of the kind it was meant to be."""

import pytest

from chain.block import decode_header
from chain.primitives.errors import Malformed
from chain.transactions.envelope import decode_transaction
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Disconnect, Penalize
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetHeaders,
    GetPeers,
    GetTransactions,
    Message,
    Peers,
    Transactions,
)
from p2p.wire.records import parse_record
from testnet.faults.byzantine import Spam
from testnet.rig.behaviour import Behaviour, Item
from testnet.rig.behaviours import behaviour_of
from testnet.rig.spam import OWN_REQUESTS
from tests.chain.founding import grow, ledger
from tests.p2p.founding import GENESIS_TIME_MS
from tests.p2p.protocol.conversation import Conversation, make_ledger, shown
from tests.testnet.rig.fake_host import ANN, BOB, FakeHost
from tests.testnet.rig.producers import LIAR


def flooding(what: str, host: FakeHost, *to: str, rate: float = 100) -> Behaviour:
    """A flood in force."""
    behaviour = behaviour_of(Spam(what=what, rate_per_s=rate), to)
    behaviour.begin(host)
    return behaviour


def flooded(what: str, seconds: float = 1.0, rate: float = 100) -> tuple[FakeHost, list[Item]]:
    """What Ann gets within that time."""
    host = FakeHost(connected=[ANN, BOB])
    flood = flooding(what, host, rate=rate)
    for _ in range(round(seconds * 20)):
        flood.tick(host.passes(0.05))
    return host, [item for peer, item in host.sent if peer == ANN]


def messages(items: list[Item]) -> list[Message]:
    """Those that are whole."""
    return [item for item in items if not isinstance(item, bytes)]


@pytest.mark.parametrize(
    "what",
    [
        *("valid", "invalid-signature", "orphan-blocks", "oversized", "unknown-kinds"),
        *("requests", "addresses"),
    ],
)
def test_the_rate_is_kept_and_what_is_sent_is_well_formed_unless_meant_otherwise(what: str) -> None:
    host, items = flooded(what)
    assert 95 <= len(items) <= 100
    assert len(host.sent) == 2 * len(items)
    for message in messages(items):
        assert decode_frame(encode_message(message)) == [message]


def test_low_rates_add_up() -> None:
    assert len(flooded("valid", seconds=10, rate=1)[1]) in (9, 10)


def test_only_those_it_is_meant_for_are_flooded() -> None:
    host = FakeHost(connected=[ANN, BOB])
    flood = flooding("valid", host, "n2")
    flood.tick(host.passes(0.1))
    assert {peer for peer, _ in host.sent} == {BOB}
    assert flood.hits == len(host.sent)


def test_registrations_are_valid_and_forgeries_are_not() -> None:
    host, valid = flooded("valid", 0.2)
    for item in messages(valid):
        assert isinstance(item, Transactions)
        transaction = decode_transaction(item.raws[0], host.ledger.chain)
        host.ledger.submit(transaction, 1)
    _, forgeries = flooded("invalid-signature", 0.2)
    assert len({encode_message(message) for message in messages(forgeries)}) == len(forgeries)


@pytest.mark.parametrize(
    ("what", "code"), [("invalid-signature", "invalid-signature"), ("addresses", "unrequested")]
)
def test_honest_nodes_ban_the_flooder(what: str, code: str) -> None:
    listener = Conversation()
    listener.connect(LIAR)
    host = FakeHost(ledger=make_ledger(), connected=[LIAR], unix_ms=GENESIS_TIME_MS + 1_000_000)
    flood = flooding(what, host)
    codes: list[str] = []
    for _ in range(20):
        flood.tick(host.passes(0.05))
    for message in messages([item for _, item in host.sent]):
        effects = listener.router.receive(LIAR, message, listener.now())
        effects += listener.verify(shown(effects))
        codes += [e.code for e in effects if isinstance(e, Penalize | Disconnect)]
    assert set(codes) == {code, "banned"}
    assert listener.router.ban_s(LIAR, listener.now()) > 0


def test_orphans_have_no_parent_anywhere() -> None:
    host, items = flooded("orphan-blocks", 0.2)
    kinds = dict.fromkeys(type(message) for message in messages(items))
    assert set(kinds) == {AnnounceBlock, CompactBlock}
    for message in messages(items):
        assert isinstance(message, AnnounceBlock | CompactBlock)
        assert not host.ledger.has_block(decode_header(message.header).parent)


@pytest.mark.parametrize(
    ("what", "code"), [("oversized", "shape"), ("unknown-kinds", "unknown-message")]
)
def test_what_is_no_message_is_refused_by_the_codec(what: str, code: str) -> None:
    _, items = flooded(what, 0.1)
    for item in items:
        assert isinstance(item, bytes)
        with pytest.raises(Malformed) as refusal:
            decode_frame(item)
        assert refusal.value.code == code


def test_requests_are_of_all_kinds_and_their_answers_stay_with_the_flood() -> None:
    host, items = flooded("requests")
    kinds = {type(message) for message in messages(items)}
    assert kinds == {GetPeers, GetHeaders, GetBlocks, GetTransactions, GetBlockTransactions}
    flood = flooding("requests", host)
    theirs, ours = Peers(OWN_REQUESTS + 2, ()), Peers(2, ())
    assert flood.incoming(ANN, [theirs, ours, Blocks(OWN_REQUESTS, ())]) == [ours]


def test_blocks_asked_for_are_those_there_are() -> None:
    chain = ledger()
    ids = {grow(chain, slot).id for slot in range(1, 4)}
    host = FakeHost(ledger=chain, connected=[ANN])
    flood = flooding("requests", host)
    flood.tick(host.passes(0.5))
    asked = [item for _, item in host.sent if isinstance(item, GetBlocks)]
    assert asked
    assert all(ids <= set(request.ids) for request in asked)


def test_addresses_are_signed_for_this_network() -> None:
    host, items = flooded("addresses", 0.2)
    peers: dict[PeerId, None] = {}
    for message in messages(items):
        assert isinstance(message, Peers)
        for raw in message.records:
            peers[PeerId(parse_record(raw, host.ledger.chain).peer)] = None
    assert len(peers) > 16


def test_handshakes_are_a_job() -> None:
    host = FakeHost()
    flood = flooding("handshakes", host)
    assert len(host.jobs) == 1
    assert flood.deadline_s() is None
