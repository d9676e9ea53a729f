"""A long history in a store, made once: small blocks of signed transfers by the only authority."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.hashing import Hash
from chain.store import RocksStore
from chain.transactions.envelope import Transaction, decode_transaction, sign_transaction
from chain.transactions.payment import Transfer
from tests.bench.founding import CODE, World, pair

SIGNERS = 2
SIGNED_AT_ONCE = 1_000
EXPIRY_SLOTS = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """How long a history is, and how full its blocks."""

    blocks: int
    transactions_a_block: int

    @property
    def transactions(self) -> int:
        """All of them."""
        return self.blocks * self.transactions_a_block


@dataclass(frozen=True, slots=True)
class Order:
    """A transfer to sign: whose, to whom, and its place in the sender's sequence."""

    sender: int
    to: int
    sequence: int
    slot: int


def make_history(world: World, shape: Shape, folder: Path) -> Hash:
    """Grow a chain of one block a slot in a new store; returns its head's id."""
    store = RocksStore(folder)
    ledger = Ledger(world.genesis, store, engine_of(world.genesis))
    pending = signed_transfers(world, shape)
    for slot in range(1, shape.blocks + 1):
        for _ in range(shape.transactions_a_block):
            ledger.submit(next(pending), slot)
        draft = ledger.propose(slot, world.author)
        block = ledger.seal(draft, world.author, range(1))
        assert block is not None
        assert len(block.transactions) == shape.transactions_a_block
        ledger.import_block(block, draft.transactions, slot)
    head = ledger.head.id
    store.close()
    return head


def signed_transfers(world: World, shape: Shape) -> Iterator[Transaction]:
    """Transfers between random accounts, in order, signed by processes of their own."""
    rng = random.Random(3)
    sequences = [0] * len(world.accounts)
    orders: list[Order] = []
    for number in range(shape.transactions):
        sender = rng.randrange(len(world.accounts))
        slot = 1 + number // shape.transactions_a_block
        to = rng.randrange(len(world.accounts))
        orders.append(Order(sender, to, sequences[sender], slot))
        sequences[sender] += 1
    with get_context("fork").Pool(SIGNERS) as pool:
        for raw in pool.imap(partial(sign, world), orders, SIGNED_AT_ONCE):
            yield decode_transaction(raw, world.genesis.hash)


def sign(world: World, order: Order) -> bytes:
    """The transaction an order stands for."""
    return sign_transaction(
        pair(order.sender + 1),
        world.genesis.hash,
        world.accounts[order.sender],
        0,
        order.sequence,
        order.slot + EXPIRY_SLOTS,
        Transfer(CODE, world.accounts[order.to], 5, b"invoice"),
    ).raw
