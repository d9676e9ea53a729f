"""Why finality is late, in the words an operator reads."""

from chain.consensus.finality.vote import SignedVote
from chain.store import MemoryStore
from chain.voting import Voter
from p2p.finality_status import LATE_SLOTS, finality_status, why_late
from tests.chain.founding import AUTHORITIES, grow, ledger

SLOTS = 20


def late_after(delay: int) -> str:
    """What is said after some slots in which every vote came so many slots late."""
    on = ledger()
    voters = [Voter(on, MemoryStore(), party.did, party.vote) for party in AUTHORITIES]
    coming: list[tuple[int, SignedVote]] = []
    for slot in range(1, SLOTS + 1):
        grow(on, slot)
        signed = [voter.vote_at_deadline(slot) for voter in voters]
        coming += [(slot + delay, vote) for vote in signed if vote is not None]
        for due, vote in coming:
            if due == slot:
                on.add_vote(vote, slot)
    said = finality_status(on, SLOTS).late
    assert said == why_late(on, SLOTS)
    return said


def test_nothing_is_said_while_votes_come_in_time() -> None:
    assert late_after(0) == ""


def test_votes_that_come_late_justify_and_finalize_nothing() -> None:
    assert "never in two slots running: votes come late" in late_after(LATE_SLOTS // 2)
