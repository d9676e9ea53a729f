"""Gossip of transactions: announce in batches, ask one peer at a time, validate before relay.

Rules:
- Order of checks: size, decoding, de-duplication by the hash of the raw bytes (marked before the
  first wait), signature (batched, off the loop), then the ledger's rules and policy. *Why:* the
  cheap ones first; and two copies arriving together must cost one signature check.
- The mark is on the raw bytes, not on the id. *Why:* the id leaves the signature out, so anyone
  could censor an id by sending it first with a wrong signature.
- Only what the mempool accepted is announced, within FLUSH_S, to peers not known to have it. What
  was declined (full, gap, policy) is not relayed, and nobody is blamed. *Why:* it may be fine a
  moment later, or elsewhere.
- A peer is blamed for what it could have known: bytes that do not decode, wrong signatures, what
  no state could make right. What the ledger declines is nobody's fault.
- Own submissions take the same path. A transaction still pending after REANNOUNCE_S is announced
  once more to one random peer; on connecting, everything pending is announced. *Why:* a healed
  partition or a peer whose pool was full must not depend on luck; this is the backstop.
Bounds: per peer KNOWN_MAX remembered ids and the request tracker's limits; VALIDATING_MAX
signature checks waiting in all, beyond which nothing more is asked for.
Resists: floods of invalid signatures (each batch is penalised, and batches per peer are bounded by
what we asked for), announce-then-never-serve (one timeout for each pair of peer and id).
"""

import random
from collections.abc import Iterable, Iterator
from itertools import islice

from chain.ledger import Ledger, TransactionDropped
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import decode_transaction
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet
from p2p.peers.requests import RequestTracker
from p2p.peers.score import (
    POINTS_FLOOD,
    POINTS_INVALID_SIGNATURE,
    POINTS_INVALID_TRANSACTION,
)
from p2p.protocol.candidates import Candidate, Ticket
from p2p.protocol.effects import (
    CheckSignatures,
    Count,
    Effect,
    Notify,
    Penalize,
    Send,
    SubmitResult,
)
from p2p.protocol.instant import Now
from p2p.wire.messages import AnnounceTransactions, GetTransactions, Transactions

FLUSH_S = 0.02  # batches 10 transactions at 500 a second; a third of the promised 50 ms
ANNOUNCE_MAX = 1000  # ids in one message: 33 KB
KNOWN_MAX = 16_384  # a generation of ids known to one peer: 30 s at 500 a second
SETTLED_MAX = 65_536  # a generation of ids not worth asking for again
VALIDATING_MAX = 8192  # about 0.3 s of signature checks on two threads
RETRY_S = 10.0  # a declined transaction is not asked for again before this
DECLINED_MAX = 16_384
REPLY_BYTES_MAX = 262_144  # one message of a reply; a longer reply is several messages
SERVED_BYTES_RATE = 4_000_000  # a second and peer: 16,000 transactions of 250 bytes
SERVED_BYTES_BURST = 16_000_000
IDS_RATE = 20_000  # announced or asked for, a second and peer: 20 ms of our time
IDS_BURST = 200_000  # four full mempools, as two halves of a healed network exchange
UNASKED_RATE = 50  # pushed without being asked for: nobody's habit, so a flood's at most
UNASKED_BURST = 500
REANNOUNCE_S = 30.0
REANNOUNCE_MAX = 1000


class _Peer:
    """What a peer is known to have, and what it may still make us spend."""

    __slots__ = ("budget", "ids", "known", "unasked")

    def __init__(self, now: Now) -> None:
        self.known = RecentSet(KNOWN_MAX)
        self.ids = TokenBucket(IDS_RATE, IDS_BURST, now.s)
        self.unasked = TokenBucket(UNASKED_RATE, UNASKED_BURST, now.s)
        self.budget = TokenBucket(SERVED_BYTES_RATE, SERVED_BYTES_BURST, now.s)


class Gossip:
    """The transactions' engine. `jobs` numbers signature checks uniquely within the node."""

    def __init__(self, ledger: Ledger, jobs: Iterator[int], rng: random.Random) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._rng = rng
        self._peers: dict[PeerId, _Peer] = {}
        self._tracker = RequestTracker()
        self._validating: dict[Hash, Candidate] = {}
        self._running: dict[int, list[Candidate]] = {}
        self._rejected = RecentSet(SETTLED_MAX)
        self._settled = RecentSet(SETTLED_MAX)
        self._declined: dict[Hash, float] = {}
        self._pending: dict[Hash, float] = {}
        self._fresh: list[Hash] = []
        self._flush_s: float | None = None
        self._reannounce_s: float | None = None

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Offer a new peer everything pending here."""
        self._peers[peer] = _Peer(now)
        self._tracker.connected(peer)
        return self._announce(peer, list(self._pending))

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Ask others for what the peer still owed."""
        del self._peers[peer]
        self._tracker.disconnected(peer)
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
            case GetTransactions(request, ids):
                return self._serve(peer, request, ids, now)
            case Transactions(request, raws):
                return self._received(peer, request, raws, now)

    def submit(self, ticket: int, raws: Iterable[bytes], now: Now) -> list[Effect]:
        """Take a local client's transactions; one `Answer` follows with all verdicts."""
        batch = list(raws)
        waiting = Ticket(ticket, len(batch))
        effects: list[Effect] = []
        candidates: list[Candidate] = []
        for index, raw in enumerate(batch):
            digest = sha256(raw)
            candidate = self._validating.get(digest)
            if candidate is None:
                try:
                    transaction = decode_transaction(raw, self._ledger.chain)
                except Refusal as refusal:
                    refused = SubmitResult(None, False, refusal.code, refusal.reason)
                    effects += waiting.settle(index, refused)
                    continue
                candidate = self._validating[digest] = Candidate(transaction, digest, None)
                candidates.append(candidate)
            candidate.waiting.append((waiting, index))
        return effects + self._validate(candidates, now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """Verdicts of one batch: accepted ones will be announced with the next flush."""
        effects: list[Effect] = []
        wrong: dict[PeerId, int] = {}
        for candidate, valid in zip(self._running.pop(job), verdicts, strict=True):
            if valid:
                effects += self._judge(candidate, now)
                continue
            transaction = candidate.transaction
            del self._validating[candidate.digest]
            self._rejected.add(candidate.digest)
            self._tracker.rejected(transaction.id)
            reason = (
                f"the signature is not that of key {transaction.key.hex()} over this transaction"
            )
            effects += candidate.settle(
                SubmitResult(transaction.id, False, "invalid-signature", reason)
            )
            if candidate.peer is not None:
                wrong[candidate.peer] = wrong.get(candidate.peer, 0) + 1
        for peer, count in wrong.items():
            reason = f"{count} of {len(verdicts)} transactions in one batch"
            effects.append(Penalize(peer, POINTS_INVALID_SIGNATURE, "invalid-signature", reason))
        return effects + self._asks(now)

    def included(self, ids: Iterable[Hash]) -> None:
        """Transactions that are in the chain now: no longer wanted, offered or asked for."""
        for txid in ids:
            self._pending.pop(txid, None)
            self._settled.add(txid)
            self._tracker.settled(txid)

    def returned(self, txid: Hash, now: Now) -> None:
        """A reorganisation put a transaction back into the mempool: peers must hear of it."""
        self._fresh_one(txid, now)
        for state in self._peers.values():
            state.known.discard(txid)

    def excluded(self) -> None:
        """A block left the chain, so what was included may be wanted again."""
        self._settled = RecentSet(SETTLED_MAX)

    def dropped(self, txid: Hash) -> None:
        """The mempool let a transaction go: it may be offered again."""
        self._pending.pop(txid, None)

    def deadline_s(self) -> float | None:
        """When to tick next: a flush, a request's timeout, or the backstop."""
        if self._reannounce_s is None:
            return 0.0
        times = [self._reannounce_s]
        if self._flush_s is not None:
            times.append(self._flush_s)
        request_s = self._tracker.deadline_s()
        if request_s is not None:
            times.append(request_s)
        return min(times)

    def tick(self, now: Now) -> list[Effect]:
        """Flush announcements, re-ask what timed out, run the backstop."""
        effects: list[Effect] = []
        if self._flush_s is not None and now.s >= self._flush_s:
            fresh, self._fresh, self._flush_s = self._fresh, [], None
            for peer in self._peers:
                effects += self._announce(peer, fresh)
        if self._reannounce_s is not None and now.s >= self._reannounce_s:
            effects += self._remind(now)
            self._reannounce_s = None
        if self._reannounce_s is None:
            self._reannounce_s = now.s + REANNOUNCE_S / 3
        return effects + self._asks(now)

    def _announced(self, peer: PeerId, ids: tuple[Hash, ...], now: Now) -> list[Effect]:
        if not self._peers[peer].ids.take(len(ids), now.s):
            return [self._flood(peer, f"more than {IDS_RATE} ids a second")]
        known = self._peers[peer].known
        mempool, settled, tracker = self._ledger.mempool, self._settled, self._tracker
        ignored = 0
        for txid in ids:
            known.add(txid)
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
        if len(self._validating) >= VALIDATING_MAX:
            return []
        return [
            Send(ask.peer, GetTransactions(ask.request, ask.ids))
            for ask in self._tracker.due(now.s)
        ]

    def _serve(self, peer: PeerId, request: int, ids: tuple[Hash, ...], now: Now) -> list[Effect]:
        state = self._peers[peer]
        if not state.ids.take(len(ids), now.s):
            return [self._flood(peer, f"more than {IDS_RATE} ids a second")]
        effects: list[Effect] = []
        raws: list[bytes] = []
        size = served = 0
        for txid in ids:
            transaction = self._ledger.mempool.get(txid)
            if transaction is None or not state.budget.take(len(transaction.raw), now.s):
                continue
            if size + len(transaction.raw) > REPLY_BYTES_MAX and raws:
                effects.append(Send(peer, Transactions(request, tuple(raws))))
                raws, size = [], 0
            raws.append(transaction.raw)
            size += len(transaction.raw)
            served += 1
            state.known.add(txid)
        if raws:
            effects.append(Send(peer, Transactions(request, tuple(raws))))
        if served < len(ids):
            effects.append(Send(peer, Transactions(request, ())))
            effects.append(Count("unserved", "transactions", len(ids) - served))
        return effects

    def _received(
        self, peer: PeerId, request: int, raws: tuple[bytes, ...], now: Now
    ) -> list[Effect]:
        if not raws:
            self._tracker.finished(peer, request)
            return self._asks(now)
        candidates: list[Candidate] = []
        state = self._peers[peer]
        effects: list[Effect] = []
        for raw in raws:
            digest = sha256(raw)
            if digest in self._validating:
                continue
            if digest in self._rejected:
                effects.append(self._blame(peer, "known-invalid", digest.hex()))
                continue
            try:
                transaction = decode_transaction(raw, self._ledger.chain)
            except Refusal as refusal:
                self._rejected.add(digest)
                effects.append(self._blame(peer, refusal.code, refusal.reason))
                continue
            txid = transaction.id
            state.known.add(txid)
            asked = self._tracker.arrived(peer, txid)
            if txid in self._settled or self._ledger.mempool.has(txid):
                self._tracker.settled(txid)
                continue
            if not asked and not state.unasked.take(1, now.s):
                self._tracker.rejected(txid)
                effects.append(Count("ignored", "unasked-transactions"))
                continue
            candidate = self._validating[digest] = Candidate(transaction, digest, peer)
            candidates.append(candidate)
        return effects + self._validate(candidates, now)

    def _flood(self, peer: PeerId, reason: str) -> Effect:
        return Penalize(peer, POINTS_FLOOD, "flood", reason)

    def _blame(self, peer: PeerId, code: str, reason: str) -> Effect:
        return Penalize(peer, POINTS_INVALID_TRANSACTION, code, reason)

    def _validate(self, candidates: list[Candidate], now: Now) -> list[Effect]:
        """Start signature checks of those whose bytes were never checked; judge the others now."""
        effects: list[Effect] = []
        unchecked: list[Candidate] = []
        for candidate in candidates:
            if self._ledger.signature_known(candidate.transaction.raw):
                effects += self._judge(candidate, now)
            else:
                unchecked.append(candidate)
        if unchecked:
            job = next(self._jobs)
            self._running[job] = unchecked
            effects.append(CheckSignatures(job, tuple(c.transaction.check for c in unchecked)))
        return effects

    def _judge(self, candidate: Candidate, now: Now) -> list[Effect]:
        """The ledger's verdict on a transaction whose signature is good."""
        del self._validating[candidate.digest]
        transaction = candidate.transaction
        slot = self._ledger.genesis.slot_at(now.unix_ms)
        self._tracker.settled(transaction.id)
        try:
            events = self._ledger.submit(transaction, slot)
        except Refusal as refusal:
            known = refusal.code in ("already-known", "already-included")
            if isinstance(refusal, Declined) and not known:
                self._decline(transaction.id, now)
            result = SubmitResult(transaction.id, known, refusal.code, refusal.reason)
            effects = [Count("transactions", refusal.code), *candidate.settle(result)]
            if not known and not isinstance(refusal, Declined):
                self._settled.add(transaction.id)
                if candidate.peer is not None:
                    effects.append(self._blame(candidate.peer, refusal.code, refusal.reason))
            return effects
        self._fresh_one(transaction.id, now)
        for event in events:
            if isinstance(event, TransactionDropped):
                self.dropped(event.txid)
        accepted = SubmitResult(transaction.id, True, "accepted", "")
        return [
            Count("transactions", "accepted"),
            *map(Notify, events),
            *candidate.settle(accepted),
        ]

    def _decline(self, txid: Hash, now: Now) -> None:
        if len(self._declined) >= DECLINED_MAX:
            self._declined.clear()
        self._declined[txid] = now.s + RETRY_S

    def _fresh_one(self, txid: Hash, now: Now) -> None:
        self._settled.discard(txid)
        self._pending[txid] = now.s
        self._fresh.append(txid)
        if self._flush_s is None:
            self._flush_s = now.s + FLUSH_S

    def _announce(self, peer: PeerId, ids: list[Hash]) -> list[Effect]:
        known = self._peers[peer].known
        unknown = [txid for txid in ids if txid not in known]
        known.update(unknown)
        return [
            Send(peer, AnnounceTransactions(tuple(unknown[i : i + ANNOUNCE_MAX])))
            for i in range(0, len(unknown), ANNOUNCE_MAX)
        ]

    def _remind(self, now: Now) -> list[Effect]:
        """Announce what has been pending for long to one random peer, oldest first."""
        old: list[Hash] = []
        for txid, since_s in list(islice(self._pending.items(), REANNOUNCE_MAX)):
            if now.s - since_s < REANNOUNCE_S:
                break
            del self._pending[txid]
            if self._ledger.mempool.has(txid):
                self._pending[txid] = now.s
                old.append(txid)
        if not old or not self._peers:
            return []
        peer = self._rng.choice(list(self._peers))
        return [Send(peer, AnnounceTransactions(tuple(old)))]
