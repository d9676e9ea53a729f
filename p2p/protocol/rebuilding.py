"""Compact blocks become blocks: from the mempool, from what came by lately, and one question.

Rules:
- What is missing here is asked of the peer that brought the block, once, by place in the block. No
  answer within PATIENCE_S, or not all of it: the block is fetched whole, from another peer first.
  *Why once:* every round costs the time that compact blocks are there to save.
- A transaction that does not have its short id is the sender's lie, and blamed: it has built the
  very ids. A transactions root that does not fit is nobody's: ids may clash.
- The seal is the one that was checked when the header became wanted, and the certificates must be
  those the header names. *Why:* both are outside what the transactions root covers, and a block
  that proves bad is forgotten for good; nobody may spoil it on its way.
- A block beyond the network's limits is not put together but fetched whole. *Why:* limits change
  with the state, so the import judges it, and whoever then sends it answers for it.
- While that peer's answer is awaited, another peer's compact block is taken if nothing of it is
  missing. *Why:* who is first with a block may have made up its ids.
- A peer that made us wait in vain, or look in vain, brings no compact blocks for SLOW_S: what it
  shows is fetched like any other block. *Why:* it could be first again with the next, and hold us
  up each time; and going through a full mempool takes tens of milliseconds.
- A block is tried TRIES_MAX times. *Why:* each try goes through the mempool.
Bounds: REBUILDS_MAX blocks at a time, each no larger than the network's blocks are; of a peer
REBUILDS_PER_PEER. *Why:* one peer must not hold up the blocks of all others.
"""

from dataclasses import dataclass, replace
from itertools import chain

from chain.block import Block, Header, certificates_hash, list_root
from chain.ledger import Ledger
from chain.primitives.hashing import Hash, sha256
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_BROKEN_PROMISE, POINTS_MALFORMED, POINTS_UNREQUESTED
from p2p.protocol.compact import Puzzle
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.wanted import Wanted, WantedBlock
from p2p.wire.messages import (
    ID_BYTES,
    MISSING_MAX,
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetCompactBlock,
)

PATIENCE_S = 1.0  # three of the longest round trips on earth
SLOW_S = 15.0
TRIES_MAX = 3  # two that were first, whatever they brought, leave the third its turn
REBUILDS_MAX = 16  # a slot has one block, or two; more come together only after a pause
REBUILDS_PER_PEER = 4


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A whole block whose transactions root fits, who brought it, and what was not here."""

    block: Block
    source: PeerId
    lacked: tuple[bytes, ...]


class _Rebuild:
    __slots__ = ("deadline_s", "peer", "puzzle", "request", "size", "waiting")

    def __init__(self, peer: PeerId, puzzle: Puzzle | None, deadline_s: float) -> None:
        self.peer = peer
        self.puzzle = puzzle  # None: the compact block itself has been asked for
        self.deadline_s = deadline_s
        self.request = 0
        self.waiting: list[int] = []
        self.size = 0


class Rebuilds:
    """The blocks that are being put together."""

    def __init__(self, ledger: Ledger, wanted: Wanted, recent: RecentTransactions) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._recent = recent
        self._open: dict[Hash, _Rebuild] = {}
        self._slow_until_s: dict[PeerId, float] = {}
        self._last_request = 0
        self._done: list[Rebuilt] = []
        self._vain: list[PeerId] = []

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, block_id: Hash) -> bool:
        return block_id in self._open

    def take_rebuilt(self) -> list[Rebuilt]:
        """What has become whole since the last call."""
        done, self._done = self._done, []
        return done

    def take_vain(self) -> list[PeerId]:
        """Who made us wait in vain since the last call."""
        vain, self._vain = self._vain, []
        return vain

    def disconnected(self, peer: PeerId) -> None:
        """What it owed is fetched elsewhere."""
        self._slow_until_s.pop(peer, None)
        for block_id in [i for i, rebuild in self._open.items() if rebuild.peer == peer]:
            del self._open[block_id]

    def drop(self, block_id: Hash) -> None:
        """The block is here, or cannot be."""
        self._open.pop(block_id, None)

    def deadline_s(self) -> float | None:
        """When the next answer is overdue."""
        return min((rebuild.deadline_s for rebuild in self._open.values()), default=None)

    def expire(self, now: Now) -> list[Effect]:
        """Give up on what did not come."""
        overdue = [i for i, rebuild in self._open.items() if rebuild.deadline_s <= now.s]
        return [effect for block_id in overdue for effect in self._fail(block_id, "stalled", now)]

    def ask(self, wanted: WantedBlock, now: Now) -> list[Effect]:
        """Ask a block's announcer for its compact form, if that may help."""
        peer, block_id = wanted.source, wanted.header.id
        nothing = not len(self._ledger.mempool) and not len(self._recent)
        if nothing or block_id in self._open or not self._may_begin(peer, wanted, now):
            return []
        self._open[block_id] = _Rebuild(peer, None, now.s + PATIENCE_S)
        return [Send(peer, GetCompactBlock(block_id)), Count("compact-blocks", "asked-for")]

    def begin(
        self, peer: PeerId, wanted: WantedBlock, message: CompactBlock, now: Now
    ) -> list[Effect]:
        """A compact block has come, whose header is good."""
        header = wanted.header
        rebuild = self._open.get(header.id)
        awaited = rebuild is not None and rebuild.puzzle is not None
        if rebuild is not None and awaited and rebuild.peer == peer:
            return [Count("compact-blocks", "again")]
        if not awaited:
            self._open.pop(header.id, None)
        if not self._may_begin(peer, wanted, now):
            return [Count("compact-blocks", "not-tried")]
        if certificates_hash(message.certificates) != header.certificates:
            reason = f"certificates that header {header.id.hex()} does not name"
            return [Penalize(peer, POINTS_MALFORMED, "wrong-certificates-hash", reason)]
        wanted.rebuilds += 1
        count = len(message.short_ids) + len(message.prefilled)
        if count > self._ledger.parameters.block_transactions_max:
            return self._vainly(peer, "too-many-transactions", now)
        puzzle = Puzzle(header, replace(message, seal=wanted.seal))
        puzzle.look(chain(self._ledger.mempool.raw_hashes(), self._recent), self._find)
        missing = puzzle.missing
        if not missing:
            return self._whole(_Rebuild(peer, puzzle, now.s), now)
        if len(missing) > MISSING_MAX:
            return self._vainly(peer, "mostly-missing", now)
        if awaited:
            return [Count("compact-blocks", "again")]
        return self._ask_for(peer, header, puzzle, missing, now)

    def served(self, peer: PeerId, message: BlockTransactions, now: Now) -> list[Effect]:
        """Transactions that were missing."""
        found = [
            (block_id, rebuild)
            for block_id, rebuild in self._open.items()
            if rebuild.peer == peer and rebuild.request == message.request and rebuild.request
        ]
        if not found:
            if 0 < message.request <= self._last_request:
                return [Count("late", "block-transactions")]
            reason = f"transactions of a block, request {message.request}, which nobody made"
            return [Penalize(peer, POINTS_UNREQUESTED, "unrequested", reason)]
        ((block_id, rebuild),) = found
        if not message.raws:
            return self._fail(block_id, "unserved", now)
        rebuild.size += sum(map(len, message.raws))
        if rebuild.size > self._ledger.parameters.block_bytes_max:
            return self._fail(block_id, "too-large", now)
        fault = self._fault(rebuild, message.raws)
        if fault:
            blame = Penalize(peer, POINTS_BROKEN_PROMISE, "wrong-transactions", fault)
            return [blame, *self._fail(block_id, "wrong-transactions", now)]
        puzzle = rebuild.puzzle
        assert puzzle is not None, "what has a request has something to ask for"
        for place, raw in zip(rebuild.waiting, message.raws, strict=False):
            puzzle.put(place, raw)
        del rebuild.waiting[: len(message.raws)]
        if rebuild.waiting:
            return []
        del self._open[block_id]
        return self._whole(rebuild, now)

    def _may_begin(self, peer: PeerId, wanted: WantedBlock, now: Now) -> bool:
        return (
            wanted.rebuilds < TRIES_MAX
            and len(self._open) < REBUILDS_MAX
            and sum(rebuild.peer == peer for rebuild in self._open.values()) < REBUILDS_PER_PEER
            and self._slow_until_s.get(peer, 0.0) <= now.s
            and peer not in wanted.tried
        )

    def _find(self, digest: Hash) -> bytes | None:
        waiting = self._ledger.mempool.by_raw_hash(digest)
        return self._recent.get(digest) if waiting is None else waiting.raw

    def _ask_for(
        self, peer: PeerId, header: Header, puzzle: Puzzle, missing: tuple[int, ...], now: Now
    ) -> list[Effect]:
        self._last_request += 1
        rebuild = _Rebuild(peer, puzzle, now.s + PATIENCE_S)
        rebuild.request, rebuild.waiting = self._last_request, list(missing)
        self._open[header.id] = rebuild
        question = GetBlockTransactions(rebuild.request, header.id, missing)
        return [
            Send(peer, question),
            Count("compact-blocks", "round-trips"),
            Count("compact-blocks", "transactions-missing", len(missing)),
        ]

    def _fault(self, rebuild: _Rebuild, raws: tuple[bytes, ...]) -> str:
        """What is wrong with an answer; empty if nothing is."""
        if len(raws) > len(rebuild.waiting):
            return f"{len(raws)} transactions, {len(rebuild.waiting)} were asked for"
        assert rebuild.puzzle is not None, "what has a request has something to ask for"
        for place, raw in zip(rebuild.waiting, raws, strict=False):
            if not rebuild.puzzle.fits(place, raw):
                return f"the transaction at {place} has another short id"
        return ""

    def _whole(self, rebuild: _Rebuild, now: Now) -> list[Effect]:
        """Nothing is missing: is it the block?"""
        puzzle = rebuild.puzzle
        assert puzzle is not None, "only a puzzle becomes whole"
        block = puzzle.block()
        size = sum(map(len, block.transactions))
        if size > self._ledger.parameters.block_bytes_max:
            return self._vainly(rebuild.peer, "too-large", now)
        if list_root(block.transactions) != block.header.transactions:
            return self._vainly(rebuild.peer, "wrong-root", now)
        lacked = tuple([block.transactions[place] for place in puzzle.lacked])
        for raw in lacked:
            self._recent.add(sha256(raw), raw, now.s)
        self._done.append(Rebuilt(block, rebuild.peer, lacked))
        sent = sum(map(len, lacked)) + ID_BYTES * len(block.transactions)
        saved = max(0, size - sent)
        return [Count("compact-blocks", "rebuilt"), Count("compact-blocks", "bytes-saved", saved)]

    def _vainly(self, peer: PeerId, reason: str, now: Now) -> list[Effect]:
        """What it brought was looked at for nothing."""
        self._slow_until_s[peer] = now.s + SLOW_S
        return [Count("compact-blocks", reason)]

    def _fail(self, block_id: Hash, reason: str, now: Now) -> list[Effect]:
        rebuild = self._open.pop(block_id)
        self._slow_until_s[rebuild.peer] = now.s + SLOW_S
        self._vain.append(rebuild.peer)
        wanted = self._wanted.get(block_id)
        if wanted is not None and rebuild.peer not in wanted.tried:
            wanted.tried.append(rebuild.peer)
        return [Count("compact-blocks", reason)]
