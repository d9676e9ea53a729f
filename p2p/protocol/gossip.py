"""Gossip of transactions: announce in batches, ask one peer at a time, validate before relay.

Rules:
- Order of checks: size, decoding, de-duplication (see `validation`), signature, then the ledger's
  rules and policy. *Why:* the cheap ones first.
- Only what the mempool accepted is announced (see `offers`). What was declined (full, gap, policy)
  is not relayed, and not asked for again before RETRY_S. *Why:* it may be fine a moment later.
- A peer is blamed for what it could have known: bytes that do not decode, wrong signatures, what
  no state could make right. What the ledger declines is nobody's fault.
- Own submissions take the same path as everybody's.
Resists: floods of invalid signatures (each batch is penalised, and batches are bounded by what we
asked for and by UNASKED_*), announce-then-never-serve (one timeout per peer and id, see
`requests`), floods of ids (IDS_*).
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from chain.ledger import Ledger, TransactionDropped
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash, sha256
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet
from p2p.peers.requests import RequestTracker
from p2p.peers.score import (
    POINTS_FLOOD,
    POINTS_INVALID_SIGNATURE,
    POINTS_INVALID_TRANSACTION,
)
from p2p.peers.usefulness import Use
from p2p.protocol.effects import Count, Credit, Effect, Notify, Penalize, Send, SubmitResult
from p2p.protocol.instant import Now
from p2p.protocol.offers import Offers
from p2p.protocol.validation import Candidate, Ticket, Validation
from p2p.wire.messages import AnnounceTransactions, GetTransactions, Transactions

SETTLED_MAX = 65_536  # a generation of ids not worth asking for again
RETRY_S = 10.0
DECLINED_MAX = 16_384
REPLY_BYTES_MAX = 262_144  # one message of a reply; a longer reply is several messages
SERVED_BYTES_RATE = 4_000_000  # a second and peer: 16,000 transactions of 250 bytes
SERVED_BYTES_BURST = 16_000_000
IDS_RATE = 20_000  # announced or asked for, a second and peer: 20 ms of our time
IDS_BURST = 200_000  # four full mempools, as two halves of a healed network exchange
UNASKED_RATE = 50  # pushed without being asked for: nobody's habit, so a flood's at most
UNASKED_BURST = 500


class _Budgets:
    """What a peer may still make us spend."""

    __slots__ = ("bytes_served", "ids", "unasked")

    def __init__(self, now: Now) -> None:
        self.ids = TokenBucket(IDS_RATE, IDS_BURST, now.s)
        self.unasked = TokenBucket(UNASKED_RATE, UNASKED_BURST, now.s)
        self.bytes_served = TokenBucket(SERVED_BYTES_RATE, SERVED_BYTES_BURST, now.s)


class Gossip:
    """The transactions' engine. `jobs` numbers signature checks uniquely within the node."""

    def __init__(self, ledger: Ledger, jobs: Iterator[int], rng: random.Random) -> None:
        self._ledger = ledger
        self._budgets: dict[PeerId, _Budgets] = {}
        self._tracker = RequestTracker()
        self._validation = Validation(ledger, jobs)
        self._offers = Offers(ledger.mempool, rng)
        self._settled = RecentSet(SETTLED_MAX)
        self._declined: dict[Hash, float] = {}

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Offer a new peer everything pending here."""
        self._budgets[peer] = _Budgets(now)
        self._tracker.connected(peer)
        return self._offers.connected(peer)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Ask others for what the peer still owed."""
        del self._budgets[peer]
        self._tracker.disconnected(peer)
        self._offers.disconnected(peer)
        return self._asks(now)

    def receive(
        self,
        peer: PeerId,
        message: AnnounceTransactions | GetTransactions | Transactions,
        now: Now,
    ) -> list[Effect]:
        """One gossip message from a peer."""
        match message:
            case AnnounceTransactions(ids):
                return self._announced(peer, ids, now)
            case GetTransactions():
                return self._serve(peer, message, now)
            case Transactions(request, ()):
                self._tracker.finished(peer, request)
                return self._asks(now)
            case Transactions(_, raws):
                return self._received(peer, raws, now)

    def submit(self, ticket: int, raws: Sequence[bytes], now: Now) -> list[Effect]:
        """Take a local client's transactions; one `Answer` follows with all verdicts."""
        waiting = Ticket(ticket, len(raws))
        effects: list[Effect] = []
        candidates: list[Candidate] = []
        for index, raw in enumerate(raws):
            digest = sha256(raw)
            candidate = self._validation.find(digest)
            if candidate is None:
                try:
                    transaction = self._validation.decode(raw, digest)
                except Refusal as refusal:
                    refused = SubmitResult(None, False, refusal.code, refusal.reason)
                    effects += waiting.settle(index, refused)
                    continue
                candidate = self._validation.enter(transaction, digest, None)
                candidates.append(candidate)
            candidate.waiting.append((waiting, index))
        return effects + self._validate(candidates, now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """Verdicts of one batch: accepted ones will be announced with the next flush."""
        good, bad = self._validation.finish(job, verdicts)
        effects: list[Effect] = []
        for candidate in good:
            effects += self._judge(candidate, now)
        wrong: dict[PeerId, int] = {}
        for candidate in bad:
            effects += self._wrong_signature(candidate)
            if candidate.peer is not None:
                wrong[candidate.peer] = wrong.get(candidate.peer, 0) + 1
        for peer, count in wrong.items():
            reason = f"{count} of {len(verdicts)} transactions in one batch"
            effects.append(Penalize(peer, POINTS_INVALID_SIGNATURE, "invalid-signature", reason))
        return effects + self._asks(now)

    def included(self, ids: Iterable[Hash]) -> None:
        """Transactions that are in the chain now: no longer wanted, offered or asked for."""
        for txid in ids:
            self._offers.remove(txid)
            self._settled.add(txid)
            self._tracker.settled(txid)

    def returned(self, txid: Hash, now: Now) -> None:
        """A reorganisation put a transaction back into the mempool: peers must hear of it."""
        self._settled.discard(txid)
        self._offers.add(txid, now, again=True)

    def excluded(self) -> None:
        """A block left the chain, so what was included may be wanted again."""
        self._settled = RecentSet(SETTLED_MAX)

    def dropped(self, txid: Hash) -> None:
        """The mempool let a transaction go: it may be offered again."""
        self._offers.remove(txid)

    def deadline_s(self) -> float | None:
        """When to tick next: an announcement, or a request's timeout."""
        offers_s, request_s = self._offers.deadline_s(), self._tracker.deadline_s()
        return offers_s if request_s is None else min(offers_s, request_s)

    def tick(self, now: Now) -> list[Effect]:
        """Announce, and ask elsewhere for what did not come."""
        return self._offers.tick(now) + self._asks(now)

    def _announced(self, peer: PeerId, ids: tuple[Hash, ...], now: Now) -> list[Effect]:
        if not self._budgets[peer].ids.take(len(ids), now.s):
            return [_flood(peer)]
        self._offers.knows(peer, ids)
        mempool, settled, tracker = self._ledger.mempool, self._settled, self._tracker
        ignored = 0
        for txid in ids:
            if txid in settled or mempool.has(txid):
                continue
            if self._declined and self._declined.get(txid, 0.0) > now.s:
                continue
            ignored += not tracker.announced(peer, txid)
        effects = self._asks(now)
        if ignored:
            effects.append(Count("ignored", "announcements-beyond-allowance", ignored))
        return effects

    def _asks(self, now: Now) -> list[Effect]:
        if self._validation.crowded:
            return []
        return [
            Send(ask.peer, GetTransactions(ask.request, ask.ids))
            for ask in self._tracker.due(now.s)
        ]

    def _serve(self, peer: PeerId, message: GetTransactions, now: Now) -> list[Effect]:
        """Answer with what the mempool has; an empty message says that some were missing."""
        budgets = self._budgets[peer]
        if not budgets.ids.take(len(message.ids), now.s):
            return [_flood(peer)]
        effects: list[Effect] = []
        raws: list[bytes] = []
        size = served = 0
        for txid in message.ids:
            transaction = self._ledger.mempool.get(txid)
            if transaction is None or not budgets.bytes_served.take(len(transaction.raw), now.s):
                continue
            if raws and size + len(transaction.raw) > REPLY_BYTES_MAX:
                effects.append(Send(peer, Transactions(message.request, tuple(raws))))
                raws, size = [], 0
            raws.append(transaction.raw)
            size += len(transaction.raw)
            served += 1
        self._offers.knows(peer, message.ids)
        if raws:
            effects.append(Send(peer, Transactions(message.request, tuple(raws))))
        if served < len(message.ids):
            effects.append(Send(peer, Transactions(message.request, ())))
            effects.append(Count("unserved", "transactions", len(message.ids) - served))
        return effects

    def _received(self, peer: PeerId, raws: tuple[bytes, ...], now: Now) -> list[Effect]:
        effects: list[Effect] = []
        candidates: list[Candidate] = []
        for raw in raws:
            digest = sha256(raw)
            if self._validation.find(digest) is not None:
                continue
            if self._validation.is_rejected(digest):
                effects.append(_blame(peer, "known-invalid", digest.hex()))
                continue
            try:
                transaction = self._validation.decode(raw, digest)
            except Refusal as refusal:
                effects.append(_blame(peer, refusal.code, refusal.reason))
                continue
            if self._wanted(peer, transaction.id, now):
                candidates.append(self._validation.enter(transaction, digest, peer))
        return effects + self._validate(candidates, now)

    def _wanted(self, peer: PeerId, txid: Hash, now: Now) -> bool:
        """Whether a transaction that has come is new here, and not one push too many."""
        self._offers.knows(peer, (txid,))
        asked = self._tracker.arrived(peer, txid, now.s)
        if txid in self._settled or self._ledger.mempool.has(txid):
            self._tracker.settled(txid)
            return False
        if asked or self._budgets[peer].unasked.take(1, now.s):
            return True
        self._tracker.rejected(txid)
        return False

    def _validate(self, candidates: list[Candidate], now: Now) -> list[Effect]:
        known, effects = self._validation.begin(candidates)
        for candidate in known:
            effects += self._judge(candidate, now)
        return effects

    def _judge(self, candidate: Candidate, now: Now) -> list[Effect]:
        """The ledger's verdict on a transaction whose signature is good."""
        txid = candidate.transaction.id
        self._tracker.settled(txid)
        slot = self._ledger.genesis.slot_at(now.unix_ms)
        try:
            events = self._ledger.submit(candidate.transaction, slot)
        except Refusal as refusal:
            return self._refused(candidate, refusal, now)
        self._settled.discard(txid)
        self._offers.add(txid, now)
        for event in events:
            if isinstance(event, TransactionDropped):
                self.dropped(event.txid)
        accepted = candidate.settle(SubmitResult(txid, True, "accepted", ""))
        credit = [] if candidate.peer is None else [Credit(candidate.peer, Use.TRANSACTION)]
        return [Count("transactions", "accepted"), *credit, *map(Notify, events), *accepted]

    def _refused(self, candidate: Candidate, refusal: Refusal, now: Now) -> list[Effect]:
        txid = candidate.transaction.id
        known = refusal.code in ("already-known", "already-included")
        effects: list[Effect] = [Count("transactions", refusal.code)]
        effects += candidate.settle(SubmitResult(txid, known, refusal.code, refusal.reason))
        if known:
            return effects
        if isinstance(refusal, Declined):
            if len(self._declined) >= DECLINED_MAX:
                self._declined.clear()
            self._declined[txid] = now.s + RETRY_S
            return effects
        self._settled.add(txid)
        if candidate.peer is not None:
            effects.append(_blame(candidate.peer, refusal.code, refusal.reason))
        return effects

    def _wrong_signature(self, candidate: Candidate) -> list[Effect]:
        transaction = candidate.transaction
        self._tracker.rejected(transaction.id)
        reason = f"the signature is not that of key {transaction.key.hex()} over this transaction"
        return candidate.settle(SubmitResult(transaction.id, False, "invalid-signature", reason))


def _flood(peer: PeerId) -> Effect:
    return Penalize(peer, POINTS_FLOOD, "flood", f"more than {IDS_RATE} ids a second")


def _blame(peer: PeerId, code: str, reason: str) -> Effect:
    return Penalize(peer, POINTS_INVALID_TRANSACTION, code, reason)
