"""The blocks we want: headers that link to our ledger, whose bodies are still to come.

Shared by the header engine, which adds, and the body engine, which takes. Parents always come
before children. Bounded: at most WANTED_MAX headers (about 1 MiB), WANTED_PER_SOURCE from one peer;
half of the room is for whoever comes first, the other half is every peer's in equal shares.
*Why:* an authority can seal long chains of headers, show each by another peer, and serve none of
their bodies; until that is given up they hold their own part of the room and of the window, and
what others show is still learnt and downloaded.
"""

import math
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice

from chain.block import Header
from chain.consensus.engine import HeaderNode
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet

WANTED_MAX = 2048
UNSHARED_MAX = WANTED_MAX // 2  # of those, for whoever comes first
WANTED_PER_SOURCE = 512  # as much as is downloaded at a time; other peers show what comes after
REJECTED_MAX = 4096
IDLE_MAX = 256  # a generation of blocks that wait for another to build on them
# While blocks of a branch keep coming we are catching up with it; silence longer than this is a
# dead end. Headers alone are no progress: a producer must not wait for a peer that shows headers
# and has no blocks, however many it shows.
PROGRESS_S = 5.0
FLOW = 16  # blocks in that time: fewer are no hurry, or somebody who feeds us slowly


class WantedBlock:
    """One wanted block: its header, who told us, whom we asked in vain."""

    __slots__ = (
        "asked",
        "asked_s",
        "fed_s",
        "header",
        "helper",
        "node",
        "not_before_s",
        "passed_on",
        "rebuilds",
        "rounds",
        "seal",
        "source",
        "tried",
    )

    def __init__(self, node: HeaderNode, source: PeerId) -> None:
        self.node = node
        self.header = node.header
        self.seal = node.seal
        self.source = source
        self.fed_s = -math.inf  # when its parent, wanted as well, came into the ledger
        self.asked: PeerId | None = None
        self.asked_s = 0.0
        self.helper: PeerId | None = None  # asked as well, because the first one takes long
        self.tried: list[PeerId] = []
        self.rounds = 0
        self.not_before_s = 0.0
        self.passed_on = False  # it came in compact form: who showed it need not have it whole
        self.rebuilds = 0


class Wanted:
    """Wanted blocks in chain order, and what peers claim as their heads."""

    def __init__(self) -> None:
        self._blocks: dict[Hash, WantedBlock] = {}
        self._children: dict[Hash, list[Hash]] = {}
        self._shown: Counter[PeerId] = Counter()  # wanted blocks by who told us of them
        self._fed: deque[float] = deque(maxlen=FLOW)  # when blocks came that were wanted
        self.rejected = RecentSet(REJECTED_MAX)
        self._idle = RecentSet(IDLE_MAX)
        self.claims: dict[PeerId, tuple[int, Hash]] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def __contains__(self, block_id: Hash) -> bool:
        return block_id in self._blocks

    def __iter__(self) -> Iterator[WantedBlock]:
        return iter(self._blocks.values())

    @property
    def sources(self) -> int:
        """How many peers have told us of what is wanted."""
        return len(self._shown)

    def knows(self, block_id: Hash) -> bool:
        """Whether it is of no use to ask for a block: it is wanted, or bad, or idle."""
        return block_id in self._blocks or block_id in self.rejected or block_id in self._idle

    def idle(self, block_id: Hash) -> None:
        """The block is of no use before another builds on it: then it is asked for with that one.

        *Why remembered:* its author has made too many in a slot, and a peer whose head it is would
        be asked for it again as soon as it has answered, for as long as it is.
        """
        self._idle.add(block_id)

    def room(self, source: PeerId) -> int:
        """How many more headers of a peer may be added."""
        share = max(1, (WANTED_MAX - UNSHARED_MAX) // max(1, len(self.claims)))
        first = UNSHARED_MAX - len(self._blocks)
        shared = min(WANTED_MAX - len(self._blocks), share - self._shown[source])
        return min(max(first, shared), WANTED_PER_SOURCE - self._shown[source])

    def lacks(self, source: PeerId, whole: int, now_s: float) -> int:
        """How many headers to ask a peer for, `whole` at most: so many, or none without the room.

        What is shared out is asked for when blocks come no more as they do in catching up; then who
        has shown nothing that is wanted is asked for its share, be it no whole answer. *Why:* two
        chains of headers without bodies leave no other room. *Why not sooner:* the window of
        download is shared out among all who have shown something, and what comes first in it would
        wait for what comes last.
        """
        shown = self._shown[source]
        if min(UNSHARED_MAX - len(self._blocks), WANTED_PER_SOURCE - shown) >= whole:
            return whole
        room = max(0, self.room(source))
        if self._flows(now_s) or (shown and room < whole):
            return 0
        return min(room, whole)

    def _flows(self, now_s: float) -> bool:
        """Whether FLOW blocks that were wanted came lately."""
        return len(self._fed) == FLOW and now_s - self._fed[0] <= PROGRESS_S

    def first(self, count: int) -> Iterator[WantedBlock]:
        """The first wanted blocks in chain order, so many in all and of each source its share."""
        if len(self._shown) < 2:
            return islice(self, count)
        return self._shared_out(max(1, count // len(self._shown)))

    def get(self, block_id: Hash) -> WantedBlock | None:
        """One wanted block."""
        return self._blocks.get(block_id)

    def _shared_out(self, share: int) -> Iterator[WantedBlock]:
        taken: Counter[PeerId] = Counter()
        for wanted in self:
            taken[wanted.source] += 1
            if taken[wanted.source] <= share:
                yield wanted

    def add(self, node: HeaderNode, source: PeerId) -> bool:
        """Want one more block; its parent is wanted or in the ledger. False if there is no room."""
        if node.id in self._blocks:
            return True
        if self.room(source) <= 0:
            return False
        self._blocks[node.id] = WantedBlock(node, source)
        self._shown[source] += 1
        self._children.setdefault(node.parent, []).append(node.id)
        return True

    def above(self, block_id: Hash) -> list[tuple[Header, bytes]]:
        """The wanted headers, with their seals, that name this block as their parent."""
        children = (self._blocks[child] for child in self._children.get(block_id, ()))
        return [(child.header, child.seal) for child in children]

    def imported(self, block_id: Hash, now_s: float) -> None:
        """The block is in the ledger; if it was wanted, its branch is coming."""
        if block_id in self._blocks:
            self._fed.append(now_s)
            for child in self._children.get(block_id, ()):
                self._blocks[child].fed_s = now_s
        self.remove(block_id)

    def remove(self, block_id: Hash) -> None:
        """The block is wanted no more."""
        wanted = self._blocks.pop(block_id, None)
        if wanted is not None:
            siblings = self._children[wanted.header.parent]
            siblings.remove(block_id)
            if not siblings:
                del self._children[wanted.header.parent]
            self._shown[wanted.source] -= 1
            if not self._shown[wanted.source]:
                del self._shown[wanted.source]

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

    def reaches_above(self, weight: int) -> bool:
        """Whether any block is wanted whose chain weighs more."""
        return any(wanted.node.weight > weight for wanted in self._blocks.values())

    def tips(self) -> list[Hash]:
        """The highest block that each source has told us of, the highest first."""
        highest: dict[PeerId, WantedBlock] = {}
        for wanted in self:
            before = highest.get(wanted.source)
            if before is None or wanted.header.height > before.header.height:
                highest[wanted.source] = wanted
        ordered = sorted(highest.values(), key=lambda w: (-w.header.height, w.header.id))
        return [wanted.header.id for wanted in ordered]

    def top(self) -> int:
        """The greatest height among the wanted headers; 0 when there are none."""
        return max((wanted.header.height for wanted in self._blocks.values()), default=0)

    def catching_up(self, weight: int, now_s: float) -> bool:
        """Whether a branch that weighs more is wanted, and blocks of it came lately.

        *Why by weight:* where work decides, a branch that is higher and lighter costs next to
        nothing, and who is fed one would make no blocks.
        """
        if not self._fed or now_s - self._fed[-1] > PROGRESS_S:
            return False
        return any(
            now_s - wanted.fed_s <= PROGRESS_S and self._leads_above(wanted, weight)
            for wanted in self._blocks.values()
        )

    def _leads_above(self, wanted: WantedBlock, weight: int) -> bool:
        pending = [wanted.header.id]
        while pending:
            current = pending.pop()
            if self._blocks[current].node.weight > weight:
                return True
            pending.extend(self._children.get(current, ()))
        return False
