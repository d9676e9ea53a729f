"""Finality on a ledger: votes justify and finalize, certificates travel in blocks, F stays."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from chain.block import Block, certificates_hash
from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.standing import Mark
from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote, decode_vote
from chain.ledger import (
    BlockFinalized,
    BlockJustified,
    CertificateFound,
    EvidenceFound,
    HeadChanged,
    Ledger,
    LedgerEvent,
)
from chain.parameters import Consensus
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from tests.chain.consensus.finality.world import certify, sign
from tests.chain.founding import (
    AUTHORITIES,
    GENESIS,
    decoded,
    genesis,
    grow,
    ledger,
    make,
    resealed,
    transfer,
)

CHAIN = GENESIS.hash
EVERYONE = range(3)


def at(block: Block, epoch: int) -> Checkpoint:
    return Checkpoint(block.id, epoch)


def first(on: Ledger) -> Checkpoint:
    block_id = on.block_id_at(0)
    assert block_id is not None
    return Checkpoint(block_id, 0)


def vote(on: Ledger, link: Vote, who: Iterable[int] = EVERYONE, slot: int = 0) -> list[LedgerEvent]:
    events: list[LedgerEvent] = []
    for member in who:
        signed = sign(link, member, AUTHORITIES[member], CHAIN)
        events += on.add_vote(signed, slot or link.target.epoch)
    return events


def certificate(link: Vote) -> Certificate:
    return certify(link, AUTHORITIES, EVERYONE, CHAIN)


def carrying(block: Block, *certificates: Certificate) -> Block:
    raws = tuple(each.encode() for each in certificates)
    return replace(resealed(block, certificates=certificates_hash(raws)), certificates=raws)


def test_a_quorum_of_votes_justifies_and_the_next_epoch_finalizes() -> None:
    on = ledger()
    one = grow(on, 1)
    link = Vote(0, first(on), at(one, 1))
    assert vote(on, link, [0, 1]) == []
    events = vote(on, link, [2])
    assert [type(event) for event in events] == [CertificateFound, BlockJustified]
    assert on.finality.justified == Mark(0, 1, one.id)
    two = grow(on, 2)
    assert len(two.certificates) == 1, "the next author includes what it holds"
    events = vote(on, Vote(0, at(one, 1), at(two, 2)))
    assert BlockFinalized(one.id, 1, 1, 0) in events
    assert on.finality.finalized == Mark(0, 1, one.id)
    assert on.finality.standing(two.id).newest == at(one, 1)


def test_certificates_in_blocks_teach_those_who_saw_no_votes() -> None:
    maker, learner = ledger(), ledger()
    blocks: list[Block] = []
    source = first(maker)
    for slot in range(1, 6):
        block = grow(maker, slot)
        blocks.append(block)
        vote(maker, Vote(0, source, at(block, slot)))
        source = at(block, slot)
    for block in blocks:
        events = learner.import_block(block, (), block.header.slot)
    assert learner.finality.finalized == Mark(0, 3, blocks[2].id)
    assert BlockFinalized(blocks[2].id, 3, 3, 0) in events
    assert maker.finality.finalized == Mark(0, 4, blocks[3].id)


def test_votes_that_come_before_their_block_count_when_it_comes() -> None:
    maker, on = ledger(), ledger()
    block = grow(maker, 1)
    events = vote(on, Vote(0, first(on), at(block, 1)))
    assert [type(event) for event in events] == [CertificateFound]
    assert on.finality.justified.epoch == 0
    events = on.import_block(block, (), 1)
    assert BlockJustified(block.id, 1, 1, 0) in events
    assert on.finality.justified == Mark(0, 1, block.id)


def fork(on: Ledger) -> tuple[Block, Block]:
    """Two blocks on the first one, of slots 1 and 2; the head is that of the lower slot."""
    other = ledger()
    one, two = grow(on, 1), grow(other, 2)
    on.import_block(two, (), 2)
    assert on.head.id == one.id
    return one, two


def test_the_head_stands_on_what_votes_alone_have_justified() -> None:
    on = ledger()
    one, two = fork(on)
    events = vote(on, Vote(0, first(on), at(two, 2)))
    assert on.head.id == two.id
    assert HeadChanged(one.id, two.id, 1, 1) in events
    late = make(ledger_on(one), 4)
    on.import_block(late, (), 4)
    assert on.head.id == two.id, "a longer chain beside what is justified does not count"


def ledger_on(*blocks: Block) -> Ledger:
    other = ledger()
    for block in blocks:
        other.import_block(block, decoded(other, block), block.header.slot)
    return other


def finalized() -> tuple[MemoryStore, Ledger, Block, Block]:
    """A ledger where the block of slot 2 is final, and one of slot 1 was left beside it."""
    store = MemoryStore()
    on = ledger(store)
    one, two = fork(on)
    vote(on, Vote(0, first(on), at(two, 2)))
    vote(on, Vote(0, at(two, 2), at(two, 3)))
    assert on.finality.finalized == Mark(0, 2, two.id)
    return store, on, one, two


def test_what_is_final_stays_across_restarts_and_longer_chains() -> None:
    store, on, one, two = finalized()
    again = ledger(store)
    for each in (on, again):
        assert each.finality.finalized == Mark(0, 2, two.id)
        assert each.head.id == two.id
        with pytest.raises(Declined, match="below-final"):
            each.import_block(make(ledger_on(one), 4), (), 4)
    assert again.finality.closure.held == on.finality.closure.held


def test_a_chain_is_given_all_that_made_it_final_here() -> None:
    """Votes made its block final before any block could carry a certificate."""
    _, on, _, two = finalized()
    block = grow(on, 5)
    assert len(block.certificates) == 2
    assert on.finality.standing(block.id).finalized == at(two, 2)
    assert make(on, 6).certificates == ()


def test_two_votes_for_one_epoch_are_evidence() -> None:
    on = ledger()
    one, two = fork(on)
    vote(on, Vote(0, first(on), at(one, 2)), [0])
    (event,) = vote(on, Vote(0, first(on), at(two, 2)), [0])
    assert isinstance(event, EvidenceFound)
    event.evidence.check(CHAIN)
    assert event.evidence.offender == AUTHORITIES[0].did
    with pytest.raises(Declined, match="vote-known"):
        vote(on, Vote(0, first(on), at(two, 2)), [0])


def test_a_second_block_in_a_slot_is_evidence() -> None:
    on, other = ledger(), ledger()
    grow(on, 3)
    second = make(other, 3, transfer(0))
    events = on.import_block(second, decoded(on, second), 3)
    (event,) = (event for event in events if isinstance(event, EvidenceFound))
    event.evidence.check(CHAIN)
    assert event.evidence.offender == second.header.author


def test_votes_are_bounded_in_time_and_judged_by_their_set() -> None:
    on = ledger()
    block = grow(on, 1)
    link = Vote(0, first(on), at(block, 1))
    good = sign(link, 0, AUTHORITIES[0], CHAIN)
    for wrong, slot, refusal in (
        (good, 200, "vote-time"),
        (replace(good, member=1), 1, "vote-signature"),
        (replace(good, member=3), 1, "vote-member"),
        (replace(good, vote=replace(link, set_id=1)), 1, "unknown-set"),
        (replace(good, vote=replace(link, target=first(on))), 1, "vote-epochs"),
    ):
        with pytest.raises((Declined, Invalid), match=refusal):
            on.add_vote(wrong, slot)
    assert decode_vote(good.encode()) == good
    assert isinstance(good, SignedVote)


def test_where_work_decides_nobody_votes() -> None:
    on = ledger(founding=genesis(Consensus.WORK))
    with pytest.raises(Invalid, match="vote-member"):
        vote(on, Vote(0, first(on), Checkpoint(first(on).block, 1)), [0])
    with pytest.raises(Invalid, match="certificate-bits"):
        on.add_certificate(certificate(Vote(0, first(on), Checkpoint(first(on).block, 1))), 1)


def test_a_certificate_from_a_peer_counts_like_votes() -> None:
    on = ledger()
    block = grow(on, 1)
    link = Vote(0, first(on), at(block, 1))
    events = on.add_certificate(certificate(link), 1)
    assert BlockJustified(block.id, 1, 1, 0) in events
    with pytest.raises(Declined, match="certificate-known"):
        on.add_certificate(certificate(link), 1)
    lacking = certify(Vote(0, first(on), at(block, 2)), AUTHORITIES, [0, 1], CHAIN)
    with pytest.raises(Invalid, match="2 of 3 signed, 3 are needed"):
        on.add_certificate(lacking, 2)


def test_a_certificate_of_an_epoch_to_come_counts_when_it_has_come() -> None:
    on = ledger()
    block = grow(on, 1)
    early = certificate(Vote(0, first(on), at(block, 10**9)))
    with pytest.raises(Declined, match="for epoch 1000000000, now is 1"):
        on.add_certificate(early, 1)
    assert not on.finality.closure.knows(early.vote), "nor is it parked"
    with pytest.raises(Declined, match="certificate-time"):
        on.add_certificate(early, 10**9 - 2)
    assert BlockJustified(block.id, 1, 10**9, 0) in on.add_certificate(early, 10**9 - 1)


@pytest.mark.parametrize(
    ("code", "source", "target", "epoch"),
    [
        ("certificate-source", 1, 2, 3),
        ("certificate-epochs", 0, 2, 4),
        ("certificate-epochs", 0, 2, 1),
        ("certificate-repeated", 0, 2, 0),
        ("certificate-target", 0, -1, 3),
        ("", 0, 2, 3),
        ("", 0, 1, 3),
        ("", 0, 0, 3),
    ],
)
def test_links_in_blocks(code: str, source: int, target: int, epoch: int) -> None:
    """A chain with blocks of slots 1 and 2; the block of slot 4 carries a certificate."""
    on = ledger()
    chain: list[Hash] = [first(on).block, grow(on, 1).id, grow(on, 2).id]
    blocks = [*chain, make(ledger(), 3).id]
    slots = [0, 1]
    link = Vote(0, Checkpoint(blocks[source], slots[source]), Checkpoint(blocks[target], epoch))
    block = carrying(make(on, 4), certificate(link))
    if code:
        with pytest.raises(Invalid) as refused:
            on.import_block(block, (), 4)
        assert refused.value.code == code
        return
    on.import_block(block, (), 4)
    assert on.finality.standing(block.id).newest == link.target


def test_a_certificate_is_carried_once() -> None:
    on = ledger()
    one = grow(on, 1)
    vote(on, Vote(0, first(on), at(one, 1)))
    carrier = grow(on, 2)
    assert carrier.certificates
    again = carrying(make(on, 3), certificate(Vote(0, first(on), at(one, 1))))
    with pytest.raises(Invalid, match="certificate-repeated"):
        on.import_block(again, (), 3)


def test_a_set_nobody_decided_is_refused() -> None:
    on = ledger()
    with pytest.raises(Invalid, match="wrong-next-set"):
        on.import_block(resealed(make(on, 1), next_set=b"x" * 32), (), 1)
