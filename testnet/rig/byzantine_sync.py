"""LyingSync: claims a chain it does not have, and answers what it is asked with something else."""

import random
from collections import OrderedDict

from chain.block import (
    NO_CERTIFICATES,
    SEAL_BYTES_MAX,
    Block,
    Header,
    encode_block,
)
from chain.ledger import Ledger
from chain.primitives.hashing import HASH_BYTES, Hash
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.protocol.sync import HEADERS_MAX
from p2p.wire.messages import (
    ID_BYTES,
    AnnounceBlock,
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    Headers,
)
from testnet.faults.byzantine import LyingSync
from testnet.rig.aim import is_for
from testnet.rig.behaviour import Host, Item
from testnet.rig.quiet import Quiet
from testnet.rig.strays import newcomer

CLAIM_EVERY_S = 5.0
"""As often as an honest node repeats its head."""

INVENTED_MAX = 4_096
"""Invented headers remembered, so that the story goes on where it stopped: 2 MiB."""

STRAY_EXPIRY_SLOTS = 1_000
STRAY_IDS = 20


class Lying(Quiet):
    """Never says where it is; whoever asks gets one of several kinds of wrong answer."""

    def __init__(self, kind: LyingSync, to: frozenset[str]) -> None:
        super().__init__()
        self._claim_blocks = kind.claim_blocks
        self._to = to

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._invented: OrderedDict[Hash, Header] = OrderedDict()
        self._top = host.ledger.head.height + self._claim_blocks
        self._claim_s = host.now().s

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        shows = AnnounceBlock | CompactBlock
        return [self._claim() if isinstance(item, shows) else item for item in items]

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        passed: list[Item] = []
        for item in items:
            match item:
                case GetHeaders():
                    self._answer(peer, Headers(item.request, self._headers(item)))
                case GetBlocks():
                    self._answer(peer, Blocks(item.request, self._blocks(item)))
                case GetCompactBlock():
                    self._answer(peer, self._compact())
                case GetBlockTransactions():
                    self._answer(peer, BlockTransactions(item.request, self._strays(item)))
                case _:
                    passed.append(item)
        return passed

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._claim_s

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        if now.s < self._claim_s:
            return
        self._claim_s = now.s + CLAIM_EVERY_S
        for peer in self.host.peers():
            if is_for(self.host, peer, self._to):
                self._answer(peer, self._claim())

    def _answer(self, peer: PeerId, lie: Item) -> None:
        self.hits += 1
        self.host.send(peer, lie)

    def _claim(self) -> AnnounceBlock:
        """A head that high, on a parent that nobody has."""
        ledger, rng = self.host.ledger, self.host.rng
        self._top = max(self._top, ledger.head.height + self._claim_blocks)
        slot = ledger.head.slot + self._claim_blocks
        header = invented(ledger, rng, self._top, slot, Hash(rng.randbytes(HASH_BYTES)))
        return AnnounceBlock(header.raw, rng.randbytes(SEAL_BYTES_MAX))

    def _headers(self, request: GetHeaders) -> tuple[tuple[bytes, bytes], ...]:
        """A story that goes on, one that does not hang together, or an old one."""
        limit = min(request.limit, HEADERS_MAX)
        rng = self.host.rng
        match rng.choice(("invented", "unlinked", "old")):
            case "invented":
                story = self._invent(request, limit)
            case "unlinked":
                story = self._invent(request, limit)
                rng.shuffle(story)
            case _:
                ledger = self.host.ledger
                story = [header for header, _ in ledger.headers_after([ledger.chain], limit)]
        return tuple((header.raw, rng.randbytes(SEAL_BYTES_MAX)) for header in story)

    def _invent(self, request: GetHeaders, limit: int) -> list[Header]:
        ledger, rng = self.host.ledger, self.host.rng
        known = (self._invented.get(i) or ledger.header(i) for i in request.locator)
        above = next((header for header in known if header is not None), ledger.head.header)
        story: list[Header] = []
        while above.height < self._top and len(story) < limit:
            above = invented(ledger, rng, above.height + 1, above.slot + 1, above.id)
            self._invented[above.id] = above
            story.append(above)
        while len(self._invented) > INVENTED_MAX:
            self._invented.popitem(last=False)
        return story

    def _blocks(self, request: GetBlocks) -> tuple[bytes, ...]:
        """Other blocks, the right headers over other bodies, or the word that there are none."""
        ledger, rng = self.host.ledger, self.host.rng
        match rng.choice(("others", "hollow", "none")):
            case "others":
                other = ledger.block_at(rng.randrange(ledger.head.height + 1))
                if other is None or other.id in request.ids:
                    return ()
                return (encode_block(other),) * len(request.ids)
            case "hollow":
                stray = newcomer(rng, ledger.chain, ledger.head.slot + STRAY_EXPIRY_SLOTS)
                return tuple(
                    encode_block(Block(header, seal, (), (stray.raw,)))
                    for header, seal in map(self._header, request.ids)
                    if header is not None
                )
            case _:
                return ()

    def _compact(self) -> CompactBlock:
        """The head over ids of no transaction."""
        head, rng = self.host.ledger.head, self.host.rng
        ids = tuple(rng.randbytes(ID_BYTES) for _ in range(STRAY_IDS))
        return CompactBlock(head.header.raw, head.seal, (), rng.getrandbits(64), ids, (), ())

    def _strays(self, request: GetBlockTransactions) -> tuple[bytes, ...]:
        """Transactions of no block."""
        ledger, rng = self.host.ledger, self.host.rng
        stray = newcomer(rng, ledger.chain, ledger.head.slot + STRAY_EXPIRY_SLOTS)
        return (stray.raw,) * len(request.places)

    def _header(self, block_id: Hash) -> tuple[Header | None, bytes]:
        node = self.host.ledger.node(block_id)
        if node is not None:
            return node.header, node.seal
        return self._invented.get(block_id), self.host.rng.randbytes(SEAL_BYTES_MAX)


def invented(ledger: Ledger, rng: random.Random, height: int, slot: int, parent: Hash) -> Header:
    """A header that no block has."""
    stray = Hash(rng.randbytes(HASH_BYTES))
    head = ledger.head.header
    return Header(
        chain=ledger.chain,
        height=height,
        slot=slot,
        parent=parent,
        state=stray,
        transactions=stray,
        receipts=stray,
        history=stray,
        certificates=NO_CERTIFICATES,
        set_id=head.set_id,
        set_hash=head.set_hash,
        next_set=b"",
        author=stray,
    )
