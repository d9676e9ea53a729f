"""New blocks: taken in compactly or whole, imported in order, passed on; and served to others.

Rules:
- Whole bodies are accepted only for wanted blocks, and only from peers we asked (see `downloads`).
  *Why:* memory; and a body nobody asked for is nobody's to judge.
- A new block goes to the peers that prefer us at once, in compact form and before it is validated,
  if `relay` lets it pass and its transactions fit its header; an own block goes to everybody. All
  others hear of it once it is the head. *Why:* what is announced can be had whole, and somebody
  answers for it; and a peer that asks at once must get it.
- A block shown anew is asked for in compact form, one of before our time or of a longer run whole.
  *Why:* only what was made lately is in the mempool.
- The head is repeated to peers that have not shown it every STATUS_S. *Why:* a lost announcement
  or a silent fork heals by itself.
- Whoever sends an invalid body whole could have known: it is banned at once. Where the fault may be
  in the body alone (BODY_FAULTS) the block is asked for elsewhere. *Why:* a right header must not
  be condemned for the wrong body that a liar sends under it.
- Who passed on a bad block in compact form could not have known: the offence is told and costs it
  its place among the preferred, nothing else. What it passed on fits the header, so the block is
  forgotten for good. *Why:* as in BIP152; else one bad block would part its victims.
"""

from chain.block import Block, Header, decode_block, decode_header
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_INVALID_BLOCK, POINTS_MALFORMED, POINTS_PASSED_ON
from p2p.protocol.blocklinks import BlockLinks
from p2p.protocol.blockserving import BlockServer
from p2p.protocol.downloads import Downloads
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.intake import Imported, Intake, Outcome, Refused
from p2p.protocol.orphans import Orphans
from p2p.protocol.rebuilding import Rebuilds, Rebuilt
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.relay import Relay
from p2p.protocol.wanted import Wanted
from p2p.wire.messages import (
    ID_BYTES,
    AnnounceBlock,
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    PreferBlocks,
)

# Refusals that do not follow from the header: another peer may have the right body or seal.
BODY_FAULTS = frozenset(
    {
        "block-too-large",
        "invalid-signature",
        "too-little-work",
        "too-many-transactions",
        "wrong-certificates-hash",
        "wrong-seal",
        "wrong-transactions-root",
    }
)
STATUS_S = 5.0
FRESH_SLOTS = 8  # an older block's transactions have left the pools
FRESH_MAX = 4  # wanted blocks; more are a chain to catch up with
COMPACT_BYTES_RATE = 2_000_000  # taken from one peer a second: ten of the largest compact blocks
COMPACT_BYTES_BURST = 8_000_000

Exchanged = (
    GetBlocks
    | Blocks
    | CompactBlock
    | GetCompactBlock
    | GetBlockTransactions
    | BlockTransactions
    | PreferBlocks
)


class _Peer:
    __slots__ = ("compact_bytes", "shown")

    def __init__(self, shown: Hash, now: Now) -> None:
        self.shown = shown
        self.compact_bytes = TokenBucket(COMPACT_BYTES_RATE, COMPACT_BYTES_BURST, now.s)


class BlockExchange:
    """The bodies' engine. `take_outcomes` tells the router what reached the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        wanted: Wanted,
        intake: Intake,
        relay: Relay,
        recent: RecentTransactions,
    ) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._intake = intake
        self._relay = relay
        self._server = BlockServer(ledger, intake, relay)
        self._downloads = Downloads(wanted)
        self._rebuilds = Rebuilds(ledger, wanted, recent)
        self._orphans = Orphans()
        self._links = BlockLinks()
        self._peers: dict[PeerId, _Peer] = {}
        self._outcomes: list[Outcome] = []
        self._ripe: list[tuple[PeerId, CompactBlock]] = []
        self._status_s: float | None = None

    def connected(self, peer: PeerId, now: Now, *, outbound: bool) -> list[Effect]:
        """A new peer: our hello has shown it our head."""
        self._peers[peer] = _Peer(self._ledger.head.id, now)
        self._downloads.connected(peer)
        self._server.connected(peer, now)
        return self._links.connected(peer, outbound=outbound) + self.fetch(now)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """What it was asked for goes to others."""
        self._downloads.disconnected(peer)
        self._rebuilds.disconnected(peer)
        self._orphans.forget(peer)
        self._server.disconnected(peer)
        del self._peers[peer]
        return self._links.disconnected(peer) + self.fetch(now)

    def receive(self, peer: PeerId, message: Exchanged, now: Now) -> list[Effect]:
        """Serve blocks and their parts, or take in what we asked for and what is new.

        The header of a compact block has been judged before (see `sync`): it is wanted, or not.
        """
        match message:
            case GetBlocks():
                return self._server.blocks(peer, message, now)
            case GetBlockTransactions():
                return self._server.transactions(peer, message, now)
            case GetCompactBlock():
                return self._server.compact(peer, message, now)
            case PreferBlocks(preferred):
                self._links.told(peer, preferred=preferred)
                return []
            case CompactBlock():
                effects = self._shown_compact(peer, message, now)
            case BlockTransactions():
                effects = self._rebuilds.served(peer, message, now)
            case Blocks(number, ()):
                effects = self._downloads.ended(peer, number)
            case Blocks(number, raws):
                effects = self._bodies(peer, number, raws, now)
        return effects + self._rebuilt(now) + self.fetch(now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """Verdicts on one body's signatures."""
        return self._settle(self._intake.signatures_checked(job, verdicts), now)

    def produced(self, imported: Imported, now: Now) -> list[Effect]:
        """Our own block is in the ledger; everybody gets it."""
        block = imported.block
        self._intake.connected(block.header.id)
        effects: list[Effect] = []
        if self._ledger.head.id == block.header.id:
            effects += self._push(block.header.id, self._relay.compact(block, (), now), all_=True)
        return effects + self._settle([imported], now)

    def head_moved(self, now: Now) -> list[Effect]:
        """Votes may have moved the head to another chain."""
        return self._show_head(now, again=False)

    def take_outcomes(self) -> list[Outcome]:
        """What was imported or refused since the last call."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def take_ripe(self) -> list[tuple[PeerId, CompactBlock]]:
        """Compact blocks whose parents have come since the last call: to be judged again."""
        ripe, self._ripe = self._ripe, []
        return ripe

    def deadline_s(self) -> float | None:
        """When to tick next; the past when blocks are ready for import."""
        if self._intake.ready or self._status_s is None:
            return 0.0
        times = (self._status_s, self._downloads.deadline_s(), self._rebuilds.deadline_s())
        return min([time for time in times if time is not None])

    def tick(self, now: Now) -> list[Effect]:
        """Import a step, give up what stalled, ask for more, repeat the head when due."""
        effects = self._settle(self._intake.step(now), now)
        effects += self._rebuilds.expire(now)
        effects += self._downloads.expire(now)
        for gone in self._downloads.abandoned():
            self._forget(gone.header.id)
            effects.append(Count("abandoned", "blocks"))
        effects += self._rebuilt(now) + self.fetch(now)
        if self._status_s is None:
            self._status_s = now.s + STATUS_S
        elif now.s >= self._status_s:
            self._status_s = now.s + STATUS_S
            effects += self._show_head(now, again=True)
        return effects

    def fetch(self, now: Now) -> list[Effect]:
        """Ask for wanted blocks that nobody is being asked for."""
        effects: list[Effect] = []
        if len(self._orphans):
            for wanted in [w for w in self._wanted if w.header.id in self._orphans]:
                orphan = self._orphans.pop(wanted.header.id)
                if orphan is not None and not self._is_held(wanted.header.id):
                    effects += self._rebuilds.begin(orphan[0], wanted, orphan[2], now)
            effects += self._rebuilt(now)
        if len(self._wanted) <= FRESH_MAX:
            effects += self._ask_compact(now)
        return effects + self._downloads.fetch(self._is_held, now)

    def _is_held(self, block_id: Hash) -> bool:
        return block_id in self._intake or block_id in self._rebuilds

    def _ask_compact(self, now: Now) -> list[Effect]:
        """Ask for what is new in compact form first."""
        effects: list[Effect] = []
        slot = self._ledger.genesis.slot_at(now.unix_ms)
        for wanted in list(self._wanted):
            header = wanted.header
            if (
                wanted.asked is None
                and not wanted.rebuilds
                and header.slot > slot - FRESH_SLOTS
                and wanted.source in self._peers
                and not self._is_held(header.id)
                and self._ledger.has_block(header.parent)
            ):
                effects += self._rebuilds.ask(wanted, now)
        return effects

    def _shown_compact(self, peer: PeerId, message: CompactBlock, now: Now) -> list[Effect]:
        try:
            header = decode_header(message.header)
        except Refusal:
            return []  # blamed where it was judged
        wanted = self._wanted.get(header.id)
        size = ID_BYTES * len(message.short_ids) + sum(map(len, message.prefilled))
        size += sum(map(len, message.certificates))
        in_budget = self._peers[peer].compact_bytes.take(size, now.s)
        if wanted is not None:
            wanted.passed_on = True
            wanted.rebuilds += not in_budget
        if not in_budget:
            return [Count("ignored", "compact-block-rate")]
        if wanted is not None:
            if header.id in self._intake:
                return [Count("compact-blocks", "again")]
            return self._rebuilds.begin(peer, wanted, message, now)
        known = self._ledger.has_block(header.id) or header.id in self._wanted.rejected
        if known or self._ledger.has_block(header.parent) or header.chain != self._ledger.chain:
            return [Count("compact-blocks", "again" if known else "not-wanted")]
        self._orphans.put(peer, header, message)
        return [Count("compact-blocks", "orphan")]

    def _rebuilt(self, now: Now) -> list[Effect]:
        """Take in and pass on what has become whole; who kept us waiting falls back."""
        effects: list[Effect] = []
        for peer in self._rebuilds.take_vain():
            effects += self._links.failed(peer)
        for rebuilt in self._rebuilds.take_rebuilt():
            effects += self._offer(rebuilt, now)
        return effects

    def _offer(self, rebuilt: Rebuilt, now: Now) -> list[Effect]:
        header = rebuilt.block.header
        wanted = self._wanted.get(header.id)
        if wanted is None or header.id in self._intake:
            return []
        try:
            effects = self._intake.offer(rebuilt.block, rebuilt.source, passed_on=True)
        except Refusal as refusal:
            return self._refused(Refused(header, rebuilt.source, refusal, True))
        if self._ledger.has_block(header.parent) and self._relay.may_pass(wanted):
            message = self._relay.compact(rebuilt.block, rebuilt.lacked, now)
            effects += self._push(header.id, message, all_=False)
        return effects

    def _push(self, block_id: Hash, message: CompactBlock, *, all_: bool) -> list[Effect]:
        """Send a block at once to the peers that prefer us, or to all that do not have it."""
        effects: list[Effect] = []
        for peer, state in self._peers.items():
            if (all_ or self._links.wants_blocks(peer)) and not self._has(peer, block_id):
                state.shown = block_id
                effects.append(Send(peer, message))
        return effects

    def _has(self, peer: PeerId, block_id: Hash) -> bool:
        claim = self._wanted.claims.get(peer)
        return self._peers[peer].shown == block_id or (claim is not None and claim[1] == block_id)

    def _bodies(self, peer: PeerId, number: int, raws: tuple[bytes, ...], now: Now) -> list[Effect]:
        effects = self._downloads.unrequested(peer, number)
        if not effects:
            effects = [effect for raw in raws for effect in self._body(peer, number, raw)]
            self._downloads.progressed(peer, number, now)
        return effects

    def _body(self, peer: PeerId, number: int, raw: bytes) -> list[Effect]:
        if not self._downloads.is_due(peer):
            return [Count("ignored", "blocks-beyond-request")]
        try:
            block = decode_block(raw)
        except Refusal as refusal:
            return [Penalize(peer, POINTS_MALFORMED, refusal.code, refusal.reason)]
        block_id = block.header.id
        if not self._downloads.arrived(peer, number, block_id, len(raw)):
            return [Count("late", "blocks")]
        if block_id in self._intake:
            return []
        try:
            effects = self._intake.offer(block, peer, passed_on=False)
        except Refusal as refusal:
            return [_blame(peer, block_id, refusal, POINTS_INVALID_BLOCK)]
        self._rebuilds.drop(block_id)
        return effects

    def _settle(self, outcomes: list[Outcome], now: Now) -> list[Effect]:
        effects: list[Effect] = []
        for outcome in outcomes:
            match outcome:
                case Imported(block):
                    effects += self._imported(block, now)
                case Refused():
                    effects += self._refused(outcome)
        self._outcomes += outcomes
        if outcomes:
            effects += self._show_head(now, again=False)
        return effects

    def _imported(self, block: Block, now: Now) -> list[Effect]:
        block_id = block.header.id
        wanted = self._wanted.get(block_id)
        self._wanted.imported(block_id, now.s)
        self._rebuilds.drop(block_id)
        for child in self._orphans.children(block_id):
            orphan = self._orphans.pop(child)
            if orphan is not None:
                self._ripe.append((orphan[0], orphan[2]))
        return [] if wanted is None else self._links.first(wanted.source)

    def _refused(self, refused: Refused) -> list[Effect]:
        """Blame the sender of an invalid body; forget what builds on a block that cannot be."""
        block_id, refusal = refused.block_id, refused.refusal
        if refusal.code == "already-known":
            self._wanted.remove(block_id)
            return []
        if isinstance(refusal, Declined):
            self._intake.drop(block_id)
            self._wanted.reject(block_id)
            if refusal.code == "too-many-in-slot":
                self._wanted.idle(block_id)
            return [Count("declined", refusal.code)]
        if refused.passed_on or refusal.code not in BODY_FAULTS:
            self._condemn(refused.header)
        if not refused.passed_on:
            return [_blame(refused.source, block_id, refusal, POINTS_INVALID_BLOCK)]
        told = _blame(refused.source, block_id, refusal, POINTS_PASSED_ON)
        return [told, *self._links.failed(refused.source)]

    def _condemn(self, header: Header) -> None:
        """The block is bad, and so is what builds on it; its author's next ones come slower."""
        self._relay.doubt(header.author)
        self._wanted.rejected.add(header.id)
        for gone in self._wanted.reject(header.id):
            self._wanted.rejected.add(gone.header.id)
            self._rebuilds.drop(gone.header.id)
        self._forget(header.id)

    def _forget(self, block_id: Hash) -> None:
        self._intake.drop(block_id)
        self._rebuilds.drop(block_id)

    def _show_head(self, now: Now, *, again: bool) -> list[Effect]:
        """Tell peers that are not known to have it of the head: whole news to who prefers us."""
        head = self._ledger.head
        if not again and self._wanted.reaches_above(head.weight):
            return []
        effects: list[Effect] = []
        announcement = AnnounceBlock(head.header.raw, head.seal)
        for peer, state in self._peers.items():
            claim = self._wanted.claims.get(peer)
            if (claim is None or claim[1] != head.id) and (again or state.shown != head.id):
                state.shown = head.id
                eager = not again and self._links.wants_blocks(peer)
                made = self._relay.compact_of(head.header, now) if eager else None
                effects.append(Send(peer, announcement if made is None else made))
        return effects


def _blame(peer: PeerId, block_id: Hash, refusal: Refusal, points: int) -> Effect:
    reason = f"block {block_id.hex()}: {refusal.reason}"
    return Penalize(peer, points, refusal.code, reason)
