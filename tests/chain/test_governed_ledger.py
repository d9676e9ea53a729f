"""Decisions on a chain: they count from the next block on, on each branch by itself, and the
second validator judges them alike."""

from dataclasses import replace

import pytest

from chain.block import Block, encode_block, list_root
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.governance_actions import (
    Action,
    Admit,
    SetParameter,
    Suspend,
    arguments_hash,
)
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_records import Outcome, proposal_of
from chain.transactions.governance_vote import CastVote
from chain.transactions.payment import Transfer
from testnet.checkers.reference import Reference
from tests.chain.founding import AUTHORITIES, GENESIS, decoded, grow, ledger, make, resealed

FEW = SetParameter("block_transactions_max", 2)


def signed(on: Ledger, who: int, body: Body) -> Transaction:
    """The next transaction of an authority."""
    party = AUTHORITIES[who]
    sequence = on.mempool.next_free(party.did, 0, on.next_sequence(party.did, 0))
    expiry = on.head.slot + 100
    return sign_transaction(party.tx, GENESIS.hash, party.did, 0, sequence, expiry, body)


def decide(on: Ledger, slot: int, action: Action, voters: tuple[int, ...] = (0, 1, 2)) -> Block:
    """Propose in one block and vote in the next, which is returned."""
    proposal = signed(on, voters[0], Propose(action, slot + 50, Hash(bytes(32))))
    grow(on, slot, proposal)
    hashed = arguments_hash(action)
    votes = [signed(on, who, CastVote(proposal.id, hashed, True)) for who in voters]
    block = grow(on, slot + 1, *votes)
    record = proposal_of(on.state, proposal.id)
    assert record is not None
    assert record.outcome is Outcome.PASSED
    return block


def pay(on: Ledger, who: int) -> Transaction:
    """A payment to oneself."""
    return signed(on, who, Transfer("CNY", AUTHORITIES[who].did, 1))


def crowd(on: Ledger, block: Block) -> Block:
    """The block with three transactions in place of two."""
    third = pay(on, 2).raw
    raws = (*block.transactions[:2], third)
    return resealed(replace(block, transactions=raws), transactions=list_root(raws))


def test_a_limit_counts_from_the_block_after_the_decision() -> None:
    on = ledger()
    deciding = decide(on, 1, FEW)
    assert len(deciding.transactions) == 3
    block = make(on, 3, *(pay(on, who) for who in range(3)))
    assert len(block.transactions) == 2
    full = crowd(on, block)
    with pytest.raises(Invalid, match="too-many-transactions: 3 transactions, at most 2"):
        on.import_block(full, decoded(on, full), 3)
    judged = Reference(GENESIS).judge(
        [encode_block(b) for b in (on.block_at(1), on.block_at(2), full, block) if b is not None]
    )
    assert [j.code for j in judged.values()] == ["", "", "", "too-many-transactions", ""]


def test_the_expiry_window_is_that_of_the_state() -> None:
    on = ledger()
    decide(on, 1, SetParameter("expiry_slots_max", 50))
    assert on.parameters.expiry_slots_max == 50
    with pytest.raises(Declined, match="expiry-too-far"):
        on.submit(pay(on, 0), on.head.slot)


def test_a_branch_without_the_decision_keeps_its_limit() -> None:
    """A side branch is judged by its own parent's state, when it becomes the best."""
    on, aside = ledger(), ledger()
    decide(on, 1, FEW)
    blocks = [grow(aside, slot, *(pay(aside, who) for who in range(3))) for slot in (4, 5, 6)]
    for block in blocks:
        on.import_block(block, decoded(aside, block), 6)
    assert on.head.id == blocks[-1].id
    assert on.parameters.block_transactions_max == GENESIS.parameters.block_transactions_max


def test_a_decision_comes_and_goes_with_its_block() -> None:
    on, aside = ledger(), ledger()
    decide(on, 1, Suspend(AUTHORITIES[2].did), (0, 1))
    with pytest.raises(Declined, match="sender-standing"):
        on.submit(pay(on, 2), 3)
    for slot in (4, 5, 6):
        block = grow(aside, slot)
        on.import_block(block, [], 6)
    on.submit(pay(on, 2), 7)
    again = [encode_block(b) for at in range(1, 4) if (b := on.block_at(at)) is not None]
    assert all(judgement.good for judgement in Reference(GENESIS).judge(again).values())


def test_a_suspended_sender_makes_a_block_wrong() -> None:
    on = ledger()
    waiting = pay(on, 2)
    decide(on, 1, Suspend(AUTHORITIES[2].did), (0, 1))
    block = make(on, 3)
    wrong = resealed(
        replace(block, transactions=(waiting.raw,)), transactions=list_root((waiting.raw,))
    )
    with pytest.raises(Invalid, match="sender-standing"):
        on.import_block(wrong, decoded(on, wrong), 3)
    chain = [encode_block(b) for b in (on.block_at(1), on.block_at(2), wrong) if b is not None]
    assert Reference(GENESIS).judge(chain)[chain[-1]].code == "sender-standing"
    # It still seals its blocks: a suspension takes no seat.
    assert make(on, 5).header.author == AUTHORITIES[2].did
    decide(on, 6, Admit(AUTHORITIES[2].did), (0, 1))
    assert on.submit(pay(on, 2), 8)


def test_what_waits_of_a_suspended_sender_is_left_out() -> None:
    on = ledger()
    on.submit(pay(on, 2), 1)
    grow(on, 1)
    on.submit(pay(on, 2), 1)
    proposal = signed(on, 0, Propose(Suspend(AUTHORITIES[2].did), 50, Hash(bytes(32))))
    hashed = arguments_hash(Suspend(AUTHORITIES[2].did))
    on.submit(proposal, 2)
    for who in (0, 1):
        on.submit(signed(on, who, CastVote(proposal.id, hashed, True)), 2)
    grow(on, 2)
    assert grow(on, 3).transactions == ()
