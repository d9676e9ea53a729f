"""Blocks that are held back, stand far behind, or come before their time."""

import pytest

from chain.block import decode_block, decode_header
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    CompactBlock,
    GetBlocks,
    GetCompactBlock,
    Headers,
)
from testnet.faults.byzantine import EdgeSlots, StaleFork, WithholdBlocks
from testnet.rig.behaviours import behaviour_of
from tests.p2p.founding import GENESIS_TIME_MS
from tests.p2p.protocol.conversation import FOUNDING, SLOT_NOW, Conversation, make_ledger, propose
from tests.testnet.rig.fake_host import ANN, BOB, FakeHost
from tests.testnet.rig.producers import (
    FORMS,
    LIAR,
    Shown,
    Stage,
    converse,
    decoded,
    honest,
    showing,
    stage,
)


def test_a_hoarded_block_is_shown_when_it_is_old() -> None:
    liar = stage(WithholdBlocks(release_ms=5_000))
    assert liar.announce(ANN, BOB) == {}
    assert liar.behaviour.deadline_s() == 105.0
    found = liar.host.ledger.headers_after([liar.host.ledger.chain], 100)
    whole = Headers(1, tuple((header.raw, seal) for header, seal in found))
    assert liar.behaviour.outgoing(ANN, [whole]) == [Headers(1, whole.headers[:-1])]
    liar.behaviour.tick(liar.host.passes(4.5))
    assert liar.heard() == {}
    liar.behaviour.tick(liar.host.passes(0.5))
    assert liar.heard() == {ANN: [liar.announcement], BOB: [liar.announcement]}
    assert liar.behaviour.outgoing(ANN, [whole]) == [whole]
    assert (liar.behaviour.hits, liar.behaviour.deadline_s()) == (1, None)


def test_at_the_end_of_the_fault_everything_is_shown() -> None:
    liar = stage(WithholdBlocks(release_ms=5_000))
    liar.announce(ANN)
    liar.behaviour.end()
    assert liar.heard() == {ANN: [liar.announcement], BOB: [liar.announcement]}


@pytest.mark.parametrize("form", FORMS)
def test_a_stale_fork_stands_behind_and_is_good_in_itself(form: type[Shown]) -> None:
    liar, heard = showing(form, StaleFork(depth_blocks=3), height=8)
    (stale,) = heard[ANN]
    assert heard[BOB] == [stale]
    assert isinstance(stale, form)
    header = decode_header(stale.header)
    assert (header.height, header.slot) == (5, liar.block.header.slot)
    listener = honest(liar)
    before = listener.ledger.head
    assert converse(liar, listener, ANN, [stale]) == []
    assert listener.ledger.has_block(header.id)
    assert listener.ledger.head == before


def test_the_first_blocks_fork_from_the_beginning() -> None:
    liar, heard = showing(AnnounceBlock, StaleFork(depth_blocks=1_000), height=3)
    (stale,) = heard[ANN]
    assert isinstance(stale, AnnounceBlock)
    assert decode_header(stale.header).parent == liar.host.ledger.block_id_at(0)


def early(slot: int) -> Stage:
    """A node in the slot before one of its own, with three transactions waiting."""
    ledger = make_ledger()
    block = propose(ledger, slot - 1, FOUNDING.authorities)
    assert block is not None
    author = next(
        p.author for p in FOUNDING.authorities if ledger.proposes(p.did, slot + 1, ledger.head)
    )
    for sequence in range(3):
        ledger.submit(FOUNDING.transfer(sequence), slot)
    host = FakeHost(
        ledger=ledger,
        author=author,
        connected=[ANN, BOB],
        unix_ms=GENESIS_TIME_MS + slot * 1_000,
    )
    behaviour = behaviour_of(EdgeSlots())
    behaviour.begin(host)
    return Stage(host, behaviour, block)


def test_the_block_of_the_next_slot_is_planted_in_the_own_node() -> None:
    liar = early(SLOT_NOW)
    liar.behaviour.tick(liar.host.now())
    ((source, announcement),) = liar.host.delivered
    assert isinstance(announcement, AnnounceBlock)
    header = decode_header(announcement.header)
    assert header.slot == SLOT_NOW + 1
    assert liar.heard() == {source: [announcement]}
    assert liar.behaviour.hits == 1

    liar.host.delivered.clear()
    assert liar.behaviour.outgoing(BOB, [GetCompactBlock(header.id)]) == []
    liar.behaviour.tick(liar.host.now())
    ((_, answer),) = liar.host.delivered
    assert isinstance(answer, CompactBlock)
    assert len(answer.short_ids) == 3

    liar.host.delivered.clear()
    question = GetBlocks(4, (header.id, liar.block.id))
    assert liar.behaviour.outgoing(BOB, [question]) == [GetBlocks(4, (liar.block.id,))]
    assert liar.behaviour.deadline_s() == liar.host.s
    liar.behaviour.tick(liar.host.now())
    ((asked, answer),) = liar.host.delivered
    assert asked == BOB
    assert isinstance(answer, Blocks)
    (raw,) = answer.raws
    block = decode_block(raw)
    assert len(block.transactions) == 3
    liar.host.ledger.import_block(block, decoded(block), SLOT_NOW)
    assert liar.host.ledger.head.id == header.id
    assert not liar.host.ledger.proposes(header.author, SLOT_NOW + 1, liar.host.ledger.head)


def test_an_honest_node_takes_the_early_block() -> None:
    liar = early(SLOT_NOW)
    listener = Conversation()
    listener.ledger.import_block(liar.block, (), SLOT_NOW - 1)
    listener.connect(LIAR)
    liar.behaviour.tick(liar.host.now())
    ((_, announcement),) = liar.host.delivered
    assert isinstance(announcement, AnnounceBlock)
    header = decode_header(announcement.header)
    (request,) = liar.behaviour.outgoing(ANN, []) or [GetBlocks(1, (header.id,))]
    assert isinstance(request, GetBlocks)
    liar.behaviour.outgoing(ANN, [request])
    liar.behaviour.tick(liar.host.now())
    _, (_, body) = liar.host.delivered
    listener.say(LIAR, announcement)
    listener.verify(listener.say(LIAR, body))
    listener.wait(0.01)
    assert listener.ledger.head.id == header.id


def test_a_slot_that_had_its_early_block_gets_no_second_one() -> None:
    liar = early(SLOT_NOW)
    liar.behaviour.tick(liar.host.now())
    liar.heard()
    liar.host.ledger.submit(FOUNDING.transfer(3), SLOT_NOW)
    second = propose(liar.host.ledger, SLOT_NOW + 1, FOUNDING.authorities)
    assert second is not None
    assert liar.behaviour.outgoing(ANN, [AnnounceBlock(second.header.raw, second.seal)]) == []


def test_nothing_is_made_in_slots_before_anothers() -> None:
    liar = early(SLOT_NOW)
    liar.host.passes(1)
    liar.behaviour.tick(liar.host.now())
    assert (liar.host.delivered, liar.behaviour.hits) == ([], 0)
    assert liar.behaviour.deadline_s() == liar.host.s + 1.0
