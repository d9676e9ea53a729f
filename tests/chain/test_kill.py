"""Death at any moment: what was acknowledged is there, and the state is the one of the head."""

import random
import subprocess
import sys
from pathlib import Path

from chain import tables
from chain.ledger import Ledger
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.store import RocksStore
from tests.chain.founding import AUTHORITIES, SUPPLY, grow, ledger, transfer

ROWS_MAX = 1_000_000
KILLS = 8


def importer(folder: Path) -> None:
    """Import blocks for ever, saying each height once it is in; runs in a process of its own."""
    on = ledger(RocksStore(folder))
    slot = on.head.slot + 1  # which a block may have been promised for before the last death
    while True:
        slot += 1
        payer = slot % len(AUTHORITIES)
        sequence = on.next_sequence(AUTHORITIES[payer].did, 0)
        txs = [
            transfer(sequence + n, payer=payer, payee=(payer + 1) % len(AUTHORITIES))
            for n in range(5)
        ]
        print(grow(on, slot, *txs).header.height, flush=True)


def kill_after(folder: Path, blocks: int) -> int:
    """Run an importer, kill it when it has said so many heights; the last that came out."""
    code = (
        "import pathlib, sys; from tests.chain.test_kill import importer; "
        "importer(pathlib.Path(sys.argv[1]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(blocks)]
        process.kill()
        said += process.stdout.readlines()
    return max(int(line) for line in said if line.endswith("\n"))


def check(on: Ledger, store: RocksStore) -> None:
    """Recompute everything that can be from the rows alone."""
    rows = store.scan(tables.STATE, limit=ROWS_MAX)
    whole = StateTree(lambda _: None, EMPTY_STATE_ROOT)
    root = whole.update({key[1:]: value for key, value in rows}).root
    assert root == on.head.header.state
    accounts = [on.account(party.did) for party in AUTHORITIES]
    assert sum(account.balances["CNY"] for account in accounts if account) == SUPPLY
    for height in range(1, on.head.height + 1):
        block = on.block_at(height)
        assert block is not None
        assert len(on.encoded_receipts(block.id)) == len(block.transactions)
        assert block.header.parent == on.block_id_at(height - 1)
    assert on.block_id_at(on.head.height) == on.head.id


def test_kill_nine_at_random_moments_loses_nothing_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(9)
    acknowledged = 0
    for _ in range(KILLS):
        acknowledged = max(acknowledged, kill_after(tmp_path / "db", rng.randrange(1, 25)))
        store = RocksStore(tmp_path / "db")
        on = ledger(store)
        assert on.head.height >= acknowledged
        check(on, store)
        store.close()
    assert acknowledged > KILLS
