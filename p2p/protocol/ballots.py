"""Votes and certificates between peers: checked once, passed on while they are of use.

Rules:
- Known bytes cost a look-up, and what the ledger would not take (early, old, known, of a set that
  is not in force here yet) is dropped before its signature is checked, and blamed on nobody.
- Signatures are checked off the loop, each once: what comes is gathered for a part of a slot and
  checked together. What the ledger took is passed on at once, to the peers that have not shown it.
  *Why gathered:* everybody votes as the block comes, so votes come in a swarm; taken together they
  cost one check and one message a peer, and whoever shows one meanwhile need not be told it.
- A vote goes to peers that have not been seen with a quorum of its link, and so does a certificate,
  which stands for the votes that were not said. One that came in a block goes to nobody. *Why:* who
  has a quorum makes the certificate itself; where all is well nothing is said twice.
- A new peer is told the newest certificates, the votes of this slot and the last that are in none,
  and of every authority the newest votes. *Why:* the first may be what it lacks for a quorum; and a
  node that is back from an old backup learns what its key has signed, which no block need ever say.
- Whoever sends wrong signatures is blamed, by the number of those that had to be checked for what
  holds one (see `turns`); and what waits of it is dropped, unless somebody else has brought it as
  well, whose it is then. The right vote is taken from others all the same. *Why:* votes are known
  by their whole bytes; and a flood is found out with its first turn.
- Half of the room for unchecked signatures is for whoever comes first, the other half is every
  peer's in equal shares. *Why:* what strangers made up is only seen to be wrong when it is checked,
  and must not crowd out the votes of the honest until then.
Resists: floods (a budget for each peer, its checks in turns), votes of signers that do not exist (a
member must have a seat), double votes (two of a member and slot are kept and passed on: evidence).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chain.consensus.authorityset import AUTHORITIES_MAX
from chain.consensus.finality.certificate import Certificate, decode_certificate
from chain.consensus.finality.vote import SignedVote, Vote, decode_vote
from chain.ledger import Ledger, LedgerEvent
from chain.primitives.errors import Declined, Refusal
from chain.primitives.keys import SignatureCheck
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_FLOOD, POINTS_INVALID_VOTE, POINTS_MALFORMED
from p2p.protocol.effects import CheckSignatures, Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.turns import Turns, charges
from p2p.wire.messages import CERTIFICATES_SENT_MAX, VOTES_MAX, Certificates, Votes

# From one peer; or twice what the set makes in its slots, where that is more.
VOTES_RATE = 500  # votes a second: twice the largest set in slots of a second
VOTES_BURST = 2_000  # what many healed links bring at once
CERTIFICATES_RATE = 16  # certificates a second, of 200 signatures at most
CERTIFICATES_BURST = 64
PAUSE_S = 20.0  # of ours, which a connection outlives; what was said meanwhile then comes at once
UNCHECKED_MAX = 8_192  # signatures that wait to be checked, of all peers: 300 ms of two threads
UNSHARED_MAX = UNCHECKED_MAX // 2  # of those, for whoever comes first
GATHER_PARTS = 40  # of a slot: so long votes are gathered; a third is theirs, for all their hops
TALK_SLOTS = 8  # how long a link is talked of: later its votes are of no use


@dataclass(slots=True)
class _Link:
    """What is known of the votes for one link; members are bits, `certified` has those it took."""

    quorum: int
    raws: dict[int, bytes] = field(default_factory=dict)
    shown: dict[PeerId, int] = field(default_factory=dict)
    certified: int = 0


@dataclass(slots=True)
class _Candidate:
    """A vote or certificate whose signatures are to be checked, and who has sent these bytes.

    `peer` is the first to send them: they have its turn, and take up the room of its `budget`.
    """

    raw: bytes
    content: SignedVote | Certificate
    checks: list[SignatureCheck]
    bringers: dict[PeerId, None]
    peer: PeerId
    budget: "_Budget"
    waits: bool = False

    @property
    def signatures(self) -> int:
        return len(self.checks)


class _Budget:
    """What a peer may send, and how many of the signatures that wait to be checked are its own.

    So many slots begin in a second, and so many members vote in each.
    """

    __slots__ = ("certificates", "unchecked", "votes")

    def __init__(self, slots: float, members: int, now: Now) -> None:
        votes = slots * members
        self.votes = TokenBucket(
            max(VOTES_RATE, 2 * votes), max(VOTES_BURST, PAUSE_S * votes), now.s
        )
        self.certificates = TokenBucket(
            max(CERTIFICATES_RATE, 2 * slots), max(CERTIFICATES_BURST, PAUSE_S * slots), now.s
        )
        self.unchecked = 0


class Ballots:
    """The engine of what is said about finality. `jobs` numbers checks uniquely in the node."""

    def __init__(self, ledger: Ledger, jobs: Iterator[int]) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._peers: dict[PeerId, _Budget] = {}
        self._links: dict[Vote, _Link] = {}
        self._batches: dict[int, list[_Candidate]] = {}
        self._checking: dict[bytes, _Candidate] = {}
        self._turns: Turns[_Candidate] = Turns()
        self._fresh: list[_Candidate] = []
        self._check_s = 0.0
        self._gather_s = ledger.genesis.slot_ms / GATHER_PARTS / 1000
        self._waiting = 0
        self._events: list[LedgerEvent] = []
        self._swept = 0

    def checks(self, job: int) -> bool:
        """Whether a job is one of ours."""
        return job in self._batches

    def take_events(self) -> list[LedgerEvent]:
        """What happened to the ledger since the last call."""
        events, self._events = self._events, []
        return events

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Tell a new peer what may be missing there."""
        self._peers[peer] = _Budget(1000 / self._ledger.genesis.slot_ms, self._members(), now)
        effects: list[Effect] = []
        held = self._ledger.finality.closure.held[-CERTIFICATES_SENT_MAX:]
        if held:
            effects.append(Send(peer, Certificates(tuple(each.encode() for each in held))))
        told = {signed.encode(): signed for signed in self._told_first(self._slot(now))}
        for signed in told.values():
            if signed.vote in self._links:
                self._show(peer, signed.vote, 1 << signed.member)
        return effects + _messages(peer, list(told))

    def _told_first(self, slot: int) -> list[SignedVote]:
        """The votes a new peer is told: the newest of each member, and what a quorum may lack."""
        uncertified = [
            decode_vote(raw)
            for vote, link in self._links.items()
            for member, raw in link.raws.items()
            if not link.certified >> member & 1 and vote.target.epoch >= slot - 1
        ]
        return self._ledger.finality.pool.newest() + uncertified

    def disconnected(self, peer: PeerId) -> None:
        """Forget what a peer has shown."""
        del self._peers[peer]
        for link in self._links.values():
            link.shown.pop(peer, None)

    def receive(self, peer: PeerId, message: Votes | Certificates, now: Now) -> list[Effect]:
        """Votes or certificates from a peer."""
        budget = self._peers[peer]
        votes = isinstance(message, Votes)
        bucket = budget.votes if votes else budget.certificates
        if not bucket.take(len(message.raws), now.s):
            reason = (
                f"{len(message.raws)} more {'votes' if votes else 'certificates'} than the rate"
            )
            return [Penalize(peer, POINTS_FLOOD, "flood", reason)]
        self._sweep(self._slot(now))
        effects: list[Effect] = []
        for raw in message.raws:
            candidate = self._checking.get(raw)
            if candidate is not None:
                candidate.bringers[peer] = None
                continue
            try:
                content = decode_vote(raw) if votes else decode_certificate(raw)
            except Refusal as refusal:
                return [Penalize(peer, POINTS_MALFORMED, refusal.code, refusal.reason)]
            try:
                checks = self._judge(peer, content, now)
            except Declined as declined:
                effects.append(Count("votes" if votes else "certificates", declined.code))
                continue
            except Refusal as refusal:
                effects.append(Penalize(peer, POINTS_INVALID_VOTE, refusal.code, refusal.reason))
                continue
            if not self._has_room(budget, len(checks)):
                effects.append(Count("votes", "crowded"))
                continue
            candidate = _Candidate(raw, content, checks, {peer: None}, peer, budget)
            self._checking[raw] = candidate
            self._waiting += len(checks)
            budget.unchecked += len(checks)
            self._gather(self._turns.enter((candidate,)), now)
        return effects

    def _has_room(self, budget: _Budget, signatures: int) -> bool:
        waiting = self._waiting + signatures
        share = (UNCHECKED_MAX - UNSHARED_MAX) // len(self._peers)
        within = budget.unchecked + signatures <= share
        return waiting <= (UNCHECKED_MAX if within else UNSHARED_MAX)

    def _gather(self, candidates: list[_Candidate], now: Now) -> None:
        if candidates and not self._fresh:
            self._check_s = now.s + self._gather_s
        self._fresh += candidates

    def deadline_s(self) -> float | None:
        """When to tick next: what was gathered is to be checked."""
        return self._check_s if self._fresh else None

    def tick(self, now: Now) -> list[Effect]:
        """Have what was gathered checked, in one job."""
        if not self._fresh or now.s < self._check_s:
            return []
        fresh, self._fresh = self._fresh, []
        return self._check(fresh)

    def _check(self, batch: list[_Candidate]) -> list[Effect]:
        if not batch:
            return []
        job = next(self._jobs)
        self._batches[job] = batch
        return [CheckSignatures(job, tuple(check for each in batch for check in each.checks))]

    def _judge(
        self, peer: PeerId, content: SignedVote | Certificate, now: Now
    ) -> list[SignatureCheck]:
        """What has to be checked. Raises Declined for what is of no use, Invalid for a fault."""
        finality = self._ledger.finality
        bits = _bits(content)
        link = self._links.get(content.vote)
        if link is not None:
            self._show(peer, content.vote, bits)
        if isinstance(content, Certificate):
            return finality.judge_certificate(content, self._slot(now))
        if link is not None and content.member in link.raws:
            raise Declined("vote-known", "it is here already")
        return finality.judge_vote(content, self._slot(now))

    def signatures_checked(self, job: int, verdicts: Sequence[bool], now: Now) -> list[Effect]:
        """Verdicts on what was gathered."""
        effects: list[Effect] = []
        accepted: list[tuple[SignedVote, bytes]] = []
        wrong: dict[PeerId, int] = {}
        start = 0
        batch = self._batches.pop(job)
        self._turns.checked(batch)
        for candidate in batch:
            end = start + candidate.signatures
            good, start = all(verdicts[start:end]), end
            self._done_with(candidate)
            if not good:
                for peer in candidate.bringers:
                    wrong[peer] = wrong.get(peer, 0) + candidate.signatures
                continue
            effects += self._take(candidate, accepted, now)
        effects += self._blame(wrong)
        peers = dict.fromkeys(candidate.peer for candidate in batch)
        effects += self._check([each for peer in peers for each in self._turns.next(peer)])
        return effects + self._pass_on(accepted, now)

    def _done_with(self, candidate: _Candidate) -> None:
        del self._checking[candidate.raw]
        self._waiting -= candidate.signatures
        candidate.budget.unchecked -= candidate.signatures

    def _blame(self, wrong: dict[PeerId, int]) -> list[Effect]:
        """Blame whoever sent wrong signatures, so many to check; the rest of theirs does not wait
        for its turn."""
        effects: list[Effect] = []
        left: list[_Candidate] = []
        for peer, count in wrong.items():
            reason = f"votes or certificates with wrong signatures, {count} to check"
            points = POINTS_INVALID_VOTE * charges(count)
            effects.append(Penalize(peer, points, "invalid-vote-signature", reason))
            for candidate in self._turns.give_up(peer):
                others = [p for p in candidate.bringers if p in self._peers and p not in wrong]
                if others:
                    self._leave_to(others, candidate)
                    left.append(candidate)
                else:
                    self._done_with(candidate)
        return effects + self._check(self._turns.enter(left))

    def _leave_to(self, others: list[PeerId], candidate: _Candidate) -> None:
        """What waits is now one's of the others who brought it: whose turn is the shortest."""
        candidate.bringers = dict.fromkeys(others)
        candidate.budget.unchecked -= candidate.signatures
        candidate.peer = min(others, key=self._turns.waiting)
        candidate.budget = self._peers[candidate.peer]
        candidate.budget.unchecked += candidate.signatures

    def _take(
        self, candidate: _Candidate, accepted: list[tuple[SignedVote, bytes]], now: Now
    ) -> list[Effect]:
        """Hand what is good to the ledger, which may find by now that it is of no use."""
        content, ledger, slot = candidate.content, self._ledger, self._slot(now)
        certificate = isinstance(content, Certificate)
        try:
            if isinstance(content, Certificate):
                needed = ledger.finality.judge_certificate(content, slot)
            else:
                needed = ledger.finality.judge_vote(content, slot)
            checked = all(check in candidate.checks for check in needed)
            if isinstance(content, Certificate):
                self._events += ledger.add_certificate(content, slot, checked=checked)
            else:
                self._events += ledger.add_vote(content, slot, checked=checked)
        except Refusal as refusal:
            return [Count("certificates" if certificate else "votes", refusal.code)]
        link = self._link(content.vote)
        for peer in candidate.bringers:
            if peer in self._peers:
                link.shown[peer] = link.shown.get(peer, 0) | _bits(content)
        if isinstance(content, SignedVote):
            accepted.append((content, candidate.raw))
        return [Count("certificates" if certificate else "votes", "accepted")]

    def own(self, signed: SignedVote, now: Now) -> list[Effect]:
        """A vote of ours, which its guard remembers already: count it and tell everybody."""
        self._events += self._ledger.add_vote(signed, self._slot(now), checked=True)
        return [Count("votes", "own"), *self._pass_on([(signed, signed.encode())], now)]

    def _pass_on(self, accepted: Sequence[tuple[SignedVote, bytes]], now: Now) -> list[Effect]:
        """Send votes to the peers that lack them, while their links are talked of."""
        oldest = self._slot(now) - TALK_SLOTS
        told: dict[PeerId, list[bytes]] = {}
        for signed, raw in accepted:
            link = self._link(signed.vote)
            link.raws[signed.member] = raw
            if link.certified or signed.vote.target.epoch < oldest:
                continue
            bit = 1 << signed.member
            for peer in self._peers:
                shown = link.shown.get(peer, 0)
                if not shown & bit and shown.bit_count() < link.quorum:
                    link.shown[peer] = shown | bit
                    told.setdefault(peer, []).append(raw)
        return [message for peer, raws in told.items() for message in _messages(peer, raws)]

    def certified(self, certificate: Certificate, *, spread: bool) -> list[Effect]:
        """The ledger has a new certificate: its votes are told no more; it is, to who lacks it."""
        link = self._link(certificate.vote)
        link.certified = bits = _bits(certificate)
        if not spread:
            return []
        effects: list[Effect] = []
        for peer in self._peers:
            shown = link.shown.get(peer, 0)
            if shown.bit_count() < link.quorum:
                link.shown[peer] = shown | bits
                effects.append(Send(peer, Certificates((certificate.encode(),))))
        return effects

    def _link(self, vote: Vote) -> _Link:
        """What is known of a link whose set the ledger knows."""
        link = self._links.get(vote)
        if link is None:
            quorum = self._ledger.finality.sets.numbered(vote.set_id).quorum
            link = self._links[vote] = _Link(quorum)
        return link

    def _show(self, peer: PeerId, vote: Vote, bits: int) -> None:
        link = self._links[vote]
        link.shown[peer] = link.shown.get(peer, 0) | bits

    def _members(self) -> int:
        try:
            return len(self._ledger.finality.authorities(self._ledger.head.id).members)
        except Declined:
            return AUTHORITIES_MAX

    def _slot(self, now: Now) -> int:
        return self._ledger.genesis.slot_at(now.unix_ms)

    def _sweep(self, slot: int) -> None:
        """Forget links that are no longer talked of, once a slot."""
        if slot <= self._swept:
            return
        self._swept = slot
        oldest = slot - TALK_SLOTS
        self._links = {v: link for v, link in self._links.items() if v.target.epoch >= oldest}


def _bits(content: SignedVote | Certificate) -> int:
    if isinstance(content, Certificate):
        return int.from_bytes(content.bits, "little")
    return 1 << content.member


def _messages(peer: PeerId, raws: Sequence[bytes]) -> list[Effect]:
    """Votes for one peer, in as few messages as may be."""
    return [
        Send(peer, Votes(tuple(raws[start : start + VOTES_MAX])))
        for start in range(0, len(raws), VOTES_MAX)
    ]
