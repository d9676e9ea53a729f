"""Whether this machine's clock is ahead of the others', by the blocks that come.

Rules:
- What came as fast as its slots followed each other was made while we listened. *Why:* the blocks
  of a download are old as well, but come much faster.
- Own blocks do not count. *Why:* they are of our own clock's slots.
- Only if all of the last BLOCKS are AHEAD_SLOTS or more behind our clock when they come, it is our
  clock. *Why:* one author's may be wrong, one block may have been slow.
A clock that is behind shows nowhere here: a block that comes early waits for its slot.
"""

from collections import deque
from dataclasses import dataclass

BLOCKS = 8
AHEAD_SLOTS = 10  # only at a node that is overloaded does a block take so long
DRIFT_SLOTS = 2  # of the time between two blocks, for slow ways and empty slots


@dataclass(frozen=True, slots=True)
class _Came:
    slot: int
    ours: int


class ClockWatch:
    """The last blocks that came, each with the slot of our clock then."""

    def __init__(self, own: bytes | None) -> None:
        """`own` is the DID of this node's author, if it has one."""
        self._own = own
        self._came: deque[_Came] = deque(maxlen=BLOCKS)
        self._told = False

    def came(self, slot: int, author: bytes, ours: int) -> bool:
        """A block of a slot joined the chain in `ours`; whether that is to be told now: once."""
        if author == self._own:
            return False
        self._came.append(_Came(slot, ours))
        ahead = bool(self.ahead(ours))
        told, self._told = self._told, ahead
        return ahead and not told

    def ahead(self, ours: int) -> int:
        """By how many slots our clock seems to be ahead in that slot of it; 0 when it does not."""
        if len(self._came) < BLOCKS or ours - self._came[-1].ours > AHEAD_SLOTS:
            return 0
        first, last = self._came[0], self._came[-1]
        if abs((last.ours - first.ours) - (last.slot - first.slot)) > DRIFT_SLOTS:
            return 0
        ahead = min(one.ours - one.slot for one in self._came)
        return ahead if ahead >= AHEAD_SLOTS else 0
