"""The ledger's books as plain dictionaries, and what a transaction does to them.

Written from docs/spec/ledger.md and from nothing else; it shares no rule with chain.execution. It
knows no journal and no undo: who wants to go back keeps a copy.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chain.genesis import Genesis
from chain.parameters import Consensus
from chain.primitives import cbor
from chain.primitives.cbor import Value
from chain.primitives.keys import verify
from chain.transactions.dataset import Publish
from chain.transactions.document import DidDocument, Purpose
from chain.transactions.envelope import Transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import Register
from chain.transactions.payment import Transfer
from testnet.checkers.council import GOOD, Council, Events, Failure, Person, Seat
from testnet.checkers.deliberation import propose, prove, vote
from testnet.checkers.naive import state_leaf, state_path, state_root

POSSESSION = b"cornerstone/possession/1"
CONSENT = b"cornerstone/consent/1"
ABOVE_MAX = 4
CHANGEABLE = ("block_bytes_max", "block_transactions_max", "expiry_slots_max")


class Broken(Exception):
    """A rule that a block breaks, by its code in the specification."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class Books:
    """Everything the ledger knows after some block, and the hashes of it for the state's root."""

    genesis: Genesis
    keys: dict[bytes, dict[bytes, tuple[Purpose, int]]] = field(default_factory=dict)
    sequences: dict[tuple[bytes, int], int] = field(default_factory=dict)
    balances: dict[tuple[str, bytes], int] = field(default_factory=dict)
    datasets: dict[bytes, bytes] = field(default_factory=dict)  # id: owner
    records: dict[bytes, list[Value]] = field(default_factory=dict)  # of identities
    council: Council = field(default_factory=Council)
    leaves: dict[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def founded(cls, genesis: Genesis) -> "Books":
        """What holds before the first block."""
        books = cls(genesis)
        for identity in genesis.identities:
            books.register(identity.document, 0, identity.roles)
        books.seat(0, founding_seats(genesis))
        for name in CHANGEABLE:
            books.set_parameter(name, getattr(genesis.parameters, name))
        for held in genesis.balances:
            books.set_balance(held.code, held.did, held.amount)
        for currency in genesis.currencies:
            supply = books.supply(currency.code)
            books.write(
                b"cur/" + currency.code.encode(), [supply, currency.decimals, currency.name]
            )
        return books

    def copy(self) -> "Books":
        """Books that can go on by themselves."""
        return Books(
            self.genesis,
            dict(self.keys),
            dict(self.sequences),
            dict(self.balances),
            dict(self.datasets),
            dict(self.records),
            self.council.copy(),
            dict(self.leaves),
        )

    def root(self) -> bytes:
        """The state root."""
        return state_root(self.leaves)

    def supply(self, code: str) -> int:
        """All balances of a currency added up."""
        return sum(amount for (of, _), amount in self.balances.items() if of == code)

    # Entries

    def write(self, key: bytes, value: Value) -> None:
        """Set a record of the state."""
        path = state_path(key)
        self.leaves[path] = state_leaf(path, cbor.encode(value))

    def hand_over(self, set_id: int, seats: tuple[Seat, ...]) -> None:
        """A block's certificates put this set in force."""
        if set_id != self.council.set_id:
            self.seat(set_id, seats)
            self.erase(b"set/pend")

    def seat(self, set_id: int, seats: tuple[Seat, ...]) -> None:
        """This set is in force; who stays in its seat keeps the number it sat down with."""
        council, before = self.council, self.council.since
        council.set_id, council.seats, council.decided = set_id, seats, None
        council.since = {seat.did: before.get(seat.did, set_id) for seat in seats}
        self.write(b"set/cur", [set_id, [seat.to_value() for seat in seats]])
        self.write(b"set/since", [council.since[seat.did] for seat in seats])

    def erase(self, key: bytes) -> None:
        """Have no record of the state."""
        self.leaves.pop(state_path(key), None)

    def set_parameter(self, name: str, value: int) -> None:
        """A number that votes may change."""
        self.council.parameters[name] = value
        self.write(b"gov/param/" + name.encode(), value)

    def enter(self, did: bytes) -> None:
        """Write an identity's record as its roles and its standing are now."""
        person = self.council.people[did]
        self.write(b"did/" + did, [*self.records[did], list(person.roles), person.standing])

    def set_balance(self, code: str, did: bytes, amount: int) -> None:
        """What an identity holds; nothing is written for nothing."""
        key = b"bal/" + code.encode() + b"/" + did
        self.balances[code, did] = amount
        if amount:
            self.write(key, amount)
        else:
            del self.balances[code, did]
            self.erase(key)

    def register(self, document: DidDocument, slot: int, roles: Iterable[str] = ()) -> None:
        """Enter an identity, whose keys count from the slot on."""
        self.keys[document.id] = {key.public: (key.purpose, slot) for key in document.keys}
        self.records[document.id] = [
            1,
            [[k.id, k.purpose.value, k.public, slot, None] for k in document.keys],
            document.threshold,
            document.next,
            [[s.id, s.type, s.endpoint] for s in document.services],
            document.controller,
        ]
        seals, votes = (
            tuple(key.public for key in document.keys if key.purpose is purpose)
            for purpose in (Purpose.SEAL, Purpose.VOTE)
        )
        person = Person(document.controller, tuple(roles), GOOD, seals, votes)
        self.council.people[document.id] = person
        self.enter(document.id)

    def counts(self, did: bytes, public: bytes, purpose: Purpose, slot: int) -> bool:
        """Whether a key is one of that purpose of the identity and counts in the slot."""
        found = self.keys.get(did, {}).get(public)
        return found is not None and found[0] is purpose and found[1] <= slot

    # Transactions

    def admit(self, tx: Transaction, slot: int) -> None:
        """Raise Broken when no block of that slot may contain it."""
        ahead = tx.expiry - slot
        if ahead < 0:
            raise Broken("expired", f"expiry {tx.expiry} in slot {slot}")
        if ahead > self.council.parameters["expiry_slots_max"]:
            raise Broken("expiry-too-far", f"expiry {tx.expiry} in slot {slot}")
        expected = self.sequences.get((tx.sender, tx.lane), 0)
        if tx.sequence != expected:
            raise Broken("wrong-sequence", f"{tx.sequence} where {expected} is next")
        if tx.sender in self.keys:
            if not self.counts(tx.sender, tx.key, Purpose.TX, slot):
                raise Broken("key-not-live", f"{tx.key.hex()} of {tx.sender.hex()}")
            if not self.council.in_standing(tx.sender):
                raise Broken("sender-standing", tx.sender.hex())
        elif isinstance(tx.body, Register):
            self._admit_newcomer(tx, tx.body, slot)
        else:
            raise Broken("unknown-sender", tx.sender.hex())

    def _admit_newcomer(self, tx: Transaction, body: Register, slot: int) -> None:
        document, chain = body.document, self.genesis.hash
        if document.id != tx.sender:
            raise Broken("did-mismatch", f"{document.id.hex()} by {tx.sender.hex()}")
        if (tx.key, Purpose.TX) not in [(key.public, key.purpose) for key in document.keys]:
            raise Broken("key-not-live", f"{tx.key.hex()} is no tx key of the document")
        for key, proof in zip(document.keys, body.proofs, strict=True):
            signs = key.purpose is not Purpose.AGREE
            if signs and not verify(key.public, POSSESSION + chain + tx.sender, proof):
                raise Broken("did-proof", f"of key {key.id}")
        if document.controller is None:
            return
        if document.controller not in self.keys:
            raise Broken("did-controller", f"{document.controller.hex()} is not registered")
        if self.council.above(document.controller) >= ABOVE_MAX:
            raise Broken("did-depth", f"of {document.controller.hex()}")
        if not self.council.in_standing(document.controller):
            raise Broken("did-controller", f"{document.controller.hex()} is in no good standing")
        public, signature = body.consent or (b"", b"")
        if not (
            self.counts(document.controller, public, Purpose.ADMIN, slot)
            and verify(public, CONSENT + chain + tx.sender, signature)
        ):
            raise Broken("did-consent", f"by {public.hex()}")

    def apply(self, tx: Transaction, slot: int) -> bytes:
        """Do what an admitted transaction does; its receipt, encoded."""
        self.sequences[tx.sender, tx.lane] = tx.sequence + 1
        self.write(b"seq/" + tx.sender + bytes([tx.lane]), tx.sequence + 1)
        try:
            events = self._do(tx, slot)
        except Failure as failure:
            return cbor.encode([tx.id, False, str(failure), []])
        return cbor.encode([tx.id, True, "", events])

    def _do(self, tx: Transaction, slot: int) -> Events:
        """Everything that can fail is looked at before anything is changed."""
        match tx.body:
            case Transfer(code, to, amount):
                return self._pay(tx.sender, code, to, amount)
            case Register(document):
                if tx.sender in self.keys:
                    raise Failure("already-registered")
                self.register(document, slot)
                return [["registered", [tx.sender]]]
            case Publish() as published:
                if any(parent.dataset not in self.datasets for parent in published.parents):
                    raise Failure("unknown-parent")
                self.datasets[tx.id] = tx.sender
                self.write(b"ds/" + tx.id, [tx.sender, slot, published.to_value()])
                return [["published", [tx.id, published.commitment]]]
            case Propose():
                return propose(self, tx, tx.body, slot)
            case CastVote():
                return vote(self, tx, tx.body, slot)
            case SubmitEvidence(evidence):
                return prove(self, evidence, slot)
            case _:
                raise Broken("unknown-kind", tx.kind)

    def _pay(self, sender: bytes, code: str, to: bytes, amount: int) -> Events:
        if code not in [currency.code for currency in self.genesis.currencies]:
            raise Failure("unknown-currency")
        held = self.balances.get((code, sender), 0)
        if held < amount:
            raise Failure("insufficient-balance")
        if to not in self.keys:
            raise Failure("unknown-recipient")
        if to != sender:
            self.set_balance(code, sender, held - amount)
            self.set_balance(code, to, self.balances.get((code, to), 0) + amount)
        return [["paid", [code, sender, to, amount]]]


def founding_seats(genesis: Genesis) -> tuple[Seat, ...]:
    """The authorities of a network from its first block, by id."""
    if genesis.consensus is Consensus.WORK:
        return ()
    return tuple(
        Seat(
            identity.id,
            tuple(key.public for key in identity.document.keys if key.purpose is Purpose.SEAL),
            next(key.public for key in identity.document.keys if key.purpose is Purpose.VOTE),
        )
        for identity in sorted(genesis.identities, key=lambda identity: identity.id)
        if identity.id in genesis.authorities
    )
