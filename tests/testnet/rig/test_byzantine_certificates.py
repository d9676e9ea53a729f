"""Each bad certificate is refused for what is wrong with it; where none can be bad, none is."""

import pytest

from chain.block import decode_block, decode_header
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.ledger import Ledger
from chain.primitives.errors import Invalid
from p2p.wire.messages import AnnounceBlock, Blocks, CompactBlock, GetBlocks
from testnet.faults.byzantine import BadCertificates
from testnet.rig.behaviour import Behaviour
from testnet.rig.behaviours import behaviour_of
from tests.chain.consensus.finality.world import sign
from tests.chain.founding import AUTHORITIES, grow, ledger
from tests.testnet.rig.fake_host import ANN, BOB, FakeHost

REFUSED = {
    "forged": "certificate-signature",
    "short": "certificate-quorum",
    "again": "certificate-source",
}


def voted(blocks: int) -> tuple[Ledger, Ledger]:
    """A chain on which everybody votes for each block, and one that lacks the newest."""
    chain, listener = ledger(), ledger()
    for slot in range(1, blocks + 1):
        block = grow(chain, slot)
        if slot < blocks:
            listener.import_block(block, (), slot)
        source = chain.finality.standing(block.id).newest
        link = Vote(0, source, Checkpoint(block.id, slot))
        for place, party in enumerate(AUTHORITIES):
            chain.add_vote(sign(link, place, party, chain.chain), slot)
    return chain, listener


def lying(chain: Ledger, how: str) -> tuple[FakeHost, Behaviour, AnnounceBlock]:
    """The author of the newest block, as it is about to announce it."""
    head = chain.head.header
    author = next(party.author for party in AUTHORITIES if party.did == head.author)
    host = FakeHost(ledger=chain, author=author, connected=[ANN, BOB], unix_ms=0)
    behaviour = behaviour_of(BadCertificates(how))
    behaviour.begin(host)
    return host, behaviour, AnnounceBlock(head.raw, chain.head.seal)


@pytest.mark.parametrize("how", REFUSED)
def test_it_is_refused_for_what_is_wrong(how: str) -> None:
    chain, listener = voted(6)
    host, behaviour, announcement = lying(chain, how)
    assert behaviour.outgoing(ANN, [announcement]) == []
    shown = host.sent[0][1]
    assert isinstance(shown, AnnounceBlock | CompactBlock)
    behaviour.incoming(BOB, [GetBlocks(1, (decode_header(shown.header).id,))])
    served = host.sent[-1][1]
    assert isinstance(served, Blocks)
    bad = decode_block(served.raws[0])
    with pytest.raises(Invalid) as refused:
        listener.import_block(bad, (), bad.header.slot)
    assert refused.value.code == REFUSED[how]
    assert bad.id != chain.head.id


@pytest.mark.parametrize("how", REFUSED)
def test_a_block_with_nothing_to_spoil_is_shown(how: str) -> None:
    chain, _ = voted(1)
    host, behaviour, announcement = lying(chain, how)
    assert behaviour.outgoing(ANN, [announcement]) == [announcement]
    assert (host.sent, behaviour.hits) == ([], 0)
