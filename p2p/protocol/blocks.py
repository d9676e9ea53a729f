"""Bodies of wanted blocks: taken in, imported in order, announced; and served to others.

Rules:
- Bodies are accepted only for wanted blocks, and only from peers we asked (see `downloads`). *Why:*
  memory; and a body nobody asked for is nobody's to judge.
- A block is announced after it was imported as the new head, never before. *Why:* nothing invalid
  may be relayed, and a peer that asks at once must get it.
- The head is repeated to peers that have not shown it every STATUS_S. *Why:* a lost announcement
  or a silent fork heals by itself.
- Whoever sends an invalid body could have known: it is banned at once. Where the fault may be in
  the body alone (BODY_FAULTS) the block is asked for elsewhere. *Why:* a right header must not be
  condemned for the wrong body that a liar sends under it.
Serving is bounded in bytes a second and bytes an answer; an empty message ends a short answer.
"""

from collections.abc import Iterator

from chain.block import decode_block, encode_block
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_INVALID_BLOCK, POINTS_MALFORMED
from p2p.protocol.downloads import Downloads
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.intake import Imported, Intake, Outcome, Refused
from p2p.protocol.wanted import Wanted
from p2p.wire.messages import AnnounceBlock, Blocks, GetBlocks

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
REPLY_BYTES_MAX = 1_048_576  # one message of a reply; a longer reply is several messages
ANSWER_BYTES_MAX = 8 * 1024 * 1024  # of one answer, beyond its first block; the rest is asked again
SERVED_BYTES_RATE = 16_000_000  # a second and peer: four times what one core can import
SERVED_BYTES_BURST = 64_000_000
SERVED_BYTES_LEAST = 4096  # what an id costs even if there is no block: a read of the store


class _Peer:
    __slots__ = ("budget", "shown")

    def __init__(self, shown: Hash, now: Now) -> None:
        self.shown = shown
        self.budget = TokenBucket(SERVED_BYTES_RATE, SERVED_BYTES_BURST, now.s)


class BlockExchange:
    """The bodies' engine. `take_outcomes` tells the router what reached the ledger."""

    def __init__(self, ledger: Ledger, wanted: Wanted, jobs: Iterator[int]) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._intake = Intake(ledger, wanted, jobs)
        self._downloads = Downloads(wanted)
        self._peers: dict[PeerId, _Peer] = {}
        self._outcomes: list[Outcome] = []
        self._status_s: float | None = None

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """A new peer: our hello has shown it our head."""
        self._peers[peer] = _Peer(self._ledger.head.id, now)
        self._downloads.connected(peer)
        return self.fetch(now)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """What it was asked for goes to others."""
        self._downloads.disconnected(peer)
        del self._peers[peer]
        return self.fetch(now)

    def receive(self, peer: PeerId, message: GetBlocks | Blocks, now: Now) -> list[Effect]:
        """Serve bodies, or take in those we asked for."""
        match message:
            case GetBlocks():
                return self._serve(peer, message, now)
            case Blocks(number, ()):
                return self._downloads.ended(peer, number) + self.fetch(now)
            case Blocks(number, raws):
                effects: list[Effect] = []
                for raw in raws:
                    effects += self._body(peer, number, raw, now)
                self._downloads.progressed(peer, number, now)
                return effects + self.fetch(now)

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
        if self._intake.ready or self._status_s is None:
            return 0.0
        downloads_s = self._downloads.deadline_s()
        return self._status_s if downloads_s is None else min(self._status_s, downloads_s)

    def tick(self, now: Now) -> list[Effect]:
        """Import a step, give up what stalled, ask for more, repeat the head when due."""
        effects = self._settle(self._intake.step(now), now)
        effects += self._downloads.expire(now)
        for gone in self._downloads.abandoned():
            self._intake.drop(gone.header.id)
            effects.append(Count("abandoned", "blocks"))
        effects += self.fetch(now)
        if self._status_s is None:
            self._status_s = now.s + STATUS_S
        elif now.s >= self._status_s:
            self._status_s = now.s + STATUS_S
            effects += self._show_head(again=True)
        return effects

    def fetch(self, now: Now) -> list[Effect]:
        """Ask for wanted blocks that nobody is being asked for."""
        return self._downloads.fetch(self._intake.__contains__, now)

    def _serve(self, peer: PeerId, message: GetBlocks, now: Now) -> list[Effect]:
        budget = self._peers[peer].budget
        effects: list[Effect] = []
        raws: list[bytes] = []
        size = answered = served = 0
        for block_id in message.ids:
            block = self._ledger.block(block_id)
            raw = b"" if block is None else encode_block(block)
            paid = budget.take(max(len(raw), SERVED_BYTES_LEAST), now.s)
            if block is None or not paid:
                continue
            if served and answered + len(raw) > ANSWER_BYTES_MAX:
                break
            if raws and size + len(raw) > REPLY_BYTES_MAX:
                effects.append(Send(peer, Blocks(message.request, tuple(raws))))
                raws, size = [], 0
            raws.append(raw)
            size += len(raw)
            answered += len(raw)
            served += 1
        if raws:
            effects.append(Send(peer, Blocks(message.request, tuple(raws))))
        if served < len(message.ids):
            effects.append(Send(peer, Blocks(message.request, ())))
            effects.append(Count("unserved", "blocks", len(message.ids) - served))
        return effects

    def _body(self, peer: PeerId, number: int, raw: bytes, now: Now) -> list[Effect]:
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
            return self._intake.offer(block, peer)
        except Refusal as refusal:
            return [_blame(peer, block_id, refusal)]

    def _settle(self, outcomes: list[Outcome], now: Now) -> list[Effect]:
        effects: list[Effect] = []
        for outcome in outcomes:
            match outcome:
                case Imported(block):
                    self._wanted.imported(block.header.id, now.s)
                case Refused():
                    effects += self._refused(outcome)
        self._outcomes += outcomes
        if outcomes:
            effects += self._show_head(again=False)
        return effects

    def _refused(self, refused: Refused) -> list[Effect]:
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
            self._wanted.rejected.update(w.header.id for w in self._wanted.reject(block_id))
        return [_blame(refused.source, block_id, refusal)]

    def _show_head(self, *, again: bool) -> list[Effect]:
        """Announce the head to peers that are not known to have it."""
        head = self._ledger.head
        if not again and self._wanted.reaches_above(head.height):
            return []
        message = AnnounceBlock(head.header.raw, head.seal)
        effects: list[Effect] = []
        for peer, state in self._peers.items():
            claim = self._wanted.claims.get(peer)
            if (claim is None or claim[1] != head.id) and (again or state.shown != head.id):
                state.shown = head.id
                effects.append(Send(peer, message))
        return effects


def _blame(peer: PeerId, block_id: Hash, refusal: Refusal) -> Effect:
    reason = f"block {block_id.hex()}: {refusal.reason}"
    return Penalize(peer, POINTS_INVALID_BLOCK, refusal.code, reason)
