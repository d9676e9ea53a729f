"""Evidence: what proves an offence, what does not, and what follows."""

from dataclasses import replace
from typing import Any

import pytest

from chain.block import NO_CERTIFICATES, Header
from chain.consensus.authority import sealed_bytes
from chain.consensus.finality.evidence import Evidence, Offence, of_blocks, of_votes
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.in_force import context_at
from chain.pool.policy import check_relay
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.state import paths
from chain.transactions.document import Purpose
from chain.transactions.governance_actions import Remove, SetParameter, SetRole, Suspend
from chain.transactions.governance_evidence import (
    Consequence,
    OffenceRecord,
    Prospect,
    SubmitEvidence,
    offence_id,
    prospect,
)
from chain.transactions.governance_seats import set_decided
from tests.chain.transactions.assembly import Assembly, change, network, who
from tests.chain.transactions.world import pair

PARAMETER = SetParameter("expiry_slots_max", 5_000)


def header(at: Assembly, name: str, slot: int = 7, mark: bytes = b"", **fields: Any) -> Header:
    """A header by somebody; `mark` tells one from another."""
    made = Header(
        chain=at.genesis.hash,
        height=3,
        slot=slot,
        parent=ZERO_HASH,
        state=sha256(mark),
        transactions=ZERO_HASH,
        receipts=ZERO_HASH,
        history=ZERO_HASH,
        certificates=NO_CERTIFICATES,
        set_id=0,
        set_hash=ZERO_HASH,
        next_set=b"",
        author=who(name),
    )
    return replace(made, **fields)


def blocks(name: str, one: Header, other: Header, signer: str = "") -> Evidence:
    """Both headers sealed by somebody's seal key."""
    key = pair(signer or name, Purpose.SEAL)
    seals = [(head, key.sign(sealed_bytes(head.id))) for head in (one, other)]
    return of_blocks(who(name), key.public, *seals)


def double_block(
    at: Assembly, name: str, slot: int = 7, mark: bytes = b"1", sets: tuple[int, int] = (0, 0)
) -> Evidence:
    """Two blocks of one slot."""
    one, other = sets
    return blocks(
        name, header(at, name, slot, set_id=one), header(at, name, slot, mark, set_id=other)
    )


def ballot(source: int, target: int, block: bytes = b"x", set_id: int = 0) -> Vote:
    """A vote from an epoch to another."""
    return Vote(set_id, Checkpoint(ZERO_HASH, source), Checkpoint(Hash(sha256(block)), target))


def votes(at: Assembly, name: str, one: Vote, other: Vote) -> Evidence:
    """Both votes signed with somebody's vote key."""
    key = pair(name, Purpose.VOTE)
    signed = [(vote, key.sign(vote.signed_bytes(at.genesis.hash))) for vote in (one, other)]
    return of_votes(who(name), key.public, *signed)


def record(at: Assembly, evidence: Evidence) -> OffenceRecord:
    """What is kept of an offence."""
    raw = at.state.get(paths.offence(offence_id(evidence)))
    assert raw is not None
    return OffenceRecord.decode(raw)


def test_two_blocks_of_one_slot_cost_the_seat() -> None:
    at = Assembly()
    evidence = double_block(at, "a")
    outcome = at.send("x", SubmitEvidence(evidence))  # anyone may say so
    assert outcome.events[0] == ("offence", (who("a"), "blocks", 7, "unseated"))
    decided = set_decided(at.state)
    assert decided is not None
    assert decided.index(who("a")) is None
    assert len(decided.members) == 7
    kept = record(at, evidence)
    assert kept == OffenceRecord(
        who("a"), Offence.BLOCKS, 7, 0, at.slot, evidence.id, Consequence.UNSEATED
    )
    assert at.propose("a", PARAMETER)[1].code == "no-voice"
    assert SubmitEvidence.from_value(SubmitEvidence(evidence).to_value()).evidence == evidence


@pytest.mark.parametrize(
    ("one", "other", "epoch"),
    [
        (ballot(2, 5), ballot(3, 5, b"y"), 5),  # twice for one epoch
        (ballot(2, 5), ballot(3, 5), 5),  # one target from two sources
        (ballot(1, 9), ballot(4, 5), 9),  # one around the other
    ],
)
def test_votes_that_exclude_each_other(one: Vote, other: Vote, epoch: int) -> None:
    at = Assembly()
    evidence = votes(at, "b", one, other)
    outcome = at.send("c", SubmitEvidence(evidence))
    assert outcome.events[0] == ("offence", (who("b"), "votes", epoch, "unseated"))


def test_what_is_passed_on() -> None:
    at = Assembly()

    def judge(evidence: Evidence) -> None:
        tx = at.signed("x", SubmitEvidence(evidence))
        check_relay(at.state, tx, context_at(at.genesis, at.state, at.slot))

    good = double_block(at, "a")
    judge(good)
    cases = {
        "evidence-idle: nothing follows from it now": double_block(at, "z"),
        "evidence-early: of slot 11": double_block(at, "a", 11),
        "evidence-key": blocks("a", header(at, "a"), header(at, "a", mark=b"1"), signer="b"),
        "evidence-harmless": votes(at, "a", ballot(2, 5), ballot(5, 6)),
        "evidence-order": replace(good, first=good.second, second=good.first),
    }
    for words, evidence in cases.items():
        with pytest.raises(Declined, match=words):
            judge(evidence)
    assert at.send("x", SubmitEvidence(good)).ok
    with pytest.raises(Declined, match="evidence-idle"):
        judge(good)


def test_what_proves_nothing() -> None:
    at = Assembly()
    one, other = header(at, "a"), header(at, "a", mark=b"1")
    good = blocks("a", one, other)
    elsewhere = [header(at, "a", mark=mark, chain=Hash(bytes(32))) for mark in (b"1", b"2")]
    cases = {
        "evidence-harmless": [
            blocks("a", one, header(at, "a", 8)),
            votes(at, "a", ballot(2, 5), ballot(5, 6)),
            votes(at, "a", ballot(2, 5), ballot(3, 5, b"y", set_id=1)),
        ],
        "evidence-order": [
            replace(good, first=good.second, second=good.first),
            replace(good, second=good.first),
        ],
        "evidence-block": [
            blocks("a", *elsewhere),
            blocks("a", header(at, "b"), header(at, "b", mark=b"1")),
        ],
        "evidence-key": [
            blocks("a", one, other, signer="b"),
            replace(good, key=pair("a", Purpose.VOTE).public),
            replace(good, offence=Offence.VOTES, first=VOTES.first, second=VOTES.second),
        ],
        "evidence-signature": [
            replace(blocks("a", one, other, signer="b"), key=good.key),
            replace(VOTES, offender=who("a"), key=pair("a", Purpose.VOTE).public),
        ],
        "not-an-authority": [double_block(at, "x"), double_block(at, "poor")],
    }
    for code, pieces in cases.items():
        for evidence in pieces:
            assert at.send("y", SubmitEvidence(evidence)).code == code
    assert set_decided(at.state) is None


VOTES = votes(Assembly(), "b", ballot(2, 5), ballot(3, 5, b"y"))


@pytest.mark.parametrize("part", ["first", "second"])
def test_evidence_that_cannot_be_read_is_no_transaction(part: str) -> None:
    value = SubmitEvidence(replace(VOTES, **{part: b"\x80"})).to_value()
    with pytest.raises(Refusal):
        SubmitEvidence.from_value(value)
    with pytest.raises(Refusal):
        SubmitEvidence.from_value(["theft", *VOTES.to_value()[1:]])


def test_an_offence_counts_once() -> None:
    at = Assembly()
    first = double_block(at, "a")
    at.send("x", SubmitEvidence(first))
    assert at.send("y", SubmitEvidence(first)).code == "offence-known"
    third = blocks("a", header(at, "a"), header(at, "a", mark=b"2"))
    assert at.send("y", SubmitEvidence(third)).code == "offence-known"
    at.take_over()
    assert at.send("y", SubmitEvidence(first)).code == "not-an-authority"


def test_while_a_set_is_about_to_take_over_the_voice_goes_and_the_seat_follows() -> None:
    at = Assembly()
    at.decide(change(added="x"))
    evidence = double_block(at, "a")
    outcome = at.send("y", SubmitEvidence(evidence))
    assert outcome.events == (("offence", (who("a"), "blocks", 7, "silenced")),)
    assert at.propose("a", PARAMETER)[1].code == "no-voice"
    assert at.send("y", SubmitEvidence(evidence)).code == "offence-known"
    at.take_over()
    late = at.send("y", SubmitEvidence(evidence))
    assert late.events[0] == ("offence", (who("a"), "blocks", 7, "unseated"))
    assert record(at, evidence).consequence is Consequence.UNSEATED


def test_four_keep_their_seats_and_votes_can_give_the_voice_back() -> None:
    at = Assembly(network("abcd"))
    evidence = double_block(at, "a")
    assert at.send("y", SubmitEvidence(evidence)).events[0][1][-1] == "silenced"
    assert set_decided(at.state) is None
    assert at.propose("a", PARAMETER)[1].code == "no-voice"
    # Half of four would not be more than half: a second offender keeps its voice.
    other = double_block(at, "b")
    assert at.send("y", SubmitEvidence(other)).events[0][1][-1] == "recorded"
    assert at.propose("b", PARAMETER)[1].ok
    at.decide(SetRole(who("a"), "authority", True), "bcd")
    assert at.propose("a", PARAMETER)[1].ok
    at.decide(change(added="x"), "abc")
    at.take_over()
    # What was forgiven stays forgiven; what was only recorded follows.
    assert at.send("y", SubmitEvidence(evidence)).code == "offence-known"
    assert at.send("y", SubmitEvidence(other)).events[0][1][-1] == "unseated"


def test_the_offenders_vote_is_dropped_and_its_business_goes_on() -> None:
    at = Assembly(network("abcde"))
    proposal = at.open("a", Suspend(who("x")))
    for voter in "ab":
        at.vote(voter, proposal)
    at.send("y", SubmitEvidence(double_block(at, "a")))
    at.vote("c", proposal)  # three voted, two count
    assert at.proposal(proposal).outcome == "open"
    assert at.send("a", SubmitEvidence(double_block(at, "a"))).code == "offence-known"


def test_one_seat_of_three_is_lost_and_the_organisation_still_heard() -> None:
    at = Assembly()
    assert at.send("y", SubmitEvidence(double_block(at, "f1"))).events[0][1][-1] == "unseated"
    assert at.propose("f2", PARAMETER)[1].ok
    assert at.propose("a", Remove(who("f")))[1].code == "organisation-seated"


def back_in(at: Assembly, name: str, voters: str = "bcdef") -> None:
    """Somebody who is to lose its seat has lost it, and got another."""
    at.take_over()
    at.decide(change(added=name), voters)
    at.take_over()


def test_who_was_voted_back_in_answers_for_its_present_seat_and_for_no_earlier_one() -> None:
    at = Assembly()
    at.send("y", SubmitEvidence(double_block(at, "a", 7)))
    back_in(at, "a")
    old = [
        double_block(at, "a", 8),
        double_block(at, "a", 9, sets=(0, 1)),
        votes(at, "a", ballot(2, 5), ballot(3, 5, b"y")),
        votes(at, "a", ballot(1, 9, set_id=1), ballot(4, 5, set_id=1)),
    ]
    for evidence in old:
        assert prospect(at.state, evidence) is Prospect.NEVER
        assert at.send("y", SubmitEvidence(evidence)).code == "former-seat"
        assert at.state.get(paths.offence(offence_id(evidence))) is None
    assert set_decided(at.state) is None
    assert at.propose("a", PARAMETER)[1].ok
    new = votes(at, "a", ballot(20, 25, set_id=2), ballot(21, 25, b"y", set_id=2))
    assert prospect(at.state, new) is Prospect.NOW
    at.slot = 25
    assert at.send("y", SubmitEvidence(new)).events[0][1][-1] == "unseated"


def test_one_of_two_blocks_for_the_present_seat_is_enough() -> None:
    at = Assembly()
    at.decide(change("a"), "bcdef")
    back_in(at, "a")
    # Of two processes with its keys, one is on a branch where it never lost its seat.
    for sets in ((0, 2), (2, 0)):
        branches = double_block(at, "a", sets=sets)
        assert prospect(at.state, branches) is Prospect.NOW
    assert at.send("y", SubmitEvidence(branches)).events[0][1][-1] == "unseated"


def test_other_changes_do_not_cleanse_whoever_keeps_its_seat() -> None:
    at = Assembly()
    evidence = double_block(at, "a")
    for number in range(3):
        at.decide(change(added="x") if number % 2 == 0 else change("x"))
        at.take_over()
    assert at.send("y", SubmitEvidence(evidence)).events[0][1][-1] == "unseated"


def test_what_was_recorded_of_an_earlier_seat_closes_nothing() -> None:
    at = Assembly()
    before = votes(at, "a", ballot(8, 9), ballot(7, 9, b"y"))
    assert at.send("a", SubmitEvidence(before)).events[0][1][-1] == "unseated"
    back_in(at, "a")
    done = votes(at, "a", ballot(8, 9, set_id=2), ballot(7, 9, b"y", set_id=2))
    assert offence_id(done) == offence_id(before)
    assert prospect(at.state, done) is Prospect.NOW
    assert at.send("y", SubmitEvidence(done)).events[0][1][-1] == "unseated"
    assert record(at, done).set_id == 2
    assert at.send("y", SubmitEvidence(done)).code == "offence-known"


def test_what_is_of_slots_to_come_waits_for_its_time() -> None:
    for evidence in (
        double_block(Assembly(), "a", 12),
        votes(Assembly(), "a", ballot(2, 12), ballot(3, 12, b"y")),
        votes(Assembly(), "a", ballot(1, 12), ballot(4, 5)),
    ):
        at = Assembly(slot=11)
        assert at.send("y", SubmitEvidence(evidence)).code == "evidence-early"
        assert at.state.get(paths.offence(offence_id(evidence))) is None
        assert set_decided(at.state) is None
        assert at.propose("a", PARAMETER)[1].ok
        at.slot = 12
        assert at.send("y", SubmitEvidence(evidence)).events[0][1][-1] == "unseated"


def test_nobody_is_forgiven_for_what_it_has_yet_to_do() -> None:
    """Four keep their seats: a liar would be convicted ahead, and its voice given back."""
    at = Assembly(network("abcd"))
    ahead = votes(at, "a", ballot(8, 30), ballot(9, 30, b"y"))
    assert at.send("a", SubmitEvidence(ahead)).code == "evidence-early"
    assert at.propose("b", SetRole(who("a"), "authority", True))[1].code == "role-unchanged"
    at.slot = 30
    done = votes(at, "a", ballot(28, 30, b"v"), ballot(29, 30, b"w"))
    assert offence_id(done) == offence_id(ahead)
    assert at.send("y", SubmitEvidence(done)).events[0][1][-1] == "silenced"
    assert at.propose("a", PARAMETER)[1].code == "no-voice"


def test_an_offence_that_was_only_recorded_ends_with_the_seat() -> None:
    at = Assembly(network("abcd"))
    for name in "ab":
        at.send("y", SubmitEvidence(double_block(at, name)))
    assert record(at, double_block(at, "b")).consequence is Consequence.RECORDED
    at.decide(change("b", "x"), "bcd")
    at.take_over()
    at.decide(change(added="b"), "cdx")
    at.take_over()
    assert at.send("y", SubmitEvidence(double_block(at, "b"))).code == "former-seat"
