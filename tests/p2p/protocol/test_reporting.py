"""Evidence on the chain: in turns, again when the seat can be taken, and then no more."""

from chain.block import decode_receipt
from chain.consensus.finality.evidence import Evidence, of_votes
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.transactions.envelope import decode_transaction
from chain.transactions.governance_evidence import (
    Prospect,
    SubmitEvidence,
    offence_id,
    prospect,
)
from chain.transactions.governance_seats import set_decided, set_in_force
from p2p.protocol.instant import Now
from p2p.protocol.reporting import (
    OFFENCES_MAX,
    OFFENCES_PER_OFFENDER,
    REPORTS_MAX,
    TURN_SLOTS,
    Reporting,
)
from tests.chain.sets import BY_ID, PEOPLE, Chain, change
from tests.parties import Party

OFFENDER = PEOPLE[5]


def double_vote(chain: Chain, who: Party = OFFENDER, epoch: int = 1) -> Evidence:
    """Two votes of one epoch."""
    votes = [
        Vote(0, Checkpoint(ZERO_HASH, 0), Checkpoint(Hash(sha256(mark)), epoch))
        for mark in (b"a", b"b")
    ]
    one, other = ((v, who.vote.sign(v.signed_bytes(chain.genesis.hash))) for v in votes)
    return of_votes(who.did, who.vote.public, one, other)


def now(chain: Chain, later: int = 0) -> Now:
    """The slot after the head's, or so many later."""
    slot = chain.on.head.slot + 1 + later
    return Now(float(slot), chain.genesis.slot_start_ms(slot))


def first(chain: Chain, evidence: Evidence) -> Party:
    """Whose turn comes first."""
    members = chain.authorities.members
    place = int.from_bytes(offence_id(evidence)[:4], "big") % len(members)
    return BY_ID[members[place].did]


def reporter(chain: Chain, evidence: Evidence, who: Party | None = None) -> Reporting:
    """An authority that has found the evidence."""
    found = Reporting(chain.on, (who or first(chain, evidence)).author)
    found.found(evidence, now(chain))
    return found


def take(chain: Chain, raw: bytes | None) -> None:
    """The report gets into the next block."""
    assert raw is not None
    chain.grow(decode_transaction(raw, chain.genesis.hash))


def test_one_report_takes_the_seat_and_nothing_more_is_said() -> None:
    chain = Chain(7)
    evidence = double_vote(chain)
    reports = reporter(chain, evidence)
    take(chain, reports.tick(now(chain)))
    decided = set_decided(chain.on.state)
    assert decided is not None
    assert decided.index(OFFENDER.did) is None
    assert prospect(chain.on.state, evidence) is Prospect.NEVER
    assert reports.tick(now(chain, TURN_SLOTS)) is None
    assert reports.deadline_s() is None


def test_who_has_signed_twice_over_and_over_keeps_nobody_elses_offence_from_being_reported() -> (
    None
):
    chain = Chain(7)
    for _ in range(OFFENCES_MAX + 1):
        chain.grow()
    reports = reporter(chain, double_vote(chain), PEOPLE[0])
    for epoch in range(2, OFFENCES_MAX + 2):
        reports.found(double_vote(chain, epoch=epoch), now(chain))
    reports.found(double_vote(chain, PEOPLE[4]), now(chain))
    slots = 7 * TURN_SLOTS + (OFFENCES_PER_OFFENDER + 1) * REPORTS_MAX * TURN_SLOTS
    said = [reports.tick(now(chain, later)) for later in range(slots)]
    bodies = [decode_transaction(raw, chain.genesis.hash).body for raw in said if raw is not None]
    offenders = {body.evidence.offender for body in bodies if isinstance(body, SubmitEvidence)}
    assert offenders == {OFFENDER.did, PEOPLE[4].did}


def test_others_wait_for_their_turn() -> None:
    chain = Chain(7)
    evidence = double_vote(chain)
    members = [member.did for member in chain.authorities.members]
    place = members.index(first(chain, evidence).did)
    second = reporter(chain, evidence, BY_ID[members[(place + 1) % 7]])
    assert second.tick(now(chain)) is None
    assert second.deadline_s() == now(chain).s + TURN_SLOTS
    assert second.tick(now(chain, TURN_SLOTS)) is not None


def test_a_seat_that_could_not_be_taken_is_taken_after_the_handover() -> None:
    chain = Chain(7)
    deciding = chain.decide(change(added=PEOPLE[7:8]), PEOPLE[:5])
    evidence = double_vote(chain)
    reports = reporter(chain, evidence)
    take(chain, reports.tick(now(chain)))
    assert prospect(chain.on.state, evidence) is Prospect.LATER
    assert reports.tick(now(chain, TURN_SLOTS)) is None
    chain.finish(deciding)
    assert OFFENDER.did in [seat.did for seat in set_in_force(chain.on.state).members]
    assert prospect(chain.on.state, evidence) is Prospect.NOW
    asked = 2 * TURN_SLOTS
    assert reports.tick(now(chain, asked)) is None, "the turns begin anew"
    take(chain, reports.tick(now(chain, asked + 7 * TURN_SLOTS)))
    decided = set_decided(chain.on.state)
    assert decided is not None
    assert decided.index(OFFENDER.did) is None
    assert reports.tick(now(chain, asked + 9 * TURN_SLOTS)) is None
    assert reports.deadline_s() is None


def test_what_was_found_a_slot_early_is_reported_a_slot_later_and_takes_the_seat() -> None:
    chain = Chain(7)
    early = now(chain)
    evidence = double_vote(chain, epoch=chain.on.head.slot + 2)
    reports = reporter(chain, evidence)
    assert reports.tick(early) is None
    assert reports.deadline_s() == early.s + 1
    hasty = chain.sign(PEOPLE[0], SubmitEvidence(evidence))
    block = chain.grow(hasty, careless=True)
    receipt = decode_receipt(chain.on.encoded_receipts(block.id)[0])
    assert (receipt.ok, receipt.code) == (False, "evidence-early")
    assert set_decided(chain.on.state) is None
    take(chain, reports.tick(now(chain)))
    decided = set_decided(chain.on.state)
    assert decided is not None
    assert decided.index(OFFENDER.did) is None
    assert set(chain.judged()) == {""}


def test_a_report_that_never_gets_there_is_left_to_others() -> None:
    chain = Chain(7)
    reports = reporter(chain, double_vote(chain))
    said = [reports.tick(now(chain, TURN_SLOTS * turn)) for turn in range(REPORTS_MAX + 1)]
    assert [raw is not None for raw in said] == [True] * REPORTS_MAX + [False]
    assert reports.deadline_s() is None


def test_of_oneself_and_of_strangers_nothing_is_said() -> None:
    chain = Chain(7)
    own = reporter(chain, double_vote(chain), OFFENDER)
    assert own.deadline_s() is None
    stranger = reporter(chain, double_vote(chain, PEOPLE[9]))
    assert stranger.deadline_s() is None
    evidence = double_vote(chain, PEOPLE[9])
    assert prospect(chain.on.state, evidence) is Prospect.NEVER


def test_of_a_seat_that_was_lost_and_given_back_nothing_is_said() -> None:
    chain = Chain(7)
    others = [person for person in PEOPLE[:7] if person != OFFENDER]
    for back_and_forth in (change(removed=[OFFENDER]), change(added=[OFFENDER])):
        chain.finish(chain.decide(back_and_forth, others[:5]))
    evidence = double_vote(chain)
    chain.grow()
    reports = reporter(chain, evidence)
    assert reports.deadline_s() is not None
    assert reports.tick(now(chain)) is None
    assert reports.deadline_s() is None


def test_without_a_key_for_transactions_nothing_is_said() -> None:
    chain = Chain(7)
    silent = Reporting(chain.on, None)
    silent.found(double_vote(chain), now(chain))
    assert silent.deadline_s() is None
