"""Making blocks: at the start of our slot under authority, in small bites under proof of work.

Rules:
- A block is proposed once a slot at most; the ledger's guard, written before sealing, holds over
  restarts. *Why:* two blocks in one slot are evidence against their author.
- Nothing is proposed while blocks above the head are wanted and coming, nor in the first SETTLE_S
  after start unless peers have told us where they are, or there are none to wait for. *Why:* a
  block on a stale head is work for everybody and wins nothing.
- Work is searched MINE_ATTEMPTS at a time with pauses of MINE_PAUSE_S, on a draft that is renewed
  with every slot and every new head. *Why:* the loop must answer peers within milliseconds, and a
  laboratory of many miners shares two cores.
"""

from dataclasses import dataclass

from chain.consensus.engine import Author
from chain.ledger import Draft, Ledger
from chain.primitives.errors import Declined
from p2p.protocol.instant import Now
from p2p.protocol.intake import Imported

SETTLE_S = 3.0
WAITING_STEP_S = 0.05  # while waiting for the first peer: twenty looks a second for SETTLE_S
MINE_ATTEMPTS = 1000  # about 1 ms
MINE_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides whether proposing makes sense: peers, and whether they are ahead of us.

    `syncing`: blocks above our head are coming; `asking`: a peer has been asked what it has.
    """

    peers: int
    syncing: bool
    asking: bool


class Production:
    """The producer's engine; without an author it never does anything."""

    def __init__(self, ledger: Ledger, author: Author | None, *, alone: bool) -> None:
        self._ledger = ledger
        self._author = author
        self._alone = alone
        self._settled_s: float | None = None
        self._next_s: float | None = 0.0
        self._slot = -1
        self._draft: Draft | None = None
        self._attempts = 0

    def deadline_s(self) -> float | None:
        """When to tick next: our next chance to propose, or the next bite of work."""
        return None if self._author is None else self._next_s

    def tick(self, now: Now, around: Surroundings) -> Imported | None:
        """Propose, seal and import if it is time; the block made, if any."""
        if self._author is None or self._next_s is None or now.s < self._next_s:
            return None
        if self._settled_s is None:
            self._settled_s = now.s + SETTLE_S
        genesis = self._ledger.genesis
        slot = genesis.slot_at(now.unix_ms)
        until_next_s = (genesis.slot_start_ms(slot + 1) - now.unix_ms) / 1000
        self._next_s = now.s + until_next_s
        informed = (self._alone or around.peers > 0) and not around.asking
        waiting = not informed and now.s < self._settled_s
        if slot < 1 or waiting or around.syncing:
            self._draft = None
            if waiting:  # a slot that has begun is still ours when the first peer comes
                self._next_s = now.s + min(WAITING_STEP_S, until_next_s)
            return None
        if self._ledger.engine.exclusive:
            return self._propose(slot, self._author)
        made = self._mine(slot, self._author)
        if self._draft is not None:
            self._next_s = now.s + min(MINE_PAUSE_S, until_next_s)
        return made

    def _propose(self, slot: int, author: Author) -> Imported | None:
        if slot <= self._slot or not self._ledger.proposes(author.did, slot):
            return None
        if self._ledger.finality.throttles(slot, self._ledger.head):
            return None
        self._slot = slot
        try:
            draft = self._ledger.propose(slot, author)
        except Declined:
            return None  # guarded: an earlier run has made a block for this slot
        return self._seal(draft, author, range(1), slot)

    def _mine(self, slot: int, author: Author) -> Imported | None:
        head = self._ledger.head
        draft = self._draft
        if draft is None or draft.header.parent != head.id or slot != self._slot:
            self._slot, self._attempts, self._draft = slot, 0, None
            if not self._ledger.proposes(author.did, slot):
                return None
            draft = self._draft = self._ledger.propose(slot, author)
        attempts = range(self._attempts, self._attempts + MINE_ATTEMPTS)
        self._attempts = attempts.stop
        return self._seal(draft, author, attempts, slot)

    def _seal(self, draft: Draft, author: Author, attempts: range, slot: int) -> Imported | None:
        block = self._ledger.seal(draft, author, attempts)
        if block is None:
            return None
        self._draft = None
        events = self._ledger.import_block(block, draft.transactions, slot)
        return Imported(block, None, tuple(events))
