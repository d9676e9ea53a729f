"""Blocks and their parts for those who ask, within a budget of bytes for each peer.

Rules:
- Whole blocks are served from the ledger alone. *Why:* who sends a whole block answers for it, and
  what is there has been validated.
- Parts of a block, and its compact form, also of one that is still being validated. *Why:* it has
  been passed on, and who asks is waiting; nobody answers for more than its header.
- What an id costs at least is paid before anything is read, the rest once it is known, if need be
  on credit; who owes is served nothing. *Why:* what is read to find out that it is too much has
  cost us as much as an answer.
- An empty message ends a short answer.
Bounds: SERVED_BYTES_RATE; an answer has ANSWER_BYTES_MAX at most beyond its first block.
"""

from chain.block import encode_block
from chain.ledger import Ledger
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.protocol.compact import transactions_at
from p2p.protocol.effects import Count, Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.intake import Intake
from p2p.protocol.relay import Relay
from p2p.wire.messages import (
    ID_BYTES,
    Blocks,
    BlockTransactions,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
)

REPLY_BYTES_MAX = 1_048_576  # one message of a reply; a longer reply is several messages
ANSWER_BYTES_MAX = 8 * 1024 * 1024  # of one answer, beyond its first block; the rest is asked again
SERVED_BYTES_RATE = 16_000_000  # a second and peer: four times what one core can import
SERVED_BYTES_BURST = 64_000_000
SERVED_BYTES_LEAST = 4096  # what an id costs even if there is no block: a read of the store
COMPACTING_BYTES = 512  # what reading a transaction to make its short id counts: two common ones


class BlockServer:
    """Answers, and the budgets they are taken from."""

    def __init__(self, ledger: Ledger, intake: Intake, relay: Relay) -> None:
        self._ledger = ledger
        self._intake = intake
        self._relay = relay
        self._budgets: dict[PeerId, TokenBucket] = {}

    def connected(self, peer: PeerId, now: Now) -> None:
        """A peer that may ask."""
        self._budgets[peer] = TokenBucket(SERVED_BYTES_RATE, SERVED_BYTES_BURST, now.s)

    def disconnected(self, peer: PeerId) -> None:
        """It asks no more."""
        del self._budgets[peer]

    def blocks(self, peer: PeerId, message: GetBlocks, now: Now) -> list[Effect]:
        """Whole blocks."""
        budget = self._budgets[peer]
        effects: list[Effect] = []
        raws: list[bytes] = []
        size = answered = served = 0
        for block_id in message.ids:
            if not self._may_read(peer, now):
                break
            block = self._ledger.block(block_id)
            if block is None:
                continue
            raw = encode_block(block)
            budget.owe(max(0, len(raw) - SERVED_BYTES_LEAST), now.s)
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

    def transactions(self, peer: PeerId, message: GetBlockTransactions, now: Now) -> list[Effect]:
        """Transactions of a block by their places."""
        raws = self._at(peer, message, now) if self._may_read(peer, now) else []
        if not raws:
            return [
                Send(peer, BlockTransactions(message.request, ())),
                Count("unserved", "block-transactions"),
            ]
        return [Send(peer, BlockTransactions(message.request, part)) for part in _parts(raws)]

    def compact(self, peer: PeerId, message: GetCompactBlock, now: Now) -> list[Effect]:
        """A block in compact form; silence where there is none."""
        header = self._ledger.header(message.block) if self._may_read(peer, now) else None
        if header is None:
            return [Count("unserved", "compact-block")]
        at_hand = self._relay.has_made(header.id)
        made = self._relay.compact_of(header, now)
        if made is None:
            return [Count("unserved", "compact-block")]
        each = ID_BYTES if at_hand else ID_BYTES + COMPACTING_BYTES
        self._budgets[peer].owe(each * len(made.short_ids), now.s)
        return [Send(peer, made)]

    def _may_read(self, peer: PeerId, now: Now) -> bool:
        return self._budgets[peer].take(SERVED_BYTES_LEAST, now.s)

    def _at(self, peer: PeerId, message: GetBlockTransactions, now: Now) -> list[bytes]:
        """Transactions of a block by their places; none when it is not here, or has fewer."""
        known = self._intake.block(message.block)
        block = self._ledger.block(message.block) if known is None else known
        if block is None:
            return []
        raws = transactions_at(block, message.places) or []
        cost = sum(map(len, raws))
        if known is None:
            cost += sum(map(len, block.transactions))  # read and decoded for the sake of some
        self._budgets[peer].owe(cost, now.s)
        return raws


def _parts(raws: list[bytes]) -> list[tuple[bytes, ...]]:
    """In their order, so many together as one message of a reply may have."""
    parts: list[tuple[bytes, ...]] = []
    part: list[bytes] = []
    size = 0
    for raw in raws:
        if part and size + len(raw) > REPLY_BYTES_MAX:
            parts.append(tuple(part))
            part, size = [], 0
        part.append(raw)
        size += len(raw)
    return [*parts, tuple(part)]
