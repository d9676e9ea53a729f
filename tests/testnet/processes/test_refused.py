"""Refused blocks survive in a node's folder."""

from pathlib import Path

from chain.block import encode_block
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.store import MemoryStore
from testnet.founding import make_genesis
from testnet.processes.refused import FILE, keeper, read_refused
from testnet.spec import LaunchSpec


def test_what_was_kept_is_read_and_half_a_line_is_not(tmp_path: Path) -> None:
    assert read_refused(tmp_path) == ()
    genesis = make_genesis(LaunchSpec("demo", nodes=1), 1_800_000_000_000)
    block = Ledger(genesis, MemoryStore(), engine_of(genesis)).block_at(0)
    assert block is not None
    keep = keeper(tmp_path)
    keep(block)
    keep(block)
    assert read_refused(tmp_path) == (encode_block(block),) * 2
    with (tmp_path / FILE).open("a") as file:
        file.write("a1b")
    assert len(read_refused(tmp_path)) == 2
