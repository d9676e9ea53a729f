"""Reads out the nodes of a testnet that has ended, from what they have on disk."""

from chain.block import encode_block
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.primitives.errors import Refusal, StoreFailure
from chain.store import Durability, RocksStore
from testnet.checkers.checker import FinalNode
from testnet.directory import NetDirectory
from testnet.processes.refused import read_refused


def final_node(
    directory: NetDirectory,
    genesis: Genesis,
    name: str,
    running: bool,
    honest: bool,
    pending: tuple[str, ...],
) -> FinalNode:
    """A node as its store has it; without a chain when the store cannot be read."""
    try:
        store = RocksStore(directory.node(name) / "db", Durability.PROCESS)
    except StoreFailure:
        return FinalNode(name, running, honest, (), "", pending, ())
    try:
        ledger = Ledger(genesis, store, engine_of(genesis))
        return FinalNode(
            name=name,
            running=running,
            honest=honest,
            blocks=blocks_of(ledger),
            state=ledger.head.header.state.hex(),
            pending=pending,
            supplies=tuple((c.code, ledger.supply(c.code)) for c in genesis.currencies),
        )
    except (StoreFailure, Refusal):
        return FinalNode(name, running, honest, (), "", pending, ())
    finally:
        store.close()


def blocks_of(ledger: Ledger) -> tuple[bytes, ...]:
    """The blocks of the head's chain, encoded, by height."""
    found = (ledger.block_at(height) for height in range(ledger.head.height + 1))
    return tuple(encode_block(block) for block in found if block is not None)


def rejected_by(directory: NetDirectory, names: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    """The blocks these nodes have refused."""
    return tuple((name, raw) for name in names for raw in read_refused(directory.node(name)))
