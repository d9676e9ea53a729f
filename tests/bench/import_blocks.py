"""Block import as in catching up: signatures, execution, state root, durable commit."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from chain.block import Block, decode_block, encode_block
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.keys import verify_all
from chain.store import RocksStore
from chain.transactions.envelope import Transaction, decode_transaction
from tests.bench.founding import World, found, transfers

BLOCKS = 20
BLOCK_TRANSACTIONS = 1_000
THREADS = 2


@dataclass(frozen=True, slots=True)
class ImportFigure:
    """Transactions per second through import, and the part of a transaction that is Python's."""

    accounts: int
    transactions_per_s: float
    without_signatures_us: float


def make_blocks(world: World, folder: Path) -> list[bytes]:
    """A chain of full blocks, as a peer would send them."""
    ledger = Ledger(world.genesis, RocksStore(folder / "source"), engine_of(world.genesis))
    pending = transfers(world, BLOCKS * BLOCK_TRANSACTIONS, random.Random(1))
    raws: list[bytes] = []
    for number in range(BLOCKS):
        slot = number + 1
        for tx in pending[number * BLOCK_TRANSACTIONS : slot * BLOCK_TRANSACTIONS]:
            ledger.submit(tx, slot)
        draft = ledger.propose(slot, world.author)
        block = ledger.seal(draft, world.author, range(1))
        assert block is not None
        assert len(block.transactions) == BLOCK_TRANSACTIONS
        ledger.import_block(block, draft.transactions, slot)
        raws.append(encode_block(block))
    return raws


def import_all(world: World, raws: list[bytes], folder: Path, *, verified: bool) -> float:
    """Seconds to import the blocks; signatures of the next are checked during one's execution."""
    ledger = Ledger(world.genesis, RocksStore(folder), engine_of(world.genesis))
    with ThreadPoolExecutor(THREADS) as pool:

        def prepare(raw: bytes) -> tuple[Block, list[Transaction], list[Future[list[bool]]]]:
            block = decode_block(raw)
            txs = [decode_transaction(data, world.genesis.hash) for data in block.transactions]
            checks = [tx.check for tx in txs]
            size = len(checks) // (THREADS * 2)
            parts = [] if verified else range(0, len(checks), size)
            return block, txs, [pool.submit(verify_all, checks[p : p + size]) for p in parts]

        start = time.perf_counter()
        following = prepare(raws[0])
        for slot in range(1, len(raws) + 1):
            block, txs, verdicts = following
            if slot < len(raws):
                following = prepare(raws[slot])
            assert all(all(verdict.result()) for verdict in verdicts)
            ledger.import_block(block, txs, slot)
        return time.perf_counter() - start


def measure_import(accounts: int, folder: Path) -> ImportFigure:
    """Full blocks of transfers among that many accounts."""
    world = found(accounts)
    raws = make_blocks(world, folder)
    count = BLOCKS * BLOCK_TRANSACTIONS
    plain = import_all(world, raws, folder / "plain", verified=True)
    whole = import_all(world, raws, folder / "whole", verified=False)
    return ImportFigure(accounts, count / whole, plain / count * 1e6)
