"""Producers whose blocks are good but come at the wrong time or stand in the wrong place."""

from collections import OrderedDict

from chain.block import Block, Header, encode_block
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.protocol.compact import compact
from p2p.protocol.instant import Now
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    CompactBlock,
    GetBlocks,
    GetCompactBlock,
)
from testnet.faults.byzantine import StaleFork, WithholdBlocks
from testnet.rig.behaviour import Host, Item
from testnet.rig.byzantine_blocks import Producer, Shown

MS = 1_000

PLANTED_MAX = 64
"""Blocks handed to the own node, which asks for each at once."""


class Hoarding(Producer):
    """WithholdBlocks: own blocks stay hidden, and are shown together once the first is old."""

    def __init__(self, kind: WithholdBlocks, to: frozenset[str]) -> None:
        super().__init__(to)
        self._release_s = kind.release_ms / MS

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._kept: dict[Hash, Shown] = {}
        self._release_at_s: float | None = None

    def made(self, header: Header, announcement: Shown) -> None:
        """See Producer."""
        self.hide(header.id)
        self._kept[header.id] = announcement
        self.hits += 1
        if self._release_at_s is None:
            self._release_at_s = self.host.now().s + self._release_s

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._release_at_s

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        if self._release_at_s is not None and now.s >= self._release_at_s:
            self._release()

    def end(self) -> None:
        """See Behaviour."""
        self._release()

    def _release(self) -> None:
        kept, self._kept, self._release_at_s = self._kept, {}, None
        for block_id, announcement in kept.items():
            self.unhide(block_id)
            for peer in self.audience():
                self.host.send(peer, announcement)


class Backward(Producer):
    """StaleFork: in place of each own block, one for the same slot far behind the head is shown."""

    def __init__(self, kind: StaleFork, to: frozenset[str]) -> None:
        super().__init__(to)
        self._depth = kind.depth_blocks

    def made(self, header: Header, announcement: Shown) -> None:
        """See Producer."""
        if self.anvil is None or not self.scratch.follow(max(0, header.height - 1 - self._depth)):
            return
        self.hide(header.id)
        draft = self.scratch.empty(header.slot, self.author)
        self.anvil.put(draft.header, draft.target, (), self.show, self.host.now())


class Early(Producer):
    """EdgeSlots: makes the block of the next slot when the one before it has just begun.

    The block is planted in the own node, as if a peer had brought it. *Why:* the node then stands
    on it and does not make another for that slot.
    """

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._next_s: float | None = None if host.author is None else host.now().s
        self._planted: OrderedDict[int, Block] = OrderedDict()
        self._asked: list[tuple[PeerId, Blocks | CompactBlock]] = []

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour: what the own node asks for and only this behaviour has, it gets here."""
        passed: list[Item] = []
        for item in super().outgoing(peer, items):
            passed += self._ask(peer, item)
        return passed

    def shown(self, peer: PeerId, header: Header, announcement: Shown) -> list[Item]:
        """See Producer: never a second block for a slot that has had its early one."""
        early = self._planted.get(header.slot)
        if early is None or early.id == header.id:
            return [announcement]
        self.hide(header.id)
        return []

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        times = (self._next_s, super().deadline_s())
        if self._asked:
            return self.host.now().s
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        super().tick(now)
        asked, self._asked = self._asked, []
        for peer, answer in asked:
            self.host.deliver(peer, answer)
        if self._next_s is not None and now.s >= self._next_s:
            genesis = self.host.ledger.genesis
            slot = genesis.slot_at(now.unix_ms)
            self._next_s = now.s + (genesis.slot_start_ms(slot + 1) - now.unix_ms) / MS
            self._make(slot + 1, now)

    def _make(self, slot: int, now: Now) -> None:
        ledger = self.host.ledger
        head = ledger.head
        if self.anvil is None or not ledger.proposes(self.author.did, slot, head):
            return
        if slot in self._planted or slot < 1 or not self.scratch.follow(head.height):
            return
        draft = self.scratch.draft(slot, self.author, self.scratch.executable(ledger.mempool, slot))
        raws = tuple(tx.raw for tx in draft.transactions)
        self.anvil.put(draft.header, draft.target, raws, self._plant, now)

    def _plant(self, block: Block) -> None:
        peers = self.host.peers()
        if not peers:
            return
        self._planted[block.header.slot] = block
        if len(self._planted) > PLANTED_MAX:
            self._planted.popitem(last=False)
        announcement = AnnounceBlock(block.header.raw, block.seal)
        self.hits += 1
        # Whoever is named as the source is taken to know the block, so it is told here.
        self.host.deliver(peers[0], announcement)
        self.host.send(peers[0], announcement)

    def _ask(self, peer: PeerId, request: Item) -> list[Item]:
        match request:
            case GetCompactBlock(block_id):
                found = [block for block in self._planted.values() if block.id == block_id]
                self._asked += [(peer, compact(block, 0, ())) for block in found]
                return [] if found else [request]
            case GetBlocks():
                return self._ask_whole(peer, request)
            case _:
                return [request]

    def _ask_whole(self, peer: PeerId, request: GetBlocks) -> list[Item]:
        wanted = [block for block in self._planted.values() if block.id in request.ids]
        if not wanted:
            return [request]
        found = [block.id for block in wanted]
        self._asked.append((peer, Blocks(request.request, tuple(map(encode_block, wanted)))))
        rest = tuple(block_id for block_id in request.ids if block_id not in found)
        return [GetBlocks(request.request, rest)] if rest else []
