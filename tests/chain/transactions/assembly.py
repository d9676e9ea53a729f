"""A network with something to decide: authorities, one of them with three seats, and others.

`a` to `f` are organisations with a seat; `f` has two more through `f1` and `f2`, which it controls.
`x`, `y`, `z` could have a seat; `desk` is a department of `a`; `poor` has no keys for a seat.
"""

from collections.abc import Sequence

from chain.genesis import Balance, Genesis, GenesisIdentity, initial_state
from chain.in_force import context_at
from chain.parameters import Consensus, Currency
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Body
from chain.transactions.document import DidDocument, Key, Purpose
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.governance_actions import Action, ChangeAuthorities, arguments_hash
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_records import Proposal, proposal_of
from chain.transactions.governance_seats import enter_set, set_decided
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import decode_record
from chain.transactions.rules import Outcome, apply_transaction, check_transaction, next_sequence
from tests.chain.transactions.world import document, pair

SEATED = ("a", "b", "c", "d", "e", "f", "f1", "f2")
OTHERS = ("x", "y", "z")
CONTROLLED = {"f1": "f", "f2": "f", "desk": "a"}
REASONS = sha256(b"reasons")
UNTIL = 500


def paper(name: str) -> DidDocument:
    """An identity's document."""
    if name == "poor":
        keys = [Key(p.value, p, pair(name, p).public) for p in (Purpose.ADMIN, Purpose.TX)]
        return DidDocument(tuple(keys))
    above = CONTROLLED.get(name)
    return document(name, None if above is None else who(above))


def who(name: str) -> bytes:
    """The 32-byte id of an identity."""
    return paper(name).id


def network(seated: Sequence[str] = SEATED) -> Genesis:
    """A genesis with these authorities, and everybody else as a member."""
    names = [*"abcdef", *OTHERS, "f1", "f2", "desk", "poor"]
    return Genesis(
        network="test",
        genesis_time_ms=1_700_000_000_000,
        slot_ms=1_000,
        consensus=Consensus.AUTHORITY,
        identities=tuple(
            GenesisIdentity(
                name, paper(name), ("member", "authority") if name in seated else ("member",)
            )
            for name in names
        ),
        currencies=(Currency("CNY", 2, "Renminbi"),),
        balances=(Balance("CNY", who("a"), 1_000),),
        test=True,
    )


class Assembly:
    """A state under change, and what people do in it."""

    def __init__(self, genesis: Genesis | None = None, slot: int = 10) -> None:
        self.genesis = genesis or network()
        self.state = State(initial_state(self.genesis).get)
        self.slot = slot

    def signed(self, name: str, body: Body, expiry: int = 100_000) -> Transaction:
        """The next transaction of somebody."""
        did = who(name)
        sequence = next_sequence(self.state, did, 0)
        expiry = min(expiry, self.slot + 100)
        return sign_transaction(pair(name), self.genesis.hash, did, 0, sequence, expiry, body)

    def send(self, name: str, body: Body) -> Outcome:
        """Include a transaction; what came of it. Raises Invalid when none may contain it."""
        return self.include(self.signed(name, body))

    def include(self, tx: Transaction) -> Outcome:
        """Include a signed transaction."""
        context = context_at(self.genesis, self.state, self.slot)
        check_transaction(self.state, tx, context)
        return apply_transaction(self.state, tx, context)

    def propose(self, name: str, action: Action, until: int = UNTIL) -> tuple[Hash, Outcome]:
        """Propose; the proposal's id and what came of it."""
        tx = self.signed(name, Propose(action, until, REASONS))
        return tx.id, self.include(tx)

    def open(self, name: str, action: Action, until: int = UNTIL) -> Hash:
        """Propose what is taken."""
        identifier, outcome = self.propose(name, action, until)
        assert outcome.ok, outcome.reason
        return identifier

    def vote(self, name: str, proposal: Hash, yes: bool = True) -> Outcome:
        """Vote on a proposal as it stands."""
        return self.send(
            name, CastVote(proposal, arguments_hash(self.proposal(proposal).action), yes)
        )

    def decide(self, action: Action, voters: str = "abcde") -> Outcome:
        """Propose and vote until it is decided; what came of the last vote."""
        proposal = self.open(voters[0], action)
        for voter in voters:
            outcome = self.vote(voter, proposal)
            if self.proposal(proposal).outcome != "open":
                return outcome
        raise AssertionError(f"{voters} did not decide {action}")

    def proposal(self, identifier: Hash) -> Proposal:
        """A proposal's record."""
        found = proposal_of(self.state, identifier)
        assert found is not None
        return found

    def roles(self, name: str) -> tuple[str, ...]:
        """The roles somebody has."""
        raw = self.state.get(paths.did(who(name)))
        assert raw is not None
        return decode_record(raw).roles

    def take_over(self) -> None:
        """What the chain does when the deciding block is final: the decided set is in force."""
        decided = set_decided(self.state)
        assert decided is not None
        enter_set(self.state, decided)


def change(removed: str | Sequence[str] = (), added: str | Sequence[str] = ()) -> ChangeAuthorities:
    """Seats that go and come, by name."""
    gone, new = (tuple(sorted(who(name) for name in names)) for names in (removed, added))
    return ChangeAuthorities(gone, new)
