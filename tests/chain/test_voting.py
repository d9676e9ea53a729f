"""A voter and its guard: what it signs, what it refuses, and what a lost store costs."""

import pytest

from chain.consensus.finality.duty import Guard, throttled
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.ledger import Ledger
from chain.primitives.errors import Invalid
from chain.primitives.hashing import sha256
from chain.store import MemoryStore
from chain.voting import Voter
from tests.chain.founding import AUTHORITIES, decoded, grow, ledger


def voter(on: Ledger, store: MemoryStore, member: int = 0) -> Voter:
    party = AUTHORITIES[member]
    return Voter(on, store, party.did, party.vote)


def test_votes_for_the_block_of_the_slot_once() -> None:
    store = MemoryStore()
    on = ledger(store)
    one = voter(on, store)
    one.freeze()
    block = grow(on, 1)
    signed = one.vote_for(block.id, 1)
    assert signed is not None
    assert signed.vote.target == Checkpoint(block.id, 1)
    assert signed.verifies(AUTHORITIES[0].vote.public, on.chain)
    assert one.vote_for(block.id, 1) is None
    assert one.vote_at_deadline(1) is None
    again = one.vote_at_deadline(2)
    assert again is not None
    assert again.vote.target == Checkpoint(block.id, 2)


def test_a_block_no_better_than_the_frozen_view_waits_for_the_deadline() -> None:
    store = MemoryStore()
    on = ledger(store)
    block = grow(on, 1)
    one = voter(on, store)
    one.freeze()
    assert one.vote_for(block.id, 1) is None
    assert one.vote_at_deadline(1) is not None


def test_a_head_of_a_slot_to_come_is_not_voted_for_yet() -> None:
    """Its author's clock is ahead; a quorum for such a checkpoint would be a conflict."""
    store = MemoryStore()
    on = ledger(store)
    parent = grow(on, 1)
    early = grow(on, 3)
    one = voter(on, store)
    signed = one.vote_at_deadline(2)
    assert signed is not None
    assert signed.vote.target == Checkpoint(parent.id, 2)
    later = one.vote_at_deadline(3)
    assert later is not None
    assert later.vote.target == Checkpoint(early.id, 3)


def test_the_first_vote_of_a_life_needs_a_block_of_somebody_else() -> None:
    """Who hears nobody makes blocks alone, and may have lost what it signed."""
    store = MemoryStore()
    on = ledger(store)
    one = voter(on, store)
    assert grow(on, 6).header.author == AUTHORITIES[0].did
    assert one.vote_at_deadline(6) is None
    grow(on, 7)
    assert one.vote_at_deadline(7) is not None
    assert grow(on, 9).header.author == AUTHORITIES[0].did
    assert one.vote_at_deadline(20) is not None, "it has begun"


def test_the_guard_outlives_the_process() -> None:
    store = MemoryStore()
    on = ledger(store)
    block = grow(on, 1)
    assert voter(on, store).vote_at_deadline(1) is not None
    back = voter(ledger(store), store)
    assert back.vote_at_deadline(1) is None
    assert back.vote_for(block.id, 1) is None
    assert back.guard == Guard(0, 0, 1)


def finalizing(on: Ledger, stores: list[MemoryStore]) -> None:
    voters = [voter(on, store, member) for member, store in enumerate(stores)]
    for slot in range(1, 5):
        grow(on, slot)
        for each in voters:
            signed = each.vote_at_deadline(slot)
            assert signed is not None
            on.add_vote(signed, slot)


def test_voters_finalize() -> None:
    store = MemoryStore()
    on = ledger(store)
    finalizing(on, [MemoryStore() for _ in AUTHORITIES])
    assert on.finality.finalized.epoch == 3


def test_a_key_without_its_guard_does_not_vote_again() -> None:
    on = ledger()
    finalizing(on, [MemoryStore() for _ in AUTHORITIES])
    with pytest.raises(Invalid, match="vote-guard-missing"):
        voter(on, MemoryStore())
    newcomer = ledger()
    late = voter(newcomer, MemoryStore())
    for height in range(1, 5):
        block = on.block_at(height)
        assert block is not None
        assert late.vote_at_deadline(200) is None, "an old head: its key may have voted since"
        newcomer.import_block(block, decoded(newcomer, block), 200)
    with pytest.raises(Invalid, match="vote-guard-missing"):
        late.check()


def test_an_old_copy_of_the_guard_is_noticed() -> None:
    on = ledger()
    stores = [MemoryStore() for _ in AUTHORITIES]
    backup = MemoryStore()
    grow(on, 1)
    assert voter(on, backup).vote_at_deadline(1) is not None
    on = ledger()
    finalizing(on, stores)
    with pytest.raises(Invalid, match="vote-guard-behind"):
        voter(on, backup)


def test_what_a_guard_allows() -> None:
    def vote(set_id: int, source: int, target: int) -> Vote:
        block = sha256(b"b")
        return Vote(set_id, Checkpoint(block, source), Checkpoint(block, target))

    guard = Guard(1, 5, 9)
    assert guard.allows(vote(1, 5, 10))
    for wrong in (vote(1, 5, 9), vote(1, 4, 10), vote(0, 6, 10), vote(2, 5, 9)):
        assert not guard.allows(wrong)
    assert guard.allows(vote(2, 1, 10))
    assert guard.after(vote(2, 1, 10)) == Guard(2, 1, 10)
    assert guard.after(vote(1, 7, 10)) == Guard(1, 7, 10)


def test_authors_slow_down_while_nothing_becomes_final() -> None:
    def share(lag: int) -> int:
        return sum(not throttled(slot, 4, lag) for slot in range(0, 640, 4))

    assert [share(lag) for lag in (0, 1000, 1001, 2001, 3001, 4001, 99_999)] == [
        *(160, 160, 80, 40, 20, 10, 10)
    ]
