"""One authority's vote: what its ledger says it may sign now, and the guard that remembers it.

Rules:
- The guard is flushed to the disk before a vote is returned. *Why:* a process that dies between
  signing and writing down would sign again, differently, when it is back.
- A key whose votes have been seen, but whose guard is missing or behind them, does not vote: the
  store was lost or restored from a backup, or another process votes with the same key. *Why:* the
  guard cannot be worked out from what was seen, only whether it is wrong. The way on is a new key.
- The first vote of each life needs a recent block by somebody else. *Why:* a node that lost its
  store, or has an old one, must first see in the blocks it fetches how far its key has voted; and
  one that hears nobody makes blocks on its own.
Not detected: a restore of a backup whose later votes are in no certificate and in no peer's pool.
Spec: docs/spec/consensus.md, section 7.
"""

from chain import tables
from chain.consensus.engine import HeaderNode
from chain.consensus.finality.duty import (
    NEVER_VOTED,
    Guard,
    View,
    decode_guard,
    good_enough,
    link,
)
from chain.consensus.finality.vote import SignedVote
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.store import Batch, KeyValueStore

FRESH_SLOTS = 4
"""How old that block may be: what the key signed before is in certificates by then. Blocks need no
votes, so those of a network that begins again are recent."""


class Voter:
    """A vote key on a ledger. One call of `vote_*` a slot gives at most one vote."""

    def __init__(self, ledger: Ledger, store: KeyValueStore, did: bytes, key: KeyPair) -> None:
        """Begin to vote, by the authority's 32-byte id and its key of purpose vote.

        Raises Invalid `vote-guard-missing` or `vote-guard-behind`: this key must not vote here.
        """
        self._ledger = ledger
        self._store = store
        self._did = did
        self._key = key
        row = store.get(tables.VOTE_GUARD + key.public)
        self.guard: Guard | None = None if row is None else decode_guard(row)
        self._view = self.view()
        self._begun = False
        self.check()

    def check(self) -> None:
        """Raise Invalid when votes of this key were seen that its guard does not know."""
        heard = self._ledger.finality.heard(self._key.public)
        if heard is None:
            return
        if self.guard is None:
            raise Invalid(
                "vote-guard-missing",
                f"key {self._key.public.hex()} has voted up to epoch {heard.target}, but this "
                "store has no guard for it: give the authority a new vote key",
            )
        if (heard.set_id, heard.source, heard.target) > (
            self.guard.set_id,
            self.guard.source,
            self.guard.target,
        ) or heard.target > self.guard.target:
            raise Invalid(
                "vote-guard-behind",
                f"key {self._key.public.hex()} has voted up to epoch {heard.target}, its guard "
                f"here knows {self.guard.target}: this store is an old copy, or the key is in use "
                "elsewhere; give the authority a new vote key",
            )

    def view(self) -> View:
        """What is seen now: the newest justified checkpoint and the head's height."""
        return View(self._ledger.finality.justified, self._ledger.head.height)

    def freeze(self) -> None:
        """Remember what is seen, a third of a slot before the slot begins."""
        self._view = self.view()

    def vote_for(self, block_id: Hash, slot: int) -> SignedVote | None:
        """A vote for a block of this slot that has just come (rule a), if it may have one.

        Raises Invalid when the guard is behind, StoreFailure when it cannot be written.
        """
        node = self._ledger.node(block_id)
        if node is None or node.slot != slot or not self._ledger.canonical(block_id):
            return None
        standing = self._ledger.finality.standing(block_id)
        if not good_enough(standing, node.height, self._view):
            return None
        return self._vote(node, slot)

    def vote_at_deadline(self, slot: int) -> SignedVote | None:
        """A vote for the head (rule b), when the slot has had none. Raises as `vote_for`.

        A head of a slot to come, whose author's clock is ahead, is voted for through its parent: a
        checkpoint is not before its block's slot.
        """
        node = self._ledger.head
        while node.slot > slot:
            parent = self._ledger.node(node.parent)
            if parent is None:
                return None
            node = parent
        return self._vote(node, slot)

    def _vote(self, node: HeaderNode, slot: int) -> SignedVote | None:
        finality = self._ledger.finality
        try:
            authorities = finality.authorities(node.id)
        except Declined:
            return None
        member = authorities.index(self._did)
        if member is None or authorities.members[member].vote != self._key.public:
            return None
        vote = link(node.id, finality.standing(node.id), slot)
        guard = self.guard or NEVER_VOTED
        if vote.source.epoch >= slot or not guard.allows(vote):
            return None
        if not finality.on_final(node.id):
            return None
        if not self._begun and not self._is_fresh(node, slot, len(authorities.members)):
            return None
        self.check()
        self._write(guard.after(vote))
        self._begun = True
        return SignedVote(vote, member, self._key.sign(vote.signed_bytes(self._ledger.chain)))

    def _is_fresh(self, node: HeaderNode, slot: int, members: int) -> bool:
        """Whether a block's chain is where the network is: somebody else made one lately."""
        oldest = slot - FRESH_SLOTS
        own: HeaderNode | None = node
        while own is not None and own.slot >= oldest:
            if own.header.author != self._did or members == 1:
                return True
            own = self._ledger.node(own.parent)
        return False

    def _write(self, guard: Guard) -> None:
        batch = Batch()
        batch.put(tables.VOTE_GUARD + self._key.public, guard.encode())
        self._store.write(batch, durable=True)
        self.guard = guard
