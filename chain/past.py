"""The state at an earlier block of the head's chain, for proofs: the head's, with values put back.

Rules:
- Blocks are undone over an overlay, from the head down; the store is only read. *Why:* only the
  head's tree is kept, and what is final stands a block or two below it.
- At most BLOCKS_UNDONE_MAX blocks. *Why:* undoing a full block takes some 70 ms, and anybody may
  ask for a proof; where so much is not final, the answer is to wait.
- One block at a time. *Why:* whoever has others to serve lets them go on in between.
"""

from collections.abc import Sequence

from chain import tables
from chain.block import Header
from chain.chainstate import decode_undo
from chain.primitives.errors import Declined
from chain.state.smt import StateProof, StateTree
from chain.store import KeyValueStore

BLOCKS_UNDONE_MAX = 64


class PastState:
    """The state as a block left it, once all blocks above it are undone.

    `undone` are the headers above it, the head's first. It holds as long as the head stays.
    """

    def __init__(self, store: KeyValueStore, undone: Sequence[Header], at: Header) -> None:
        if len(undone) > BLOCKS_UNDONE_MAX:
            raise Declined(
                "state-too-old",
                f"block {at.height} stands {len(undone)} below the head; the state is put back "
                f"by at most {BLOCKS_UNDONE_MAX} blocks",
            )
        self.header = at
        self.head = undone[0].id if undone else at.id
        self._store = store
        self._values: dict[bytes, bytes | None] = {}
        self._pages: dict[bytes, bytes | None] = {}
        self._tree = StateTree(self._page, undone[0].state if undone else at.state)
        self._left = list(reversed(undone))

    def undo(self) -> bool:
        """Put back what the next block changed, if any is left; whether none is then."""
        if self._left:
            self._put_back(self._left.pop())
        if self._left:
            return False
        assert self._tree.root == self.header.state, (
            f"undoing to block {self.header.height} gives state {self._tree.root.hex()}, "
            f"it had {self.header.state.hex()}"
        )
        return True

    def _put_back(self, header: Header) -> None:
        row = self._store.get(tables.UNDO + header.id)
        assert row is not None, f"undo of {header.id.hex()} is missing from the store"
        values = decode_undo(row)
        update = self._tree.update(values)
        self._pages |= update.pages
        self._values |= values
        self._tree.commit(update)

    def read(self, key: bytes) -> bytes | None:
        """The value of a state key."""
        if key in self._values:
            return self._values[key]
        return self._store.get(tables.STATE + key)

    def prove(self, key: bytes) -> StateProof:
        """That a state key has its value, or none."""
        return self._tree.prove(key)

    def _page(self, key: bytes) -> bytes | None:
        if key in self._pages:
            return self._pages[key]
        return self._store.get(tables.PAGE + key)
