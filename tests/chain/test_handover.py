"""A change of the authorities from proposal to handover, on a ledger with certificates."""

from contextlib import suppress

import pytest

from chain.block import Block, decode_receipt
from chain.consensus.authority import sealed_bytes
from chain.consensus.finality.evidence import Evidence, of_blocks
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from chain.transactions.governance_actions import (
    ChangeAuthorities,
    SetParameter,
)
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_seats import seated_since, set_decided, set_in_force
from tests.chain.consensus.finality.world import sign
from tests.chain.founding import decoded, resealed
from tests.chain.sets import BY_ID, PEOPLE, Chain, change

CHANGES = {
    "one comes": change(added=PEOPLE[4:5]),
    "three at once": change(PEOPLE[1:4], PEOPLE[4:7]),
    "a disjoint set": change(PEOPLE[:4], PEOPLE[4:9]),
}


@pytest.mark.parametrize("wanted", CHANGES.values(), ids=CHANGES)
def test_a_decided_set_takes_over_once_the_decision_is_final(wanted: ChangeAuthorities) -> None:
    chain = Chain(4)
    before = chain.authorities
    deciding = chain.decide(wanted, PEOPLE[:3])
    decided = set_decided(chain.on.state)
    assert decided is not None
    assert deciding.header.next_set == decided.hash
    assert chain.authorities == before
    while chain.on.head.slot < 6:  # the old set goes on
        assert chain.grow().header.set_id == 0
    handover = chain.finish(deciding)
    assert handover.header.set_id == 0
    assert chain.authorities == decided
    assert set_in_force(chain.on.state) == decided
    assert set_decided(chain.on.state) is None
    members = {member.did for member in decided.members}
    assert {member.did for member in before.members} - set(wanted.removed) <= members
    for _ in range(2 * len(members)):
        block = chain.grow()
        assert block.header.set_id == 1
        assert block.header.author in members
    # The new set decides about itself, and finalizes.
    speakers = [BY_ID[member.did] for member in decided.members]
    chain.decide(SetParameter("block_transactions_max", 9), speakers)
    again = chain.decide(
        change(added=PEOPLE[8:] if PEOPLE[8] not in speakers else PEOPLE[:1]), speakers
    )
    chain.finish(again)
    assert chain.authorities.id == 2
    assert set(chain.judged()) == {""}


def test_who_lost_its_seat_seals_nothing_and_votes_for_nothing() -> None:
    chain = Chain(5)
    gone = PEOPLE[4]
    before = chain.authorities
    place = before.index(gone.did)
    assert place is not None
    chain.finish(chain.decide(change([gone]), PEOPLE[:4]))
    assert chain.authorities.index(gone.did) is None
    slot = chain.on.head.slot + 1
    assert not any(chain.on.proposes(gone.did, later) for later in range(slot, slot + 20))
    head = chain.grow()
    newest = chain.on.finality.standing(head.id).newest
    target = Checkpoint(head.id, slot)
    with pytest.raises(Refusal):
        chain.on.add_vote(sign(Vote(1, newest, target), place, gone, chain.genesis.hash), slot)
    # All of the earlier set together justify nothing behind the block that ended it.
    for number, member in enumerate(before.members):
        signed = sign(Vote(0, newest, target), number, BY_ID[member.did], chain.genesis.hash)
        with suppress(Refusal):
            chain.on.add_vote(signed, slot)
    assert chain.grow().certificates == ()
    assert chain.on.finality.standing(chain.on.head.id).newest == newest
    chain.vote(Checkpoint(head.id, chain.on.head.slot))
    assert len(chain.grow().certificates) == 1


def test_votes_of_a_set_that_is_over_are_taken_from_nobody() -> None:
    chain = Chain(4)
    before = chain.authorities
    chain.finish(chain.decide(change(PEOPLE[:1], PEOPLE[4:5]), PEOPLE[:3]))
    finality, slot = chain.on.finality, chain.on.head.slot
    late = Vote(0, Checkpoint(chain.blocks[0].id, 1), Checkpoint(chain.on.head.id, slot))
    signed = sign(late, 1, BY_ID[before.members[1].did], chain.genesis.hash)
    assert len(finality.judge_vote(signed, slot)) == 1, "until the new set has finalized"
    chain.grow()
    chain.finalize()
    assert finality.finalized.set_id == 1
    with pytest.raises(Declined, match="vote-old"):
        finality.judge_vote(signed, slot)


def test_a_header_names_the_set_that_was_decided_and_no_other() -> None:
    chain = Chain(4)
    deciding = chain.decide(change(added=PEOPLE[4:5]), PEOPLE[:3])
    other = Ledger(chain.genesis, MemoryStore(), engine_of(chain.genesis))
    first = chain.blocks[0]
    other.import_block(first, decoded(other, first), 2)
    author = BY_ID[deciding.header.author].author
    for named in (b"", bytes(32)):
        wrong = resealed(deciding, author, next_set=named)
        with pytest.raises(Refusal, match="wrong-next-set"):
            other.import_block(wrong, decoded(other, wrong), 2)
    other.import_block(deciding, decoded(other, deciding), 2)


def twins(block: Block) -> Evidence:
    """Its author has sealed another one for the slot."""
    offender = BY_ID[block.header.author]
    twin = resealed(block, offender.author, transactions=Hash(bytes(32)))
    sealed = [
        (each.header, offender.seal.sign(sealed_bytes(each.header.id))) for each in (block, twin)
    ]
    return of_blocks(offender.did, offender.seal.public, *sealed)


def test_evidence_on_the_chain_takes_the_seat() -> None:
    chain = Chain(5)
    block = chain.grow()
    offender = BY_ID[block.header.author]
    evidence = twins(block)
    deciding = chain.grow(chain.sign(PEOPLE[8], SubmitEvidence(evidence)))
    assert deciding.header.next_set
    chain.finish(deciding)
    assert chain.authorities.index(offender.did) is None
    assert len(chain.authorities.members) == 4
    assert set(chain.judged()) == {""}


def test_who_is_voted_back_in_loses_the_seat_by_a_new_offence_and_by_no_old_one() -> None:
    chain = Chain(5)
    rounds = [chain.grow() for _ in range(10)]
    offender = BY_ID[rounds[0].header.author]
    first, second = (twins(each) for each in rounds if each.header.author == offender.did)
    reporter = PEOPLE[8]
    chain.finish(chain.grow(chain.sign(reporter, SubmitEvidence(first))))
    others = [person for person in PEOPLE[:5] if person != offender]
    chain.finish(chain.decide(change(added=[offender]), others))
    assert seated_since(chain.on.state, offender.did) == 2
    assert seated_since(chain.on.state, others[0].did) == 0
    old = chain.sign(reporter, SubmitEvidence(second))
    block = chain.grow(old, careless=True)
    receipt = decode_receipt(chain.on.encoded_receipts(block.id)[0])
    assert (receipt.txid, receipt.code) == (old.id, "former-seat")
    while chain.grow().header.author != offender.did:
        pass
    chain.finish(chain.grow(chain.sign(reporter, SubmitEvidence(twins(chain.blocks[-1])))))
    assert chain.authorities.index(offender.did) is None
    assert chain.authorities.id == 3
    assert set(chain.judged()) == {""}


def test_a_new_ledger_follows_the_chain_over_every_handover() -> None:
    chain = Chain(4)
    for wanted, speakers in (
        (change(added=PEOPLE[4:5]), PEOPLE[:3]),
        (change(PEOPLE[1:4], PEOPLE[5:8]), PEOPLE[:5]),
    ):
        chain.finish(chain.decide(wanted, speakers))
        chain.grow()
        chain.finalize()
        chain.grow()  # carries the last certificate
    fresh = Ledger(chain.genesis, MemoryStore(), engine_of(chain.genesis))
    for block in chain.blocks:
        fresh.import_block(block, decoded(fresh, block), block.header.slot)
    assert fresh.head.id == chain.on.head.id
    assert fresh.finality.authorities(fresh.head.id).id == 2
    assert fresh.finality.finalized.set_id == 2
    assert set_in_force(fresh.state) == chain.authorities
    assert set(chain.judged()) == {""}
