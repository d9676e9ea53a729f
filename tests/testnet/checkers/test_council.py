"""Governance in the ledger and in the second validator's books, step by step, under any order."""

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chain.block import Receipt
from chain.in_force import context_at
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.state import paths
from chain.transactions.body import Body
from chain.transactions.governance_actions import (
    Action,
    Admit,
    Remove,
    SetParameter,
    SetRole,
    Suspend,
    arguments_hash,
)
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from chain.transactions.payment import Transfer
from chain.transactions.rules import apply_transaction, check_transaction
from testnet.checkers.books import Books, Broken
from testnet.checkers.naive import state_leaf, state_path
from tests.chain.transactions.assembly import REASONS, Assembly, change, network, who
from tests.chain.transactions.test_governance_evidence import ballot, double_block, votes

NAMES = ("a", "b", "c", "d", "e", "f", "f1", "f2", "x", "y", "desk", "poor")
names = st.sampled_from(NAMES)
seats = st.lists(st.sampled_from(NAMES), unique=True, max_size=5)
actions = st.one_of(
    st.builds(change, seats, seats).filter(
        lambda wanted: (
            (wanted.removed or wanted.added) and not set(wanted.removed) & set(wanted.added)
        )
    ),
    st.builds(lambda kind, name: kind(who(name)), st.sampled_from([Admit, Suspend, Remove]), names),
    st.builds(
        lambda name, role, granted: SetRole(who(name), role, granted),
        names,
        st.sampled_from(["auditor", "authority", "issuer:CNY", "issuer:EUR"]),
        st.booleans(),
    ),
    st.builds(SetParameter, st.just("expiry_slots_max"), st.sampled_from([300, 10_000])),
)


class Governance(RuleBasedStateMachine):
    """The same transactions into a state and into the books: the same receipts, the same state."""

    def __init__(self) -> None:
        super().__init__()
        self.proposals: list[tuple[Hash, Action]] = []

    @initialize(seated=st.sampled_from(["abc", "abcd", "abcdef", ("a", "b", "f", "f1", "f2")]))
    def begin(self, seated: Any) -> None:
        self.at = Assembly(network(seated))
        self.books = Books.founded(self.at.genesis)

    def put(self, name: str, body: Body) -> Receipt | None:
        """Include a transaction on both sides; None when neither may."""
        at = self.at
        tx = at.signed(name, body)
        context = context_at(at.genesis, at.state, at.slot)
        ledger_says = books_say = ""
        try:
            check_transaction(at.state, tx, context)
        except Invalid as refusal:
            ledger_says = refusal.code
        try:
            self.books.admit(tx, at.slot)
        except Broken as broken:
            books_say = broken.code
        assert ledger_says == books_say
        if ledger_says:
            return None
        outcome = apply_transaction(at.state, tx, context)
        receipt = Receipt(tx.id, outcome.ok, outcome.code, outcome.events)
        assert self.books.apply(tx, at.slot) == receipt.encode(), outcome
        return receipt

    @rule(name=names, action=actions, lasts=st.integers(0, 40))
    def propose(self, name: str, action: Action, lasts: int) -> None:
        receipt = self.put(name, Propose(action, self.at.slot + lasts, REASONS))
        if receipt is not None and receipt.ok:
            self.proposals.append((receipt.txid, action))

    @precondition(lambda self: self.proposals)
    @rule(data=st.data(), everybody=st.lists(names, min_size=1, max_size=8), yes=st.booleans())
    def vote(self, data: st.DataObject, everybody: list[str], yes: bool) -> None:
        proposal, action = data.draw(st.sampled_from(self.proposals[-6:]))
        for name in everybody:
            self.put(name, CastVote(proposal, arguments_hash(action), yes))

    @rule(name=names, action=actions)
    def agree(self, name: str, action: Action) -> None:
        """Somebody proposes and everybody says yes."""
        self.agree_on(name, action)

    def agree_on(self, name: str, action: Action) -> None:
        receipt = self.put(name, Propose(action, self.at.slot + 9, REASONS))
        if receipt is not None and receipt.ok:
            for voter in "fedcba":
                self.put(voter, CastVote(receipt.txid, arguments_hash(action), True))

    @rule(
        reporter=names,
        offender=names,
        slot=st.sampled_from([1, 2, 9, 12]),  # also slots to come
        sets=st.tuples(st.integers(0, 3), st.integers(0, 3)),
        blocks=st.booleans(),
    )
    def report(
        self, reporter: str, offender: str, slot: int, sets: tuple[int, int], blocks: bool
    ) -> None:
        if blocks:
            evidence = double_block(self.at, offender, slot, sets=sets)
        else:
            outer, inner = ballot(1, slot + 5, set_id=sets[0]), ballot(slot, slot + 4)
            evidence = votes(self.at, offender, outer, replace(inner, set_id=sets[0]))
        self.put(reporter, SubmitEvidence(evidence))

    @precondition(lambda self: self.at.state.get(paths.PENDING_SET) is None)
    @rule(name=names, speaker=st.sampled_from("abc"))
    def lose_the_seat_and_get_another(self, name: str, speaker: str) -> None:
        for action in (change([name]), change(added=[name])):
            self.agree_on(speaker, action)
            if self.at.state.get(paths.PENDING_SET) is None:
                break
            self.take_over()

    @rule(name=names)
    def pay(self, name: str) -> None:
        self.put(name, Transfer("CNY", who("b"), 1))

    @rule(slots=st.integers(1, 30))
    def time_passes(self, slots: int) -> None:
        self.at.slot += slots

    @precondition(lambda self: self.at.state.get(paths.PENDING_SET) is not None)
    @rule()
    def take_over(self) -> None:
        self.at.take_over()
        council = self.books.council
        assert council.decided is not None
        self.books.hand_over(council.set_id + 1, council.decided)

    @invariant()
    def the_states_are_one(self) -> None:
        changes = self.at.state.changes()
        for key, value in changes.items():
            path = state_path(key)
            expected = None if value is None else state_leaf(path, value)
            assert self.books.leaves.get(path) == expected, key

    @invariant()
    def somebody_can_always_decide(self) -> None:
        """More than half of the seated organisations have a voice, whatever was decided."""
        council = self.books.council
        if council.decided is None:
            assert 2 * len(council.voices()) > len(council.seated())


Governance.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, derandomize=True
)
TestGovernance = Governance.TestCase
