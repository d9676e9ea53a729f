"""Which block may be passed on before it is validated, and the compact form it is passed on in.

Rules:
- Passed on at once is a block whose header stands, whose transactions fit its header, and which
  would be the head. *Why not later:* executing it takes far longer than passing it on, and every
  hop would add that. *Why it cannot flood:* the seal of a producer, or its work, is in each.
- Of one author in one slot, EAGER_PER_SLOT blocks are; an author whose block has proved bad has its
  next ones validated first. *Why:* a producer that breaks the rules costs the network one block
  each time, not a flood. Not where work decides: there a header may name anybody as its author.
- Prefilled is what the sender itself did not have, or has had for less than YOUNG_S.
"""

import random
from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain

from chain.block import Block, Header
from chain.consensus.headertree import better
from chain.ledger import Ledger
from chain.primitives.hashing import Hash
from chain.validation import BLOCKS_PER_SLOT_MAX
from p2p.peers.recent import RecentSet
from p2p.protocol.compact import compact
from p2p.protocol.instant import Now
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.wanted import WantedBlock
from p2p.wire.messages import NONCE_MAX, CompactBlock

EAGER_PER_SLOT = BLOCKS_PER_SLOT_MAX  # a second is evidence that everybody should have
SLOTS_COUNTED_MAX = 1_024
DOUBTFUL_MAX = 256  # authors; more than any authority set has
MADE_MAX = 8  # compact forms kept: the newest blocks are those asked for
YOUNG_S = 0.25  # gossip reaches everybody within about this


class Relay:
    """Judges and makes compact blocks."""

    def __init__(self, ledger: Ledger, recent: RecentTransactions, rng: random.Random) -> None:
        self._ledger = ledger
        self._recent = recent
        self._rng = rng
        self._slots: OrderedDict[tuple[bytes, int], int] = OrderedDict()
        self._doubtful = RecentSet(DOUBTFUL_MAX)
        self._made: OrderedDict[Hash, CompactBlock] = OrderedDict()

    def doubt(self, author: bytes) -> None:
        """A block of this author has proved bad."""
        if self._ledger.engine.exclusive:
            self._doubtful.add(author)

    def may_pass(self, wanted: WantedBlock) -> bool:
        """Whether a block may be passed on before it is validated; counts it if so."""
        header = wanted.header
        if header.author in self._doubtful or not better(wanted.node, self._ledger.head):
            return False
        place = header.author, header.slot
        count = self._slots.get(place, 0)
        if count >= EAGER_PER_SLOT:
            return False
        self._slots[place] = count + 1
        if len(self._slots) > SLOTS_COUNTED_MAX:
            self._slots.popitem(last=False)
        return True

    def compact(self, block: Block, lacked: Sequence[bytes], now: Now) -> CompactBlock:
        """The compact form of a block; the same every time."""
        made = self._made.get(block.header.id)
        if made is None:
            young = self._recent.since(now.s - YOUNG_S)
            nonce = self._rng.randint(0, NONCE_MAX)
            made = self._made[block.header.id] = compact(block, nonce, chain(lacked, young))
            if len(self._made) > MADE_MAX:
                self._made.popitem(last=False)
        return made

    def has_made(self, block_id: Hash) -> bool:
        """Whether the compact form of a block is at hand."""
        return block_id in self._made

    def compact_of(self, header: Header, now: Now) -> CompactBlock | None:
        """The compact form of a block of the ledger; None when it is not there."""
        made = self._made.get(header.id)
        if made is not None:
            return made
        block = self._ledger.block(header.id)
        return None if block is None else self.compact(block, (), now)
