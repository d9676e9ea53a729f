"""What an authority may sign: when to vote, for what, and what its guard forbids.

Rules, for slot s, once:
(a) for a valid block of slot s that came in time, if it is at least as good as what was seen when
    the view was frozen: its source is newer than the newest justified then, or as new and the block
    higher than the head then; (b) else, at the deadline, for the newest block
    of the head's chain that is not of a slot to come.
Always: the target's epoch, s, is higher than any this key has voted for; within a set the source is
not older than any it has voted from; it never goes back to an earlier set; and the block stands on
what is final. *Why:* two quorums share an honest member, which by these rules cannot have helped to
justify two blocks at one epoch, nor voted around a link that finalized.
The source is the newest justified checkpoint of the block's own chain. *Why:* a source taken from
each voter's view would split the votes.
Spec: docs/spec/consensus.md, section 7.
"""

from dataclasses import dataclass
from functools import lru_cache

from chain.consensus.finality.standing import Mark, Standing
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives import cbor, shape
from chain.primitives.hashing import Hash

THROTTLE_SLOTS = 1_000
THROTTLE_TURNS_MAX = 16
GUARDS_KNOWN_MAX = 256
"""Guards decoded lately: the members of a set vote alike, so theirs are mostly the same bytes."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The highest that a key has signed: target over all sets, source within the newest set."""

    set_id: int
    source: int
    target: int

    def allows(self, vote: Vote) -> bool:
        """Whether a vote may be signed after those."""
        if vote.target.epoch <= self.target or vote.set_id < self.set_id:
            return False
        return vote.set_id > self.set_id or vote.source.epoch >= self.source

    def after(self, vote: Vote) -> "Guard":
        """The guard once a vote is signed."""
        newer = vote.set_id > self.set_id
        source = vote.source.epoch if newer else max(self.source, vote.source.epoch)
        return Guard(max(self.set_id, vote.set_id), source, max(self.target, vote.target.epoch))

    def encode(self) -> bytes:
        """The bytes the store keeps."""
        return cbor.encode([self.set_id, self.source, self.target])


NEVER_VOTED = Guard(0, 0, 0)
"""Before the first vote; epoch 0 is the genesis's."""


@lru_cache(maxsize=GUARDS_KNOWN_MAX)
def decode_guard(raw: bytes) -> Guard:
    """Read what `Guard.encode` gave. Raises Malformed."""
    return Guard(*(shape.uint(n, what="guard") for n in shape.array(cbor.decode(raw), 3, "guard")))


@dataclass(frozen=True, slots=True)
class View:
    """What a voter saw as a slot began: the newest justified checkpoint, the head's height."""

    newest: Mark
    height: int


def link(block: Hash, standing: Standing, slot: int) -> Vote:
    """The one vote for a block in a slot: a decided change of the set caps its target."""
    target = block if standing.pending is None else standing.pending.block
    return Vote(standing.set_id, standing.newest, Checkpoint(target, slot))


def good_enough(standing: Standing, height: int, view: View) -> bool:
    """Whether a block of the slot is at least as good as what was seen when the view was frozen."""
    source, seen = standing.mark(standing.newest)[:2], view.newest[:2]
    return source > seen or (source == seen and height > view.height)


def throttled(slot: int, members: int, lag: int) -> bool:
    """Whether an author leaves out its turn, because finality is `lag` slots behind the head.

    Every thousand slots of lag double the turns left out, up to fifteen of sixteen. *Why:* what is
    not final may have to be undone, so it must not grow without bound; it must not stop either.
    """
    if lag <= THROTTLE_SLOTS or members == 0:
        return False
    every = min(1 << (lag - 1) // THROTTLE_SLOTS, THROTTLE_TURNS_MAX)
    return slot // members % every != 0
