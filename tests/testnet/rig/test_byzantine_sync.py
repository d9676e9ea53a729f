"""A liar about its chain: what it says is well-formed and false; honest nodes stay as they are."""

from chain.block import decode_block, decode_header
from p2p.peers.score import BAN_POINTS, POINTS_BROKEN_PROMISE
from p2p.wire.messages import AnnounceBlock, Blocks, GetBlocks, GetHeaders, Headers, Ping
from testnet.faults.byzantine import LyingSync
from testnet.rig.byzantine_sync import CLAIM_EVERY_S
from tests.testnet.rig.fake_host import ANN, BOB
from tests.testnet.rig.producers import converse, honest, stage


def test_announcements_claim_a_height_that_is_not_there() -> None:
    liar = stage(LyingSync(claim_blocks=100))
    (claim,) = liar.announce(ANN)[ANN]
    assert isinstance(claim, AnnounceBlock)
    header = decode_header(claim.header)
    assert header.height == liar.host.ledger.head.height + 100
    assert not liar.host.ledger.has_block(header.parent)


def test_the_claim_is_repeated() -> None:
    liar = stage(LyingSync())
    liar.behaviour.tick(liar.host.now())
    assert sorted(liar.heard()) == sorted((ANN, BOB))
    assert liar.behaviour.deadline_s() == liar.host.s + CLAIM_EVERY_S
    liar.behaviour.tick(liar.host.passes(1))
    assert liar.heard() == {}


def test_every_question_about_the_chain_gets_an_answer_of_its_number() -> None:
    liar = stage(LyingSync(claim_blocks=2_000))
    top = liar.host.ledger.head.id
    assert liar.behaviour.incoming(ANN, [Ping(1)]) == [Ping(1)]
    kinds = set()
    for number in range(1, 60):
        (headers,) = liar.asked(ANN, GetHeaders(number, (top,), 100))
        assert isinstance(headers, Headers)
        assert headers.request == number
        assert len(headers.headers) <= 100
        known = [liar.host.ledger.has_block(decode_header(raw).id) for raw, _ in headers.headers]
        kinds.add(all(known))
        (blocks,) = liar.asked(ANN, GetBlocks(number, (top,)))
        assert isinstance(blocks, Blocks)
        assert blocks.request == number
        for raw in blocks.raws:
            block = decode_block(raw)
            assert block.transactions or block.id != top
    assert kinds == {True, False}


def test_the_story_goes_on_where_it_stopped_and_ends_at_the_claim() -> None:
    liar = stage(LyingSync(claim_blocks=150))
    at = liar.host.ledger.head.height
    last = liar.host.ledger.head.id
    for number in range(200):
        (headers,) = liar.asked(ANN, GetHeaders(number + 1, (last,), 50))
        assert isinstance(headers, Headers)
        story = [decode_header(raw) for raw, _ in headers.headers]
        if story and story[0].parent == last and len(story) > 1 and story[1].parent == story[0].id:
            last, at = story[-1].id, story[-1].height
    assert at == liar.host.ledger.head.height + 150


def test_an_honest_node_stays_where_it_is() -> None:
    for seed in range(20):
        liar = stage(LyingSync())
        liar.host.rng.seed(seed)
        listener = honest(liar)
        before = listener.ledger.head
        liar.behaviour.tick(liar.host.now())
        codes = converse(liar, listener, ANN, liar.heard()[ANN])
        for _ in range(30):
            listener.wait(1)
        assert listener.ledger.head == before
        assert len(codes) <= BAN_POINTS // POINTS_BROKEN_PROMISE
