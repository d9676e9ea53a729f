"""Producers that show other blocks than those they make: what all of them have in common.

A block is shown by an announcement or in compact form, as chance has it, and served from a shelf,
whole or in parts, to whoever asks this node for it. The node itself never learns of it, and its own
ledger stays honest; blocks it made that nobody shall see are cut out of what it says.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from chain.block import Block, Header, decode_header, encode_block
from chain.consensus.engine import Author
from chain.primitives.hashing import Hash, sha256
from p2p.peers.peer import PeerId
from p2p.protocol.compact import compact, transactions_at
from p2p.protocol.instant import Now
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    Headers,
)
from testnet.rig.aim import is_for
from testnet.rig.anvil import Anvil
from testnet.rig.behaviour import Host, Item
from testnet.rig.quiet import Quiet
from testnet.rig.scratch import Scratch

SHELF_MAX = 64
"""Forged blocks that can still be had; peers ask within seconds of an announcement."""

COMPACT_SHARE = 0.5
"""Of forged blocks, how many are shown in compact form: both ways must be stood."""

NONCE_BITS = 64

Shown = AnnounceBlock | CompactBlock
"""What first shows a block to a peer."""

OWN_MAX = 4_096
"""Blocks of our own whose fate is remembered: an hour of one-second slots."""


class Shelf:
    """Blocks that only this behaviour has."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[Hash, Block] = OrderedDict()

    def put(self, block: Block) -> None:
        """Keep a block to be asked for."""
        self._blocks[block.id] = block
        if len(self._blocks) > SHELF_MAX:
            self._blocks.popitem(last=False)

    def answer(self, request: Item) -> Blocks | BlockTransactions | CompactBlock | None:
        """What can be given of what is asked for."""
        match request:
            case GetBlocks(number, ids):
                found = tuple(encode_block(self._blocks[i]) for i in ids if i in self._blocks)
                return Blocks(number, found) if found else None
            case GetBlockTransactions(number, block_id, places) if block_id in self._blocks:
                raws = transactions_at(self._blocks[block_id], places)
                return BlockTransactions(number, tuple(raws or ()))
            case GetCompactBlock(block_id) if block_id in self._blocks:
                return compact(self._blocks[block_id], 0, ())
            case _:
                return None

    def rest(self, request: Item) -> GetBlocks | None:
        """What the node itself has to answer."""
        if not isinstance(request, GetBlocks):
            return None
        ids = tuple(wanted for wanted in request.ids if wanted not in self._blocks)
        return GetBlocks(request.request, ids) if ids else None


class Producer(Quiet):
    """A dishonest producer: told of each block its node makes, before anyone else is."""

    def __init__(self, to: frozenset[str]) -> None:
        super().__init__()
        self._to = to

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        genesis = host.ledger.genesis
        self._from_slot = genesis.slot_at(host.now().unix_ms)
        self._own: OrderedDict[Hash, None] = OrderedDict()
        self._hidden: OrderedDict[Hash, None] = OrderedDict()
        self.shelf = Shelf()
        self.anvil = None if host.author is None else Anvil(host.ledger.engine, host.author)
        self._scratch: Scratch | None = None

    @property
    def scratch(self) -> Scratch:
        """The ledger forged blocks are made on."""
        if self._scratch is None:
            self._scratch = Scratch(self.host.ledger)
        return self._scratch

    @property
    def author(self) -> Author:
        """Whose blocks these are; asked only about blocks that the node has made."""
        assert self.host.author is not None, "a node without an author makes no blocks"
        return self.host.author

    # What kinds say

    def made(self, header: Header, announcement: Shown) -> None:
        """The node has made a block; asked once, before it is announced to the first peer."""

    def shown(self, peer: PeerId, header: Header, announcement: Shown) -> list[Item]:
        """What a peer is told in place of a block of the node's own."""
        return [] if header.id in self._hidden else [announcement]

    # What kinds do

    def hide(self, block_id: Hash) -> None:
        """Keep an own block to ourselves."""
        _remember(self._hidden, block_id)

    def unhide(self, block_id: Hash) -> None:
        """The block may be seen."""
        self._hidden.pop(block_id, None)

    def audience(self) -> list[PeerId]:
        """The peers that are lied to."""
        return [peer for peer in self.host.peers() if is_for(self.host, peer, self._to)]

    def show(self, block: Block) -> None:
        """Announce a forged block to the audience, and serve it."""
        self.show_to(self.audience(), block)

    def show_with(self, certificates: tuple[bytes, ...], block: Block) -> None:
        """The same, with the certificates that its header names."""
        self.show(replace(block, certificates=certificates))

    def show_to(self, peers: Sequence[PeerId], block: Block) -> None:
        """Announce a forged block to these peers, and serve it.

        Compactly, transactions that only we know go along whole.
        """
        self.shelf.put(block)
        shown: Shown = AnnounceBlock(block.header.raw, block.seal)
        if self.host.rng.random() < COMPACT_SHARE:
            pool = self.host.ledger.mempool
            strays = [raw for raw in block.transactions if pool.by_raw_hash(sha256(raw)) is None]
            shown = compact(block, self.host.rng.getrandbits(NONCE_BITS), reversed(strays))
        for peer in peers:
            self.host.send(peer, shown)
            self.hits += 1

    # Behaviour

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        return [left for item in items for left in self._said(peer, item)]

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return [left for item in items if (left := self._heard(peer, item)) is not None]

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return None if self.anvil is None else self.anvil.deadline_s()

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        if self.anvil is not None:
            self.anvil.tick(now)

    def _said(self, peer: PeerId, item: Item) -> list[Item]:
        match item:
            case AnnounceBlock(header=raw) | CompactBlock(header=raw):
                header = decode_header(raw)
                if not self._is_own(header):
                    return [item]
                if header.id not in self._own:
                    _remember(self._own, header.id)
                    self.made(header, item)
                return self.shown(peer, header, item)
            case Headers(request, headers):
                return [Headers(request, self._known_to_all(headers))]
            case _:
                return [item]

    def _heard(self, peer: PeerId, item: Item) -> Item | None:
        answer = self.shelf.answer(item)
        if answer is None:
            return item
        self.host.send(peer, answer)
        return self.shelf.rest(item)

    def _is_own(self, header: Header) -> bool:
        author = self.host.author
        return author is not None and header.author == author.did and header.slot >= self._from_slot

    def _known_to_all(
        self, headers: tuple[tuple[bytes, bytes], ...]
    ) -> tuple[tuple[bytes, bytes], ...]:
        """Headers up to the first that is hidden."""
        if not self._hidden:
            return headers
        for index, (raw, _) in enumerate(headers):
            if decode_header(raw).id in self._hidden:
                return headers[:index]
        return headers


def _remember(ids: OrderedDict[Hash, None], block_id: Hash) -> None:
    ids[block_id] = None
    if len(ids) > OWN_MAX:
        ids.popitem(last=False)
