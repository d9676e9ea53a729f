"""From a transaction's bytes to a verdict: Accept, Ignore or Reject; only the first is passed on.

Rules:
- Order of checks: size, known by hash, decoding, known by id, signature, then the ledger's rules
  and policy; marked before anything is waited for (see `validation`). *Why:* the cheap ones first.
- A peer is blamed for what it could have known: bytes that do not decode, wrong signatures, what
  no state could make right. What the ledger declines is nobody's fault, and not asked for again
  before RETRY_S. *Why:* it may be fine a moment later.
- Of bodies that nobody asked for, what exceeds UNVERIFIED_MAX of a peer counts as announced.
  *Why:* a flood of bad signatures is bounded, and an honest burst is delayed, not lost.
- Wrong signatures are charged for by their number (see `turns`); and when one is found, what waits
  of its sender counts as announced. *Why:* somebody else may have it.
- Own submissions take the same path as everybody's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chain.ledger import Ledger, LedgerEvent, TransactionDropped
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import Transaction
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_INVALID_SIGNATURE, POINTS_INVALID_TRANSACTION
from p2p.peers.usefulness import Use
from p2p.protocol.allowances import UNVERIFIED_MAX, Allowance
from p2p.protocol.effects import Count, Credit, Effect, Notify, Penalize, SubmitResult
from p2p.protocol.holding import Holding
from p2p.protocol.instant import Now
from p2p.protocol.leases import Leases
from p2p.protocol.mesh import Mesh
from p2p.protocol.offers import Offers, Told
from p2p.protocol.pulls import Pulls
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.settled import Settled
from p2p.protocol.turns import Turns, charges
from p2p.protocol.validation import Candidate, Ticket, Validation, Verdict


@dataclass(frozen=True, slots=True)
class Workings:
    """What gossip consists of, and admission works on."""

    ledger: Ledger
    holding: Holding
    settled: Settled
    pulls: Pulls
    mesh: Mesh
    leases: Leases
    offers: Offers
    recent: RecentTransactions

    def item(self, txid: Hash) -> bytes:
        """The name an id is wanted under: its short id, unless that is another's we hold."""
        short = self.holding.short(txid)
        return short if self.holding.find(short) in (None, txid) else txid

    def hold(self, txid: Hash) -> list[PeerId]:
        """The mempool has it now; who had announced it."""
        item = self.item(txid)
        self.settled.discard(txid, item)
        self.holding.add(txid)
        return self.pulls.settled(item)


class Admission:
    """Transactions on their way in. `jobs` numbers signature checks uniquely within the node."""

    def __init__(self, workings: Workings, jobs: Iterator[int]) -> None:
        self._workings = workings
        self._ledger = workings.ledger
        self._validation = Validation(workings.ledger, jobs)
        self._turns: Turns[Candidate] = Turns()
        self._allowances: dict[PeerId, Allowance] = {}

    @property
    def crowded(self) -> bool:
        """Whether so much waits that nothing more should be asked for."""
        return self._validation.crowded

    def connected(self, peer: PeerId, allowance: Allowance) -> None:
        """A peer that may send."""
        self._allowances[peer] = allowance

    def disconnected(self, peer: PeerId) -> None:
        """Forget a peer; what it sent is validated all the same."""
        del self._allowances[peer]

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
                self._workings.recent.add(digest, raw, now.s)
                candidates.append(candidate)
            candidate.submitters.append((waiting, index))
        return effects + self._validate(candidates, now)

    def received(self, peer: PeerId, raws: tuple[bytes, ...], now: Now) -> list[Effect]:
        """Bodies from a peer, asked for or not."""
        effects: list[Effect] = [Count("gossip", "received", len(raws))]
        candidates: list[Candidate] = []
        for raw in raws:
            digest = sha256(raw)
            if self._seen(peer, digest, now):
                continue
            if self._validation.is_rejected(digest):
                effects.append(_blame(peer, "known-invalid", digest.hex()))
                continue
            try:
                transaction = self._validation.decode(raw, digest)
            except Refusal as refusal:
                effects.append(_blame(peer, refusal.code, refusal.reason))
                continue
            candidate, more = self._candidate(peer, transaction, digest, now)
            effects += more
            if candidate is not None:
                candidates.append(candidate)
        return effects + self._validate(candidates, now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """Verdicts of one batch; what is accepted goes on its way at once."""
        good, bad = self._validation.finish(job, verdicts)
        self._turns.checked(good + bad)
        effects = self._judge(good, now)
        wrong: dict[PeerId, int] = {}
        for candidate in bad:
            effects += self._wrong_signature(candidate)
            if candidate.peer is not None:
                wrong[candidate.peer] = wrong.get(candidate.peer, 0) + 1
        for peer, count in wrong.items():
            reason = f"{count} of {len(verdicts)} transactions in one batch"
            points = POINTS_INVALID_SIGNATURE * charges(count)
            effects.append(Penalize(peer, points, "invalid-signature", reason))
            effects += self._put_off(peer, now)
        for peer in dict.fromkeys(each.peer for each in good + bad if each.peer is not None):
            effects += self._validation.begin(self._turns.next(peer))
        return effects

    def _put_off(self, peer: PeerId, now: Now) -> list[Effect]:
        """What waits of a peer is asked for again, of whoever has it, unless a client of ours has
        submitted it as well."""
        pulls, patience_s = self._workings.pulls, self._workings.mesh.patience_s()
        given_up = self._turns.give_up(peer)
        for candidate in given_up:
            if candidate.submitters:
                continue
            self._validation.forget(candidate)
            self._verified(candidate)
            txid = candidate.transaction.id
            item = self._workings.item(txid)
            if peer in self._allowances:
                pulls.put_off(peer, item, txid, now.s + patience_s)
            else:
                pulls.named(item, txid)
                pulls.rejected(item)
        kept = [candidate for candidate in given_up if candidate.submitters]
        return self._validation.begin(self._turns.enter(kept))

    def _seen(self, peer: PeerId, digest: Hash, now: Now) -> bool:
        """Whether these bytes wait here or are being validated: one more peer has them."""
        candidate = self._validation.find(digest)
        if candidate is not None:
            tx: Transaction | None = candidate.transaction
            if candidate.waits:  # and may be put off
                item = self._workings.item(candidate.transaction.id)
                self._workings.pulls.announced(peer, (item,), now.s)
        else:
            tx = self._ledger.mempool.by_raw_hash(digest)
        if tx is None:
            return False
        self._shown(peer, tx.id, now)
        return True

    def _shown(self, peer: PeerId, txid: Hash, now: Now) -> None:
        workings = self._workings
        workings.offers.knows(peer, txid)
        workings.mesh.saw(peer, workings.holding.short(txid), now.s)

    def _candidate(
        self, peer: PeerId, tx: Transaction, digest: Hash, now: Now
    ) -> tuple[Candidate | None, list[Effect]]:
        """A transaction that is new here, if it may be validated now, and what else is to do."""
        pulls, mesh = self._workings.pulls, self._workings.mesh
        self._shown(peer, tx.id, now)
        item = self._workings.item(tx.id)
        asked = pulls.arrived(peer, item, now)
        if tx.id in self._workings.settled or self._ledger.mempool.has(tx.id):
            pulls.settled(item)
            self._allowances[peer].fruitless(now)
            return None, []
        if asked:
            self._allowances[peer].kept()
            self._workings.recent.add(digest, tx.raw, now.s)
            candidate = self._validation.enter(tx, digest, peer)
            return candidate, mesh.pulled(peer, now)
        allowance = self._allowances[peer]
        if allowance.unverified >= UNVERIFIED_MAX or self._validation.crowded:
            pulls.put_off(peer, item, tx.id, now.s + mesh.patience_s())
            return None, [Count("gossip", "put-off")]
        allowance.unverified += 1
        self._workings.recent.add(digest, tx.raw, now.s)
        return self._validation.enter(tx, digest, peer, allowance), []

    def _verified(self, candidate: Candidate) -> None:
        """It takes no more room: of the connection that brought it, and of no later one's."""
        if candidate.allowance is not None:
            candidate.allowance.unverified -= 1

    def _validate(self, candidates: list[Candidate], now: Now) -> list[Effect]:
        known, unchecked = self._validation.known(candidates)
        effects = self._validation.begin(self._turns.enter(unchecked))
        return effects + self._judge(known, now) if known else effects

    def _judge(self, candidates: list[Candidate], now: Now) -> list[Effect]:
        """The ledger's verdicts on transactions whose signatures are good."""
        effects: list[Effect] = []
        accepted: list[Candidate] = []
        for candidate in candidates:
            self._verified(candidate)
            verdict, more = self._verdict(candidate, now)
            effects += more
            if verdict is Verdict.ACCEPT:
                accepted.append(candidate)
        if not accepted:
            return effects
        effects.append(Count("transactions", "accepted", len(accepted)))
        bringers = dict.fromkeys(c.peer for c in accepted if c.peer is not None)
        effects += [Credit(peer, Use.TRANSACTION) for peer in bringers]
        for own in (True, False):
            part = [c for c in accepted if (c.peer is None) == own]
            if part:
                effects += self._pass_on(part, now, own=own)
        return effects

    def _pass_on(self, accepted: list[Candidate], now: Now, *, own: bool) -> list[Effect]:
        """Tell the peers, then whoever submitted; our clients' transactions go to everybody."""
        offers, leases = self._workings.offers, self._workings.leases
        txs = [candidate.transaction for candidate in accepted]
        to = offers.peers if own else leases.holders(now.s)
        effects, told = offers.fresh(txs, to, now)
        for candidate in accepted:
            if candidate.submitters:
                effects += candidate.settle(_accepted(candidate.transaction.id, told))
        return effects

    def _verdict(self, candidate: Candidate, now: Now) -> tuple[Verdict, list[Effect]]:
        tx = candidate.transaction
        slot = self._ledger.genesis.slot_at(now.unix_ms)
        try:
            events = self._ledger.submit(tx, slot)
        except Refusal as refusal:
            return self._refused(candidate, refusal, now)
        workings = self._workings
        for peer in workings.hold(tx.id):
            workings.offers.knows(peer, tx.id)
        workings.mesh.took(workings.holding.short(tx.id))
        self._follow(events)
        return Verdict.ACCEPT, [*map(Notify, events)]

    def _follow(self, events: list[LedgerEvent]) -> None:
        for event in events:
            if isinstance(event, TransactionDropped):
                self._workings.holding.remove(event.txid)

    def _refused(
        self, candidate: Candidate, refusal: Refusal, now: Now
    ) -> tuple[Verdict, list[Effect]]:
        workings, txid = self._workings, candidate.transaction.id
        item = workings.item(txid)
        workings.pulls.settled(item)
        known = refusal.code in ("already-known", "already-included")
        effects: list[Effect] = [Count("transactions", refusal.code)]
        effects += candidate.settle(SubmitResult(txid, known, refusal.code, refusal.reason))
        if known:
            return Verdict.IGNORE, effects
        if isinstance(refusal, Declined):
            workings.settled.decline(item, now)
            if candidate.peer in self._allowances:
                self._allowances[candidate.peer].fruitless(now)
            return Verdict.IGNORE, effects
        workings.settled.add(txid, item)
        if candidate.peer is not None:
            effects.append(_blame(candidate.peer, refusal.code, refusal.reason))
        return Verdict.REJECT, effects

    def _wrong_signature(self, candidate: Candidate) -> list[Effect]:
        tx = candidate.transaction
        self._verified(candidate)
        self._workings.pulls.rejected(self._workings.item(tx.id))
        reason = f"the signature is not that of key {tx.key.hex()} over this transaction"
        return candidate.settle(SubmitResult(tx.id, False, "invalid-signature", reason))


def _accepted(txid: Hash, told: dict[Hash, Told]) -> SubmitResult:
    found = told[txid]
    return SubmitResult(txid, True, "accepted", "", found.pushed, found.announced, found.queued)


def _blame(peer: PeerId, code: str, reason: str) -> Effect:
    return Penalize(peer, POINTS_INVALID_TRANSACTION, code, reason)
