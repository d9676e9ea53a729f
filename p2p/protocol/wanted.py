"""The blocks we want: headers that link to our ledger, whose bodies are still to come.

Shared by the header engine, which adds, and the body engine, which takes. Parents always come
before children. Bounded: at most WANTED_MAX headers (about 1 MiB), so that a peer inventing a long
chain of headers costs no more than that, until its bodies fail to come.
"""

from collections.abc import Iterator

from chain.block import Header
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet

WANTED_MAX = 2048
REJECTED_MAX = 4096
# While blocks keep coming we are catching up; silence longer than this is a dead end, and a
# producer must not wait for a peer that claims a chain it does not have.
PROGRESS_S = 5.0


class WantedBlock:
    """One wanted block: its header, who told us, whom we asked in vain."""

    __slots__ = ("asked", "header", "not_before_s", "rounds", "seal", "source", "tried")

    def __init__(self, header: Header, seal: bytes, source: PeerId) -> None:
        self.header = header
        self.seal = seal
        self.source = source
        self.asked: PeerId | None = None
        self.tried: list[PeerId] = []
        self.rounds = 0
        self.not_before_s = 0.0


class Wanted:
    """Wanted blocks in chain order, and what peers claim as their heads."""

    def __init__(self) -> None:
        self._blocks: dict[Hash, WantedBlock] = {}
        self._children: dict[Hash, list[Hash]] = {}
        self._progress_s = -PROGRESS_S
        self.rejected = RecentSet(REJECTED_MAX)
        self.claims: dict[PeerId, tuple[int, Hash]] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, block_id: Hash) -> bool:
        return block_id in self._blocks

    def __iter__(self) -> Iterator[WantedBlock]:
        return iter(self._blocks.values())

    @property
    def room(self) -> int:
        """How many more headers may be added."""
        return WANTED_MAX - len(self._blocks)

    def get(self, block_id: Hash) -> WantedBlock | None:
        """One wanted block."""
        return self._blocks.get(block_id)

    def add(self, header: Header, seal: bytes, source: PeerId) -> bool:
        """Want one more block; its parent is wanted or in the ledger. False if there is no room."""
        if header.id in self._blocks:
            return True
        if len(self._blocks) >= WANTED_MAX:
            return False
        self._blocks[header.id] = WantedBlock(header, seal, source)
        self._children.setdefault(header.parent, []).append(header.id)
        return True

    def above(self, block_id: Hash) -> list[tuple[Header, bytes]]:
        """The wanted headers, with their seals, that name this block as their parent."""
        children = (self._blocks[child] for child in self._children.get(block_id, ()))
        return [(child.header, child.seal) for child in children]

    def remove(self, block_id: Hash) -> None:
        """The block is in the ledger."""
        wanted = self._blocks.pop(block_id, None)
        if wanted is not None:
            siblings = self._children[wanted.header.parent]
            siblings.remove(block_id)
            if not siblings:
                del self._children[wanted.header.parent]

    def reject(self, block_id: Hash) -> list[WantedBlock]:
        """The block cannot be: it and all that build on it are wanted no more."""
        gone: list[WantedBlock] = []
        pending = [block_id]
        while pending:
            current = pending.pop()
            pending.extend(self._children.get(current, ()))
            wanted = self._blocks.get(current)
            if wanted is not None:
                gone.append(wanted)
        for wanted in gone:
            self.remove(wanted.header.id)
        return gone

    def claim(self, peer: PeerId, height: int, head: Hash) -> None:
        """A peer's head, by its own word."""
        self.claims[peer] = (height, head)

    def progressed(self, now_s: float) -> None:
        """Headers or bodies we wanted have come."""
        self._progress_s = now_s

    def reaches_above(self, height: int) -> bool:
        """Whether any block above `height` is wanted."""
        return any(wanted.header.height > height for wanted in self._blocks.values())

    def catching_up(self, height: int, now_s: float) -> bool:
        """Whether blocks above `height` are wanted and have been coming lately."""
        return now_s - self._progress_s <= PROGRESS_S and self.reaches_above(height)
