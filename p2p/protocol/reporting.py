"""Evidence against authorities: put on the chain by one of the others.

Rules:
- Who reports is an authority whose node holds a key for its transactions. The authorities take
  turns, TURN_SLOTS each, in an order that follows from the offence; whose turn comes first sends a
  `gov.evidence`, and the others do when the chain still has none. *Why:* everybody sees the same
  offence within a second, and one transaction is enough.
- Of a slot to come (clocks differ, and votes are taken by one slot early) it is reported once that
  has come. *Why:* no block before takes it.
- An offence is reported again, in turns, when the seat can be taken that could not when it was
  recorded; until then it waits. *Why:* the rule punishes, and nobody else would think of it.
- Nothing is reported of which nothing can follow any more, nor of somebody without a seat.
- Of one offender OFFENCES_PER_OFFENDER wait to be reported. *Why:* one takes the seat; and whoever
  has signed twice in a thousand slots must not keep others from being reported.
- One report at a time, in a lane of its own. *Why:* its sequence number is then the next one.
"""

from dataclasses import dataclass

from chain.consensus.authorityset import AUTHORITIES_MAX
from chain.consensus.engine import Author
from chain.consensus.finality.evidence import Evidence
from chain.ledger import Ledger
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.transactions.envelope import LANE_MAX, sign_transaction
from chain.transactions.governance_evidence import (
    Prospect,
    SubmitEvidence,
    offence_id,
    prospect,
)
from p2p.protocol.instant import Now

TURN_SLOTS = 3  # a transaction is on the chain in two
REPORTS_MAX = 3  # a report that is refused thrice is somebody else's to make
OFFENCES_PER_OFFENDER = 4  # more than one, for some may be of a seat that is gone
# Waiting to be reported: those of every offender, be it more than a third of the largest set.
OFFENCES_MAX = OFFENCES_PER_OFFENDER * (AUTHORITIES_MAX // 3 + 1)
EXPIRY_SLOTS = 20
LANE = LANE_MAX


@dataclass(slots=True)
class _Report:
    evidence: Evidence
    due: int  # slot
    turn: int  # so many others come first
    tries: int = 0
    waits: bool = False


class Reporting:
    """The reporter's engine; without a key for transactions it never does anything."""

    def __init__(self, ledger: Ledger, author: Author | None) -> None:
        self._ledger = ledger
        self._author = author
        self._reports: dict[Hash, _Report] = {}
        self._next_s: float | None = None

    def deadline_s(self) -> float | None:
        """When to tick next."""
        return self._next_s

    def found(self, evidence: Evidence, now: Now) -> None:
        """The ledger has found evidence: it is reported when it is our turn."""
        author = self._author
        if author is None or author.tx is None or evidence.offender == author.did:
            return
        offence = offence_id(evidence)
        if offence in self._reports or len(self._reports) >= OFFENCES_MAX:
            return
        offenders = [report.evidence.offender for report in self._reports.values()]
        if offenders.count(evidence.offender) >= OFFENCES_PER_OFFENDER:
            return
        try:
            authorities = self._ledger.finality.authorities(self._ledger.head.id)
        except Declined:
            return
        place = authorities.index(author.did)
        if place is None or authorities.index(evidence.offender) is None:
            return
        turn = (place - int.from_bytes(offence[:4], "big")) % len(authorities.members)
        first = max(self._slot(now), *evidence.epochs())
        self._reports[offence] = _Report(evidence, first + TURN_SLOTS * turn, turn)
        self._plan(now)

    def tick(self, now: Now) -> bytes | None:
        """A transaction to submit, if one is due."""
        if self._next_s is None or now.s < self._next_s:
            return None
        slot = self._slot(now)
        made: bytes | None = None
        for offence, report in list(self._reports.items()):
            if report.due > slot:
                continue
            can = prospect(self._ledger.state, report.evidence)
            if can is Prospect.NEVER or (can is Prospect.NOW and report.tries == REPORTS_MAX):
                del self._reports[offence]
                continue
            report.due = slot + TURN_SLOTS
            if can is Prospect.LATER:
                report.waits, report.tries = True, 0
            elif report.waits:
                report.waits, report.due = False, slot + TURN_SLOTS * report.turn
            elif made is None:
                made = self._sign(report.evidence, slot)
                report.tries += 1
        self._plan(now)
        return made

    def _sign(self, evidence: Evidence, slot: int) -> bytes:
        ledger, author = self._ledger, self._author
        assert author is not None
        assert author.tx is not None
        expiry = slot + min(EXPIRY_SLOTS, max(1, ledger.parameters.expiry_slots_max - 1))
        sequence = ledger.next_sequence(author.did, LANE)
        body = SubmitEvidence(evidence)
        return sign_transaction(
            author.tx, ledger.chain, author.did, LANE, sequence, expiry, body
        ).raw

    def _plan(self, now: Now) -> None:
        dues = [report.due for report in self._reports.values()]
        if not dues:
            self._next_s = None
            return
        start_ms = self._ledger.genesis.slot_start_ms(min(dues))
        self._next_s = now.s + max(0.0, (start_ms - now.unix_ms) / 1000)

    def _slot(self, now: Now) -> int:
        return self._ledger.genesis.slot_at(now.unix_ms)
