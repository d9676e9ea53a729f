"""When our authority votes: for the slot's block as it comes, else for the head at the deadline.

Rules:
- The view is frozen a third of a slot before the slot begins; a block of the slot that comes within
  its first third is voted for at once, if it is at least as good; else the head, when that third is
  over. *Why thirds:* a block, and then its votes, have a third each to reach everybody.
- Nothing is signed while blocks above the head are coming, nor in the beginning before a peer has
  said where it is, ASKED_SLOTS at most. *Why:* a vote for a stale head helps nobody, and costs the
  slot. *Why no longer:* anybody can claim a head and be silent when asked for it, over and over.
- The first vote of a life comes at the deadline of the slot after that. *Why:* a node that is back
  from an old backup does not know what it has signed; by then, a third of a slot later at least,
  its peers have told it, and its guard is behind.
- The guard is on the disk before a vote leaves. A key whose guard does not know all that was signed
  with it never votes again here; the node goes on without. *Why:* see chain.voting.
Spec: docs/spec/consensus.md, section 7.
"""

from collections.abc import Callable

from chain.consensus.engine import Author
from chain.consensus.finality.vote import SignedVote
from chain.ledger import Ledger
from chain.primitives.errors import Invalid
from chain.voting import Voter
from p2p.protocol.ballots import Ballots
from p2p.protocol.effects import Count, Effect, Warn
from p2p.protocol.instant import Now
from p2p.protocol.production import Surroundings


def open_voter(ledger: Ledger, author: Author | None) -> Voter | None:
    """The voter of an author that has a vote key, where votes count.

    Raises Invalid when the guard of the key is missing or behind (see `Voter`).
    """
    if author is None or author.vote is None or not ledger.engine.exclusive:
        return None
    return Voter(ledger, ledger.store, author.did, author.vote)


ASKED_SLOTS = 8  # two stalls of a request for headers where slots last a second


class Voting:
    """The voter's engine; without a voter it never does anything."""

    def __init__(
        self, ledger: Ledger, voter: Voter | None, ballots: Ballots, *, alone: bool
    ) -> None:
        self._ledger = ledger
        self._voter = voter
        self._ballots = ballots
        self._alone = alone
        self._third_ms = ledger.genesis.slot_ms // 3
        self._next_s = 0.0
        self._frozen = 0
        self._closed = 0
        self._met = -1  # the slot in which it first had a peer
        self._hearing = -1  # the slot in which it first knew where the others are

    @property
    def active(self) -> bool:
        """Whether votes are signed here."""
        return self._voter is not None

    def deadline_s(self) -> float | None:
        """When to tick next: a slot begins, its deadline comes, or the next view is frozen."""
        return None if self._voter is None else self._next_s

    def tick(self, now: Now, around: Surroundings) -> list[Effect]:
        """Freeze the view, vote at the deadline, or for a block that came before its slot."""
        if self._voter is None or now.s < self._next_s:
            return []
        genesis = self._ledger.genesis
        slot = genesis.slot_at(now.unix_ms)
        start_ms = genesis.slot_start_ms(slot)
        end_ms = genesis.slot_start_ms(slot + 1)
        moments = (start_ms + self._third_ms, end_ms - self._third_ms, end_ms)
        next_ms = next(moment for moment in moments if moment > now.unix_ms)
        self._next_s = now.s + (next_ms - now.unix_ms) / 1000
        coming = genesis.slot_at(now.unix_ms + self._third_ms)
        if coming > self._frozen:
            self._frozen = coming
            self._voter.freeze()
        if not self._may_vote(slot, around):
            return []
        if now.unix_ms < start_ms + self._third_ms:
            return self.head_moved(now, around)
        if slot <= self._closed:
            return []
        self._closed = slot
        voter = self._voter
        return self._cast(lambda: voter.vote_at_deadline(slot), now)

    def head_moved(self, now: Now, around: Surroundings) -> list[Effect]:
        """A block may have come that is the slot's: vote for it if it came in time."""
        voter, head, genesis = self._voter, self._ledger.head, self._ledger.genesis
        slot = genesis.slot_at(now.unix_ms)
        in_time = now.unix_ms < genesis.slot_start_ms(slot) + self._third_ms
        if voter is None or head.slot != slot or not in_time or slot <= self._closed:
            return []
        if not self._may_vote(slot, around) or slot == self._hearing + 1:
            return []
        return self._cast(lambda: voter.vote_for(head.id, slot), now)

    def _may_vote(self, slot: int, around: Surroundings) -> bool:
        if around.syncing or slot < 1:
            return False
        if self._alone:
            return True
        if around.peers == 0:
            return False
        if self._met < 0:
            self._met = slot
        if self._hearing < 0 and (not around.asking or slot >= self._met + ASKED_SLOTS):
            self._hearing = slot
        return 0 <= self._hearing < slot

    def _cast(self, vote: Callable[[], SignedVote | None], now: Now) -> list[Effect]:
        try:
            signed = vote()
        except Invalid as refusal:
            self._voter = None
            return [Count("votes", refusal.code), Warn(refusal.code, refusal.reason)]
        if signed is None:
            return []
        self._closed = signed.vote.target.epoch
        return self._ballots.own(signed, now)
