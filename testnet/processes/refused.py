"""Blocks that a node of a testnet has refused, kept in its folder for the reference validator."""

from collections.abc import Sequence
from pathlib import Path

from chain.block import Block, encode_block
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger, LedgerEvent
from chain.primitives.errors import Invalid
from chain.store import KeyValueStore
from chain.transactions.envelope import Transaction

FILE = "refused.hex"
KEPT_MAX = 1_000
"""Blocks a life of a node keeps; a flood of invalid ones must not fill the disk."""


class WatchedLedger(Ledger):
    """A ledger that writes down the blocks it has refused, one in hex a line."""

    def __init__(self, genesis: Genesis, store: KeyValueStore, folder: Path) -> None:
        super().__init__(genesis, store, engine_of(genesis))
        self._path = folder / FILE
        self._kept = 0

    def import_block(
        self, block: Block, transactions: Sequence[Transaction], slot: int
    ) -> list[LedgerEvent]:
        """See Ledger."""
        try:
            return super().import_block(block, transactions, slot)
        except Invalid:
            if self._kept < KEPT_MAX:
                self._kept += 1
                with self._path.open("a") as file:
                    file.write(encode_block(block).hex() + "\n")
            raise


def read_refused(folder: Path) -> tuple[bytes, ...]:
    """The blocks in a node's folder; a last line that was cut off by a kill is left out."""
    try:
        lines = (folder / FILE).read_text("ascii").split("\n")[:-1]
    except OSError:
        return ()
    return tuple(bytes.fromhex(line) for line in lines)
