"""Two blocks for one slot: both stand, each is shown to one half, and an honest node takes both."""

import pytest

from chain.block import decode_block, decode_header
from p2p.wire.messages import AnnounceBlock, Blocks, CompactBlock, GetBlocks, GetCompactBlock
from testnet.faults.byzantine import Equivocate
from tests.testnet.rig.fake_host import ANN, BOB
from tests.testnet.rig.producers import FORMS, Shown, converse, decoded, honest, showing, stage


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("transactions", [0, 3])
def test_one_half_hears_of_a_twin_that_is_as_good(transactions: int, form: type[Shown]) -> None:
    liar, heard = showing(form, Equivocate(), transactions=transactions)
    one, other = heard[ANN], heard[BOB]
    assert [liar.announcement] in (one, other)
    (twin,) = other if one == [liar.announcement] else one
    assert isinstance(twin, form)
    header = decode_header(twin.header)
    assert header.id != liar.block.id
    assert (header.slot, header.parent) == (liar.block.header.slot, liar.block.header.parent)
    assert liar.behaviour.hits == 1

    listener = honest(liar)
    assert converse(liar, listener, ANN, [twin]) == []
    assert listener.ledger.head.id == header.id
    listener.ledger.import_block(liar.block, decoded(liar.block), header.slot)
    best = min((header.id, liar.block.id), key=lambda block_id: int.from_bytes(block_id))
    assert listener.ledger.head.id == best


def test_the_twin_is_served_next_to_what_the_node_has() -> None:
    liar, heard = showing(AnnounceBlock, Equivocate())
    ((twin,),) = [said for said in heard.values() if said != [liar.announcement]]
    assert isinstance(twin, AnnounceBlock)
    twin_id = decode_header(twin.header).id
    left = liar.behaviour.incoming(ANN, [GetBlocks(7, (twin_id, liar.block.id))])
    assert left == [GetBlocks(7, (liar.block.id,))]
    ((_, answer),) = liar.host.sent
    assert isinstance(answer, Blocks)
    assert [decode_block(raw).id for raw in answer.raws] == [twin_id]
    liar.heard()
    assert liar.behaviour.incoming(ANN, [GetCompactBlock(twin_id)]) == []
    ((_, compact),) = liar.host.sent
    assert isinstance(compact, CompactBlock)
    assert decode_header(compact.header).id == twin_id


def test_blocks_of_others_and_of_earlier_pass() -> None:
    liar = stage(Equivocate())
    parent = liar.host.ledger.block_at(liar.block.header.height - 1)
    assert parent is not None
    passing = AnnounceBlock(parent.header.raw, parent.seal)
    assert liar.behaviour.outgoing(ANN, [passing]) == [passing]
    liar.host.passes(3_600)
    liar.behaviour.begin(liar.host)
    assert liar.announce(ANN, BOB) == {ANN: [liar.announcement], BOB: [liar.announcement]}
