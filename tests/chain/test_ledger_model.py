"""A naive ledger beside the real one: every chain replayed from its first block, by hand.

The model knows payments as arithmetic on two dictionaries; it shares no execution, journal, undo
or cached tree with the ledger, and it makes the blocks, good and bad, that the ledger is given.
"""

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from chain.block import NO_CERTIFICATES, Block, Header, Receipt, list_root
from chain.consensus.authority import sealed_bytes
from chain.genesis import initial_state
from chain.primitives import cbor, merkle
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.store import MemoryStore
from chain.transactions.envelope import Transaction
from chain.transactions.payment import Transfer
from tests.chain.founding import AUTHORITIES, GENESIS, SUPPLY, decoded, leader, ledger, transfer

NOW = 4_000
DIDS = [party.did for party in AUTHORITIES]
OTHER = sha256(b"other")


@dataclass(frozen=True)
class Made:
    """A block of the model, what holds after it, and why nobody may build on it."""

    block: Block
    parent: "Made | None"
    balances: dict[bytes, int]
    sequences: dict[bytes, int]
    txids: tuple[Hash, ...]
    bad: bool

    def rank(self) -> tuple[int, int, int]:
        header = self.block.header
        return header.height, -header.slot, -int.from_bytes(header.id, "big")

    def chain(self) -> "list[Made]":
        return [*(self.parent.chain() if self.parent else []), self]

    def root(self) -> Hash:
        contents: dict[bytes, bytes | None] = dict(initial_state(GENESIS))
        for did in DIDS:
            held, used = self.balances[did], self.sequences[did]
            contents[paths.balance(b"CNY", did)] = cbor.encode(held) if held else None
            contents[paths.sequence(did, 0)] = cbor.encode(used) if used else None
        return StateTree(lambda _: None, EMPTY_STATE_ROOT).update(contents).root


def child(parent: Made, gap: int, payments: list[tuple[int, int, int]], spoil: str) -> Made:
    """A block on any other, with payments (payer, payee, amount); `spoil` names a false field."""
    balances, sequences = dict(parent.balances), dict(parent.sequences)
    txs: list[Transaction] = []
    receipts: list[bytes] = []
    for payer, payee, amount in payments:
        sender, to = DIDS[payer], DIDS[payee]
        tx = transfer(sequences[sender], amount, payer=payer, payee=payee)
        sequences[sender] += 1
        covered = balances[sender] >= amount
        if covered:
            balances[sender] -= amount
            balances[to] += amount
        events = (("paid", ("CNY", sender, to, amount)),) if covered else ()
        code = "" if covered else "insufficient-balance"
        txs.append(tx)
        receipts.append(Receipt(tx.id, covered, code, events).encode())
    above = parent.block.header
    slot = above.slot + gap
    made = Made(parent.block, parent, balances, sequences, (), bool(spoil) or parent.bad)
    header = Header(
        chain=GENESIS.hash,
        height=above.height + 1,
        slot=slot,
        parent=above.id,
        state=made.root(),
        transactions=list_root([tx.raw for tx in txs]),
        receipts=list_root(receipts),
        history=merkle.root([each.block.header.raw for each in parent.chain()]),
        certificates=NO_CERTIFICATES,
        set_id=0,
        set_hash=GENESIS.authority_set.hash,
        next_set=b"",
        author=leader(slot).did,
    )
    if spoil == "state":
        header = replace(header, state=OTHER)
    if spoil == "receipts":
        header = replace(header, receipts=OTHER)
    seal = leader(slot).key.sign(sealed_bytes(header.id))
    block = Block(header, seal, (), tuple(tx.raw for tx in txs))
    return replace(made, block=block, txids=tuple(tx.id for tx in txs))


parties = st.integers(0, len(DIDS) - 1)
amounts = st.sampled_from([1, 7, SUPPLY // 3, SUPPLY // 3 + 1, SUPPLY])
payment = st.tuples(parties, parties, amounts)


class LedgerBesideModel(RuleBasedStateMachine):
    """Blocks are made on any block, arrive in any order that has parents first, or never."""

    known: "Bundle[Made]" = Bundle("known")
    waiting: "Bundle[Made]" = Bundle("waiting")

    @initialize(target=known)
    def found(self) -> Made:
        self.store = MemoryStore()
        self.ledger = ledger(self.store)
        self.condemned: list[Made] = []
        first = self.ledger.block_at(0)
        assert first is not None
        held = dict.fromkeys(DIDS, SUPPLY // 3)
        self.first = Made(first, None, held, dict.fromkeys(DIDS, 0), (), False)
        self.arrived = [self.first]
        return self.first

    @rule(
        target=waiting,
        parent=known,
        gap=st.integers(1, 5),
        payments=st.lists(payment, max_size=3),
        spoil=st.sampled_from(["", "", "", "", "state", "receipts"]),
    )
    def make(
        self, parent: Made, gap: int, payments: list[tuple[int, int, int]], spoil: str
    ) -> Made:
        return child(parent, gap, payments, spoil)

    @rule(target=known, made=consumes(waiting))
    def arrive(self, made: Made) -> object:
        return self._deliver(made)

    @rule(target=known, parent=known, gap=st.integers(1, 3), payments=st.lists(payment, max_size=2))
    def extend(self, parent: Made, gap: int, payments: list[tuple[int, int, int]]) -> object:
        return self._deliver(child(parent, gap, payments, ""))

    @rule()
    def reopen(self) -> None:
        self.ledger = ledger(self.store)

    def _deliver(self, made: Made) -> object:
        on = self.ledger
        if on.has_block(made.block.id) or self._crowded(made):
            return multiple()
        try:
            on.import_block(made.block, decoded(on, made.block), NOW)
        except Invalid:
            assert made.bad, "a good block was refused"
            # One that is remembered may be built on; one that left no trace has no children.
            if not on.has_block(made.block.id):
                return multiple()
            self.condemned.append(made)
            return made
        self.arrived.append(made)
        return made

    def _crowded(self, made: Made) -> bool:
        header = made.block.header
        same = [
            each
            for each in (*self.arrived, *self.condemned)
            if (each.block.header.slot, each.block.header.author) == (header.slot, header.author)
        ]
        return len(same) >= 2 or self.ledger.node(header.parent) is None

    @invariant()
    def agrees(self) -> None:
        best = max((made for made in self.arrived if not made.bad), key=Made.rank)
        on = self.ledger
        assert on.head.id == best.block.id
        assert on.head.header.state == best.root() == on.prove(b"")[1].state
        assert on.supply("CNY") == sum(best.balances.values()) == SUPPLY
        for did in DIDS:
            account = on.account(did)
            assert account is not None
            assert account.balances["CNY"] == best.balances[did]
            assert on.next_sequence(did, 0) == best.sequences[did]

    @invariant()
    def every_number_is_used_once_and_found(self) -> None:
        on = self.ledger
        chain = max((made for made in self.arrived if not made.bad), key=Made.rank).chain()
        used: dict[tuple[bytes, int, int], None] = {}
        for made in chain:
            assert on.canonical(made.block.id)
            for index, txid in enumerate(made.txids):
                where = on.transaction(txid)
                assert where is not None
                assert (where.block_id, where.index) == (made.block.id, index)
                tx = on.included(where)
                assert isinstance(tx.body, Transfer)
                assert (tx.sender, tx.lane, tx.sequence) not in used
                used[tx.sender, tx.lane, tx.sequence] = None
        for made in self.arrived:
            if made not in chain:
                assert not on.canonical(made.block.id)


TestLedgerBesideModel = LedgerBesideModel.TestCase
TestLedgerBesideModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
