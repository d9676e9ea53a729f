"""Bodies of wanted blocks: asked for from several peers at once, imported in order, announced.

Rules:
- The first WINDOW wanted blocks are asked for, spread over the peers whose claimed height covers
  them, REQUEST_BLOCKS at a time and twice that outstanding with one; fewer of each when blocks have
  lately been large. *Why:* one slow peer then holds up at most its share, and what waits is bounded
  in bytes as well.
- A request without progress for STALL_S is given up and asked elsewhere; the peer comes last for
  SLOW_S. When everyone was asked in vain, the round starts again after ROUND_S, ROUNDS_MAX times.
- Bodies are accepted only for wanted blocks, and only from peers we asked. *Why:* memory.
- A block is announced after it was imported as the new head, never before. *Why:* nothing invalid
  may be relayed, and a peer that asks at once must get it.
- The head is repeated to peers that have not shown it every STATUS_S. *Why:* a lost announcement
  or a silent fork heals by itself.
- Whoever sends an invalid body could have known: it is banned at once. Where the fault may be in
  the body alone (BODY_FAULTS) the block is asked for elsewhere. *Why:* a right header must not be
  condemned for the wrong body that a liar sends under it.
"""

from collections.abc import Iterator

from chain.block import Block, decode_block, encode_block
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId, short
from p2p.peers.score import (
    POINTS_BROKEN_PROMISE,
    POINTS_INVALID_BLOCK,
    POINTS_MALFORMED,
)
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.intake import Imported, Intake, Outcome, Refused
from p2p.protocol.wanted import Wanted, WantedBlock
from p2p.wire.messages import AnnounceBlock, Blocks, GetBlocks

WINDOW = 64  # blocks asked for or held ahead of import
WINDOW_BYTES = 32 * 1024 * 1024
WINDOW_MIN = 4
REQUEST_BLOCKS = 8
REQUEST_BYTES = 2 * 1024 * 1024
SIZE_GUESS = 512 * 1024  # of a body, before any has come
STALL_S = 4.0
SLOW_S = 15.0
# Refusals that do not follow from the header: another peer may have the right body or seal.
BODY_FAULTS = frozenset(
    {
        "block-too-large",
        "invalid-signature",
        "too-little-work",
        "too-many-transactions",
        "unexpected-certificates",
        "wrong-certificates-hash",
        "wrong-seal",
        "wrong-transactions-root",
    }
)
ROUND_S = 1.0
ROUNDS_MAX = 8
STATUS_S = 5.0
REPLY_BYTES_MAX = 1_048_576  # one message of a reply; a longer reply is several messages
SERVED_BYTES_RATE = 16_000_000  # a second and peer: four times what one core can import
SERVED_BYTES_BURST = 64_000_000
SERVED_BYTES_LEAST = 4096  # what an id costs even if there is no block: a read of the store
ANSWER_BYTES_MAX = 8 * 1024 * 1024  # of one answer, beyond its first block; the rest is asked again


class _Request:
    __slots__ = ("deadline_s", "delivered", "peer", "waiting")

    def __init__(self, peer: PeerId, ids: list[Hash], deadline_s: float) -> None:
        self.peer = peer
        self.delivered = 0
        self.waiting = dict.fromkeys(ids)
        self.deadline_s = deadline_s


class _Peer:
    __slots__ = ("budget", "outstanding", "shown", "slow_until_s")

    def __init__(self, now: Now) -> None:
        self.outstanding = 0
        self.slow_until_s = 0.0
        self.shown: Hash | None = None
        self.budget = TokenBucket(SERVED_BYTES_RATE, SERVED_BYTES_BURST, now.s)


class BlockExchange:
    """The bodies' engine. `take_outcomes` tells the router what reached the ledger."""

    def __init__(self, ledger: Ledger, wanted: Wanted, jobs: Iterator[int]) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._intake = Intake(ledger, jobs)
        self._peers: dict[PeerId, _Peer] = {}
        self._requests: dict[int, _Request] = {}
        self._last_request = 0
        self._outcomes: list[Outcome] = []
        self._status_s: float | None = None
        self._retry_s: float | None = None
        self._body_bytes = SIZE_GUESS

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """A new peer: its hello already carried our head."""
        self._peers[peer] = _Peer(now)
        self._peers[peer].shown = self._ledger.head.id
        return self._fetch(now)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """What it was asked for goes to others."""
        for number in [n for n, r in self._requests.items() if r.peer == peer]:
            self._give_up(self._requests.pop(number))
        del self._peers[peer]
        return self._fetch(now)

    def receive(self, peer: PeerId, message: GetBlocks | Blocks, now: Now) -> list[Effect]:
        """Serve bodies, or take in those we asked for."""
        if isinstance(message, GetBlocks):
            return self._serve(peer, message, now)
        request = self._requests.get(message.request)
        if request is None or request.peer != peer:
            return [Count("late", "blocks")]
        if not message.raws:
            del self._requests[message.request]
            return self._unserved(request) + self._fetch(now)
        effects: list[Effect] = []
        for raw in message.raws:
            effects += self._body(peer, request, raw)
        request.deadline_s = now.s + STALL_S
        self._wanted.progressed(now.s)
        if not request.waiting:
            del self._requests[message.request]
        return effects + self._fetch(now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """Verdicts on one body's signatures."""
        return self._settle(self._intake.signatures_checked(job, verdicts), now)

    def produced(self, imported: Imported, now: Now) -> list[Effect]:
        """Our own block is in the ledger."""
        self._intake.connected(imported.block.header.id)
        return self._settle([imported], now)

    def take_outcomes(self) -> list[Outcome]:
        """What was imported or refused since the last call."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def deadline_s(self) -> float | None:
        """When to tick next; the past when blocks are ready for import."""
        if self._intake.ready:
            return 0.0
        if self._status_s is None:
            return 0.0
        times = [self._status_s, *(r.deadline_s for r in self._requests.values())]
        if self._retry_s is not None:
            times.append(self._retry_s)
        return min(times)

    def tick(self, now: Now) -> list[Effect]:
        """Import a step, give up stalled requests, ask for more, repeat the head when due."""
        effects = self._settle(self._intake.step(now), now)
        for number in [n for n, r in self._requests.items() if r.deadline_s <= now.s]:
            request = self._requests.pop(number)
            self._peers[request.peer].slow_until_s = now.s + SLOW_S
            self._give_up(request)
            effects.append(Count("stalled", "blocks"))
        effects += self.fetch(now)
        if self._status_s is not None and now.s >= self._status_s:
            effects += self._show_head(again=True)
            self._status_s = None
        if self._status_s is None:
            self._status_s = now.s + STATUS_S
        return effects

    def fetch(self, now: Now) -> list[Effect]:
        """Ask for wanted blocks within the window."""
        return self._fetch(now)

    def _serve(self, peer: PeerId, message: GetBlocks, now: Now) -> list[Effect]:
        state = self._peers[peer]
        effects: list[Effect] = []
        raws: list[bytes] = []
        size = served = 0
        answered = 0
        for block_id in message.ids:
            block = self._ledger.block(block_id)
            raw = b"" if block is None else encode_block(block)
            paid = state.budget.take(max(len(raw), SERVED_BYTES_LEAST), now.s)
            if block is None or not paid:
                continue
            if served and answered + len(raw) > ANSWER_BYTES_MAX:
                break
            answered += len(raw)
            if raws and size + len(raw) > REPLY_BYTES_MAX:
                effects.append(Send(peer, Blocks(message.request, tuple(raws))))
                raws, size = [], 0
            raws.append(raw)
            size += len(raw)
            served += 1
        if raws:
            effects.append(Send(peer, Blocks(message.request, tuple(raws))))
        if served < len(message.ids):
            effects.append(Send(peer, Blocks(message.request, ())))
            effects.append(Count("unserved", "blocks", len(message.ids) - served))
        return effects

    def _body(self, peer: PeerId, request: _Request, raw: bytes) -> list[Effect]:
        try:
            block = decode_block(raw)
        except Refusal as refusal:
            return [Penalize(peer, POINTS_MALFORMED, refusal.code, refusal.reason)]
        block_id = block.header.id
        if block_id not in request.waiting:
            return [Count("late", "blocks")]
        del request.waiting[block_id]
        request.delivered += 1
        self._body_bytes += (len(raw) - self._body_bytes) // 8
        self._peers[peer].outstanding -= 1
        wanted = self._wanted.get(block_id)
        if wanted is None or block_id in self._intake:
            return []
        wanted.asked = None
        wanted.tried.append(peer)
        try:
            return self._intake.offer(block, peer)
        except Refusal as refusal:
            return [self._blame(peer, block, refusal)]

    def _blame(self, peer: PeerId, block: Block, refusal: Refusal) -> Effect:
        reason = f"block {block.header.id.hex()}: {refusal.reason}"
        return Penalize(peer, POINTS_INVALID_BLOCK, refusal.code, reason)

    def _settle(self, outcomes: list[Outcome], now: Now) -> list[Effect]:
        effects: list[Effect] = []
        for outcome in outcomes:
            match outcome:
                case Imported(block):
                    self._wanted.remove(block.header.id)
                    self._wanted.progressed(now.s)
                case Refused():
                    effects += self._refused(outcome, now)
        self._outcomes += outcomes
        if outcomes:
            effects += self._show_head(again=False)
        return effects

    def _refused(self, refused: Refused, now: Now) -> list[Effect]:
        """Blame the sender of an invalid body; forget what builds on a block that cannot be."""
        block_id, refusal = refused.block_id, refused.refusal
        if refusal.code == "already-known":
            self._wanted.remove(block_id)
            return []
        if isinstance(refusal, Declined):
            self._intake.drop(block_id)
            self._wanted.reject(block_id)
            return [Count("declined", refusal.code)]
        if refusal.code not in BODY_FAULTS:
            self._intake.drop(block_id)
            self._wanted.rejected.add(block_id)
            for wanted in self._wanted.reject(block_id):
                self._wanted.rejected.add(wanted.header.id)
        reason = f"block {block_id.hex()}: {refusal.reason}"
        return [Penalize(refused.source, POINTS_INVALID_BLOCK, refusal.code, reason)]

    def _show_head(self, *, again: bool) -> list[Effect]:
        """Announce the head to peers that are not known to have it."""
        head = self._ledger.head.id
        if not again and any(w.header.height > self._ledger.head.height for w in self._wanted):
            return []
        ignorant = [
            (peer, state)
            for peer, state in self._peers.items()
            if self._wanted.claims.get(peer, (0, None))[1] != head
            and (again or state.shown != head)
        ]
        message = AnnounceBlock(self._ledger.head.header.raw, self._ledger.head.seal)
        for _, state in ignorant:
            state.shown = head
        return [Send(peer, message) for peer, _ in ignorant]

    def _fetch(self, now: Now) -> list[Effect]:
        self._retry_s = None
        chosen: dict[PeerId, list[Hash]] = {}
        effects: list[Effect] = []
        unknown = self._window(now, effects)
        for wanted in unknown:
            peer = self._candidate(wanted, now)
            if peer is None:
                continue
            wanted.asked = peer
            self._peers[peer].outstanding += 1
            chosen.setdefault(peer, []).append(wanted.header.id)
        for peer, ids in chosen.items():
            share = self._share()
            for start in range(0, len(ids), share):
                effects.append(self._request(peer, ids[start : start + share], now))
        return effects

    def _window(self, now: Now, effects: list[Effect]) -> list[WantedBlock]:
        """Wanted blocks near the ledger that nobody is being asked for."""
        found: list[WantedBlock] = []
        dead: list[WantedBlock] = []
        window = max(WINDOW_MIN, min(WINDOW, WINDOW_BYTES // max(self._body_bytes, 1)))
        for index, wanted in enumerate(self._wanted):
            if index >= window:
                break
            if wanted.asked is not None or wanted.header.id in self._intake:
                continue
            if wanted.not_before_s > now.s:
                self._retry_at(wanted.not_before_s)
            elif wanted.rounds >= ROUNDS_MAX:
                dead.append(wanted)
            else:
                found.append(wanted)
        for wanted in dead:
            self._wanted.reject(wanted.header.id)
            self._intake.drop(wanted.header.id)
            effects.append(Count("abandoned", "blocks"))
        return [wanted for wanted in found if wanted.header.id in self._wanted]

    def _candidate(self, wanted: WantedBlock, now: Now) -> PeerId | None:
        """The least busy peer that should have the block and was not asked in this round."""
        height, share = wanted.header.height, self._share()
        able = [
            (state.slow_until_s > now.s, state.outstanding // share, peer)
            for peer, state in self._peers.items()
            if state.outstanding < 2 * share
            and peer not in wanted.tried
            and (peer == wanted.source or self._wanted.claims.get(peer, (-1, b""))[0] >= height)
        ]
        if able:
            return min(able)[2]
        untried = [
            peer
            for peer in self._peers
            if peer not in wanted.tried
            and (peer == wanted.source or self._wanted.claims.get(peer, (-1, b""))[0] >= height)
        ]
        if not untried:
            wanted.tried.clear()
            wanted.rounds += 1
            wanted.not_before_s = now.s + ROUND_S
            self._retry_at(wanted.not_before_s)
        return None

    def _share(self) -> int:
        """Blocks in one request: about REQUEST_BYTES by what blocks lately weighed."""
        return max(1, min(REQUEST_BLOCKS, REQUEST_BYTES // max(self._body_bytes, 1)))

    def _retry_at(self, when_s: float) -> None:
        if self._retry_s is None or when_s < self._retry_s:
            self._retry_s = when_s

    def _request(self, peer: PeerId, ids: list[Hash], now: Now) -> Send:
        self._last_request += 1
        self._requests[self._last_request] = _Request(peer, ids, now.s + STALL_S)
        return Send(peer, GetBlocks(self._last_request, tuple(ids)))

    def _give_up(self, request: _Request, *, vain: bool = True) -> None:
        self._peers[request.peer].outstanding -= len(request.waiting)
        for block_id in request.waiting:
            wanted = self._wanted.get(block_id)
            if wanted is not None and wanted.asked == request.peer:
                wanted.asked = None
                if vain:
                    wanted.tried.append(request.peer)

    def _unserved(self, request: _Request) -> list[Effect]:
        """The peer ends its answer early: it was long enough, or it has none of the blocks.

        Headers that came from this very peer were then an empty promise.
        """
        waiting = [self._wanted.get(block_id) for block_id in request.waiting]
        self._give_up(request, vain=not request.delivered)
        if request.delivered:
            return []
        broken = [w for w in waiting if w is not None and w.source == request.peer]
        if not broken:
            return []
        reason = f"{short(request.peer)} announced {len(broken)} blocks and has none of them"
        return [Penalize(request.peer, POINTS_BROKEN_PROMISE, "broken-promise", reason)]
