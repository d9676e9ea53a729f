"""Ledgers of a small network, and hands to grow their chains with."""

from dataclasses import replace

from chain.block import Block, Header
from chain.consensus.engine import Author
from chain.consensus.selection import engine_of
from chain.genesis import Balance, Genesis, GenesisIdentity
from chain.ledger import Ledger
from chain.parameters import Consensus, Currency, Parameters
from chain.store import KeyValueStore, MemoryStore
from chain.transactions.envelope import Transaction, decode_transaction, sign_transaction
from chain.transactions.payment import Transfer
from tests.parties import party

SUPPLY = 3_000_000
EXPIRY = 5_000
MINING = range(1 << 20)


AUTHORITIES = tuple(sorted((party(f"authority{i}") for i in range(3)), key=lambda p: p.did))


def genesis(
    consensus: Consensus = Consensus.AUTHORITY, parameters: Parameters | None = None
) -> Genesis:
    """Three authorities, each holding a third of the supply."""
    return Genesis(
        network="test",
        genesis_time_ms=0,
        slot_ms=1000,
        consensus=consensus,
        identities=tuple(
            GenesisIdentity(f"authority{i}", p.document, ("authority",))
            for i, p in enumerate(AUTHORITIES)
        ),
        currencies=(Currency("CNY", 2, "Renminbi"),),
        balances=tuple(Balance("CNY", p.did, SUPPLY // 3) for p in AUTHORITIES),
        parameters=parameters or Parameters(work_target_bits=4, work_retarget_blocks=4),
        test=True,
    )


GENESIS = genesis()


def ledger(store: KeyValueStore | None = None, founding: Genesis = GENESIS) -> Ledger:
    """A ledger on a store, new or reopened."""
    return Ledger(founding, store or MemoryStore(), engine_of(founding))


def leader(slot: int) -> Author:
    """Whose slot it is."""
    return AUTHORITIES[slot % len(AUTHORITIES)].author


def transfer(
    sequence: int, amount: int = 1, *, payer: int = 0, payee: int = 1, founding: Genesis = GENESIS
) -> Transaction:
    """A transfer between two of the authorities."""
    body = Transfer("CNY", AUTHORITIES[payee].did, amount)
    sender = AUTHORITIES[payer]
    return sign_transaction(sender.tx, founding.hash, sender.did, 0, sequence, EXPIRY, body)


def decoded(of: Ledger, block: Block) -> list[Transaction]:
    """The transactions of a block, as a caller of `import_block` has them."""
    return [decode_transaction(raw, of.chain) for raw in block.transactions]


def make(on: Ledger, slot: int, *transactions: Transaction) -> Block:
    """A sealed block on the ledger's head, with these transactions; not imported."""
    for transaction in transactions:
        on.submit(transaction, slot)
    author = leader(slot)
    draft = on.propose(slot, author)
    block = on.seal(draft, author, MINING)
    assert block is not None
    return block


def grow(on: Ledger, slot: int, *transactions: Transaction) -> Block:
    """Make a block and import it."""
    block = make(on, slot, *transactions)
    on.import_block(block, decoded(on, block), slot)
    return block


def resealed(block: Block, by: Author | None = None, **fields: object) -> Block:
    """The block with other header fields, sealed again by its author (or another)."""
    header: Header = replace(block.header, **fields)  # type: ignore[arg-type]
    author = by or next(p.author for p in AUTHORITIES if p.did == header.author)
    seal = engine_of(GENESIS).seal(header, author, 0, range(1))
    assert seal is not None
    return Block(header, seal, block.certificates, block.transactions)
