"""Proposals and votes: who is asked, what carries, what is refused."""

from typing import Any

import pytest

from chain.in_force import context_at
from chain.pool.policy import check_relay
from chain.primitives.errors import Declined, Invalid, Malformed, Refusal
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.transactions.governance_actions import (
    Action,
    Admit,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
    arguments_hash,
    read_action,
)
from chain.transactions.governance_parameters import parameter_of
from chain.transactions.governance_propose import VOTING_SLOTS_MAX, Propose
from chain.transactions.governance_records import OPEN_MAX, Outcome, open_proposals, vote_of
from chain.transactions.governance_seats import set_decided, set_in_force
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import Standing, standing_of
from chain.transactions.payment import Transfer
from tests.chain.transactions.assembly import (
    REASONS,
    SEATED,
    UNTIL,
    Assembly,
    change,
    network,
    who,
)

PARAMETER = SetParameter("expiry_slots_max", 5_000)
SUSPEND_X = Suspend(who("x"))
ACTIONS: list[Action] = [
    change(added="xyz"),
    change("ab"),
    change("abc", "xyz"),
    Admit(who("x")),
    SUSPEND_X,
    Remove(who("x")),
    SetRole(who("x"), "issuer:CNY", True),
    SetRole(who("x"), "auditor", False),
    PARAMETER,
]


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_bodies_come_back_as_they_were(action: Action) -> None:
    body = Propose(action, UNTIL, REASONS)
    assert Propose.from_value(body.to_value()) == body
    vote = CastVote(Hash(bytes(32)), arguments_hash(action), True)
    assert CastVote.from_value(vote.to_value()) == vote


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("auth.add", [], "change-empty"),
        ("auth.add", [who("x"), who("x")], "change-order"),
        ("auth.add", sorted([who("x"), who("y")], reverse=True), "change-order"),
        ("auth.add", [b"short"], "shape"),
        ("auth.add", [bytes([0, n]) + bytes(30) for n in range(201)], "shape"),
        ("auth.replace", [[who("x")], [who("x")]], "change-order"),
        ("auth.replace", [[], [who("x")]], "change-empty"),
        ("org.role", [who("x"), "emperor", True], "unknown-role"),
        ("org.role", [who("x"), "issuer:cny", True], "unknown-role"),
        ("org.role", [who("x"), "auditor", 1], "shape"),
        ("param", ["slot_ms", 5], "unknown-parameter"),
        ("param", ["expiry_slots_max", 0], "parameter"),
        ("param", ["block_bytes_max", 8 * 1024 * 1024 + 1], "parameter"),
        ("org.merge", [who("x")], "unknown-action"),
        (7, [], "shape"),
    ],
)
def test_actions_that_no_state_makes_right(name: Any, arguments: Any, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_action(name, arguments)
    assert refused.value.code == code
    with pytest.raises((Malformed, Invalid)):
        Propose.from_value([name, arguments, UNTIL, REASONS])


def test_more_than_half_of_the_organisations_decide_about_organisations() -> None:
    at = Assembly()
    proposal = at.open("a", SUSPEND_X)
    assert at.proposal(proposal).electorate == tuple(sorted(map(who, "abcdef")))
    for voter in "abc":  # exactly half of six
        assert at.vote(voter, proposal).ok
    assert at.proposal(proposal).outcome is Outcome.OPEN
    outcome = at.vote("d", proposal)
    assert [name for name, _ in outcome.events] == ["voted", "decided", "suspended"]
    assert at.proposal(proposal).outcome is Outcome.PASSED
    assert standing_of(at.state, who("x")) is Standing.SUSPENDED


def test_more_than_two_thirds_decide_about_authorities_and_parameters() -> None:
    for action in (PARAMETER, change(added="x")):
        at = Assembly()
        proposal = at.open("b", action)
        for voter in "abcd":  # exactly two thirds of six
            assert at.vote(voter, proposal).ok
        assert at.proposal(proposal).outcome is Outcome.OPEN
        assert at.vote("e", proposal).ok
        assert at.proposal(proposal).outcome is Outcome.PASSED


def test_an_organisation_with_three_seats_votes_once() -> None:
    at = Assembly()
    proposal = at.open("f1", SUSPEND_X)
    assert at.proposal(proposal).proposer == who("f")
    assert at.vote("f2", proposal).ok
    for again in ("f", "f1", "f2"):
        assert at.vote(again, proposal).code == "already-voted"
    kept = vote_of(at.state, proposal, who("f"))
    assert kept is not None
    assert (kept.yes, kept.voter) == (True, who("f2"))


@pytest.mark.parametrize("stranger", ["x", "desk", "poor"])
def test_who_has_no_voice_neither_proposes_nor_votes(stranger: str) -> None:
    at = Assembly()
    assert at.propose(stranger, SUSPEND_X)[1].code == "no-voice"
    proposal = at.open("a", SUSPEND_X)
    assert at.vote(stranger, proposal).code == "no-voice"


def test_a_vote_is_on_the_arguments_that_were_read() -> None:
    at = Assembly()
    proposal = at.open("a", SUSPEND_X)
    wrong = CastVote(proposal, arguments_hash(Suspend(who("y"))), True)
    assert at.send("b", wrong).code == "wrong-arguments"
    renamed = CastVote(proposal, arguments_hash(Remove(who("x"))), True)
    assert at.send("b", renamed).code == "wrong-arguments"
    unknown = CastVote(Hash(bytes(32)), arguments_hash(SUSPEND_X), True)
    assert at.send("b", unknown).code == "unknown-proposal"


def test_proposals_expire() -> None:
    at = Assembly()
    for until in (at.slot, at.slot + VOTING_SLOTS_MAX + 1):
        assert at.propose("a", SUSPEND_X, until)[1].code == "until-range"
    proposal = at.open("a", SUSPEND_X, at.slot + 5)
    at.slot += 5
    assert at.vote("a", proposal).ok
    assert [entry.id for entry in open_proposals(at.state, at.slot)] == [proposal]
    at.slot += 1
    assert at.vote("b", proposal).code == "proposal-expired"
    assert open_proposals(at.state, at.slot) == []


def test_what_cannot_carry_any_more_is_rejected_and_stays_closed() -> None:
    at = Assembly()
    proposal = at.open("a", PARAMETER)
    assert at.vote("b", proposal, yes=False).ok
    outcome = at.vote("c", proposal, yes=False)  # four of six are not more than two thirds
    assert outcome.events[1] == ("decided", (proposal, "rejected"))
    assert at.vote("d", proposal).code == "proposal-closed"
    assert open_proposals(at.state, at.slot) == []
    assert at.state.get(paths.OPEN_PROPOSALS) is None


def test_an_organisation_has_three_open_proposals() -> None:
    at = Assembly()
    taken = [at.open("a", Suspend(who(name))) for name in "xyz"]
    assert at.propose("a", PARAMETER)[1].code == "proposals-of-one"
    assert at.propose("b", PARAMETER)[1].ok
    for voter in "bcde":
        at.vote(voter, taken[0])
    assert at.propose("a", PARAMETER)[1].ok  # one was decided
    at.slot = UNTIL + 1
    assert at.propose("a", PARAMETER, at.slot + 9)[1].ok  # and the others expired


def test_sixty_four_are_open_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chain.transactions.governance_propose.OPEN_PER_ORGANISATION_MAX", 99)
    at = Assembly()
    for _ in range(OPEN_MAX):
        at.open("a", PARAMETER)
    assert at.propose("b", PARAMETER)[1].code == "proposals-open"


def test_a_failed_proposal_leaves_nothing_behind() -> None:
    at = Assembly()
    before = at.state.changes()
    tx = at.signed("a", Propose(Admit(who("x")), UNTIL, REASONS))
    assert at.include(tx).code == "already-admitted"
    changed = at.state.changes().keys() - before.keys()
    assert changed == {paths.sequence(who("a"), 0)}


# Suspension and removal


def test_nothing_of_a_suspended_organisation_is_included_until_it_is_admitted() -> None:
    at = Assembly()
    at.decide(Suspend(who("a")), "bcdef")
    paying = Transfer("CNY", who("b"), 1)
    for name in ("a", "desk"):  # itself, and what it controls
        with pytest.raises(Invalid, match="sender-standing"):
            at.send(name, paying)
    at.decide(Admit(who("a")), "bcdef")
    assert at.send("a", paying).ok


def test_a_suspended_organisation_can_be_paid_and_keeps_its_roles() -> None:
    at = Assembly()
    at.decide(SUSPEND_X)
    assert at.send("a", Transfer("CNY", who("x"), 1)).ok
    assert at.roles("x") == ("member",)
    assert at.propose("a", SUSPEND_X)[1].code == "not-in-standing"


def test_a_removed_organisation_loses_its_roles() -> None:
    at = Assembly()
    at.decide(SetRole(who("x"), "auditor", True))
    assert at.roles("x") == ("member", "auditor")
    at.decide(Remove(who("x")))
    assert at.roles("x") == ()
    with pytest.raises(Invalid, match="sender-standing"):
        at.send("x", Transfer("CNY", who("b"), 1))
    assert at.propose("a", Remove(who("x")))[1].code == "not-in-standing"
    at.decide(Admit(who("x")))
    assert at.roles("x") == ("member",)


def test_who_has_a_seat_is_not_removed() -> None:
    at = Assembly()
    assert at.propose("a", Remove(who("b")))[1].code == "organisation-seated"
    assert at.propose("a", Remove(who("f")))[1].code == "organisation-seated"
    at.decide(change(added="x"))
    assert at.propose("a", Remove(who("x")))[1].code == "organisation-seated"


def test_departments_are_not_judged_apart_from_their_organisation() -> None:
    at = Assembly()
    for action in (Suspend(who("desk")), Remove(who("desk")), Admit(who("desk"))):
        assert at.propose("a", action)[1].code == "not-an-organisation"
    for action in (Suspend(bytes(32)), SetRole(bytes(32), "auditor", True)):
        assert at.propose("a", action)[1].code == "unknown-identity"


def test_a_suspension_leaves_more_than_half_with_a_voice() -> None:
    at = Assembly()
    at.decide(Suspend(who("a")), "bcdef")
    at.decide(Suspend(who("b")), "cdef")
    assert at.propose("c", Suspend(who("d")))[1].code == "too-few-voices"
    at.decide(Admit(who("a")), "cdef")
    assert at.propose("c", Suspend(who("d")))[1].ok


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (SetRole(who("x"), "issuer:USD", True), "unknown-currency"),
        (SetRole(who("x"), "auditor", False), "role-unchanged"),
        (SetRole(who("x"), "authority", True), "seat-role"),
        (SetRole(who("a"), "authority", False), "seat-role"),
        (SetParameter("expiry_slots_max", 10_000), "parameter-unchanged"),
    ],
)
def test_impossible_roles_and_parameters(action: Action, code: str) -> None:
    assert Assembly().propose("a", action)[1].code == code


def test_a_suspended_organisation_gets_no_role() -> None:
    at = Assembly()
    at.decide(SUSPEND_X)
    assert at.propose("a", SetRole(who("x"), "auditor", True))[1].code == "not-in-standing"


# Votes that are dropped


def test_the_vote_of_who_was_suspended_is_dropped_and_makes_no_majority() -> None:
    at = Assembly()
    proposal = at.open("a", PARAMETER)
    for voter in "abcd":
        at.vote(voter, proposal)
    at.decide(Suspend(who("a")), "bcde")
    assert at.vote("e", proposal).ok  # four of six again
    assert at.proposal(proposal).outcome is Outcome.OPEN
    assert at.vote("f", proposal).ok
    assert at.proposal(proposal).outcome is Outcome.PASSED


def test_a_decision_that_drops_votes_decides_nothing_else() -> None:
    """EIP-225: with the noes of `a` and `b` gone the proposal would carry, but nobody has voted."""
    at = Assembly()
    waiting = at.open("a", SUSPEND_X)
    for voter in "ab":
        at.vote(voter, waiting, yes=False)
    for voter in "cde":
        at.vote(voter, waiting)
    at.decide(Suspend(who("a")), "bcdef")
    at.decide(Admit(who("a")), "bcdef")
    assert at.proposal(waiting).outcome is Outcome.OPEN
    # A no does not carry it either, although the count is now what it was.
    assert at.vote("f", waiting, yes=False).ok
    assert at.proposal(waiting).outcome is not Outcome.PASSED


def test_a_voice_given_back_decides_nothing_by_itself() -> None:
    at = Assembly()
    waiting = at.open("a", SUSPEND_X)
    at.vote("a", waiting)
    at.decide(Suspend(who("a")), "bcdef")
    for voter in "bcd":
        at.vote(voter, waiting)  # three count
    at.decide(Admit(who("a")), "bcdef")  # four count
    assert at.proposal(waiting).outcome is Outcome.OPEN
    assert at.vote("e", waiting, yes=False).ok
    assert at.proposal(waiting).outcome is Outcome.OPEN
    assert at.vote("f", waiting).ok
    assert at.proposal(waiting).outcome is Outcome.PASSED


# The authorities


def test_a_change_is_decided_but_not_in_force() -> None:
    at = Assembly()
    outcome = at.decide(change("a", "xyz"), "bcdef")
    decided = set_decided(at.state)
    assert decided is not None
    assert outcome.events[-1] == ("set-decided", (1, decided.hash))
    assert sorted(m.did for m in decided.members) == sorted(
        who(name) for name in (*SEATED[1:], "x", "y", "z")
    )
    assert {m.did for m in set_in_force(at.state).members} == set(map(who, SEATED))
    assert at.roles("a") == ("member",)
    assert at.roles("x") == ("member", "authority")
    for silent in "ax":  # one has a voice no more, the other not yet
        assert at.propose(silent, PARAMETER)[1].code == "no-voice"
    at.take_over()
    assert at.propose("x", PARAMETER)[1].ok
    assert at.propose("a", PARAMETER)[1].code == "no-voice"


def test_one_change_at_a_time() -> None:
    at = Assembly()
    other = at.open("f", change("b"))
    at.decide(change(added="x"))
    for voter in "acde":
        assert at.vote(voter, other).ok
    assert at.vote("f", other).code == "change-pending"
    assert at.proposal(other).outcome is Outcome.OPEN
    at.take_over()
    assert at.vote("f", other).ok
    assert at.proposal(other).outcome is Outcome.PASSED
    assert (decided := set_decided(at.state)) is not None
    assert decided.id == 2


def test_a_set_that_is_replaced_whole() -> None:
    at = Assembly(network("abcd"))
    at.decide(change("abcd", "efxyz"), "abc")
    at.take_over()
    assert {m.did for m in set_in_force(at.state).members} == set(map(who, "efxyz"))
    assert at.propose("a", PARAMETER)[1].code == "no-voice"
    assert at.decide(PARAMETER, "efxy").ok


def test_who_was_asked_is_fixed_when_it_is_proposed() -> None:
    at = Assembly(network("abcd"))
    before = at.open("a", PARAMETER)
    at.decide(change("abcd", "efxyz"), "abc")
    at.take_over()
    assert at.vote("e", before).code == "not-asked"
    assert at.vote("a", before).code == "no-voice"


def test_the_set_does_not_fall_below_four() -> None:
    at = Assembly(network("abcd"))
    assert at.propose("a", change("d"))[1].code == "too-few-authorities"
    assert at.propose("a", change("cd", "x"))[1].code == "too-few-authorities"
    assert at.propose("a", change("cd", "xy"))[1].ok
    small = Assembly(network("abc"))
    assert small.propose("a", change("bc"))[1].ok
    assert small.propose("a", change("abc"))[1].code == "too-few-authorities"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (change("x"), "not-an-authority"),
        (change(added="a"), "already-an-authority"),
        (change(added=["poor"]), "seat-keys"),
        (change("a", ["poor"]), "seat-keys"),
    ],
)
def test_impossible_changes(wanted: Action, code: str) -> None:
    assert Assembly().propose("a", wanted)[1].code == code


def test_a_suspended_organisation_gets_no_seat() -> None:
    at = Assembly(network("abcde"))
    at.decide(Suspend(who("f")))
    assert at.propose("a", change(added=["f"]))[1].code == "not-in-standing"
    assert at.propose("a", change(added=["f1"]))[1].code == "not-in-standing"


def test_a_decision_that_has_become_impossible_is_void() -> None:
    at = Assembly()
    proposal = at.open("a", change(added="x"))
    for voter in "abcd":
        at.vote(voter, proposal)
    at.decide(SUSPEND_X)
    outcome = at.vote("e", proposal)
    assert outcome.ok
    assert [name for name, _ in outcome.events] == ["voted", "decided", "void"]
    assert outcome.events[-1] == ("void", (proposal, "not-in-standing"))
    assert at.proposal(proposal).outcome is Outcome.VOID
    assert set_decided(at.state) is None


def test_a_parameter_counts_from_the_state_on() -> None:
    at = Assembly()
    at.decide(SetParameter("expiry_slots_max", 50))
    assert parameter_of(at.state, "expiry_slots_max") == 50
    with pytest.raises(Invalid, match="expiry-too-far"):
        at.send("a", Transfer("CNY", who("b"), 1))


def test_everyone_named_finds_the_proposal_in_his_history() -> None:
    wanted = change("ab", "x")
    assert set(Propose(wanted, UNTIL, REASONS).parties()) == {who("a"), who("b"), who("x")}
    assert Propose(SUSPEND_X, UNTIL, REASONS).parties() == (who("x"),)
    assert Propose(PARAMETER, UNTIL, REASONS).parties() == ()


@pytest.mark.parametrize("stranger", ["x", "desk", "poor"])
def test_nodes_do_not_relay_the_words_of_who_has_no_voice(stranger: str) -> None:
    at = Assembly()
    context = context_at(at.genesis, at.state, at.slot)
    bodies = (
        Propose(PARAMETER, UNTIL, REASONS),
        CastVote(at.open("a", PARAMETER), arguments_hash(PARAMETER), True),
    )
    for body in bodies:
        with pytest.raises(Declined, match="no-voice"):
            check_relay(at.state, at.signed(stranger, body), context)
        check_relay(at.state, at.signed("b", body), context)
