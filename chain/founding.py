"""The first block: from a genesis to an open chain on a store."""

from functools import lru_cache
from itertools import islice

from chain import tables
from chain.block import NO_CERTIFICATES, Block, Header, encode_block, list_root
from chain.chainstate import Chainstate
from chain.consensus.engine import HeaderNode
from chain.consensus.finality.sets import enter
from chain.consensus.finality.standing import base
from chain.consensus.headertree import Entry, HeaderTree
from chain.genesis import Genesis, initial_state
from chain.primitives import cbor, merkle
from chain.primitives.errors import Invalid
from chain.primitives.hashing import ZERO_HASH, Hash
from chain.primitives.merkle import EMPTY_ROOT, CompactRange
from chain.state import paths
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.store import Batch, KeyValueStore, MemoryStore, drain

# State written at once when a chain is founded: a million accounts must fit in memory once.
FOUNDING_BATCH = 20_000

# Identities and balances of a genesis whose state is worked out once a process: a laboratory's fork
# server founds fifty chains of one genesis, and nobody does that with a country's registry.
REMEMBERED_MAX = 10_000
ROWS_MAX = 8 * REMEMBERED_MAX  # a state row and at most a few tree pages for each


def open_chain(genesis: Genesis, store: KeyValueStore) -> tuple[HeaderTree, Chainstate]:
    """The header tree and the state at the head; founds the chain in a new store.

    Raises Invalid when the store holds the chain of another genesis.
    """
    row = store.get(tables.GENESIS)
    if row is not None and row != genesis.hash:
        raise Invalid(
            "wrong-genesis",
            f"this store holds chain {row.hex()}, the genesis given is {genesis.hash.hex()}; "
            "use its genesis or another data directory",
        )
    if row is not None and store.get(tables.FORMAT) != tables.FORMAT_VERSION:
        raise Invalid(
            "store-format",
            "this store was written by another version of the software; move it away and let the "
            "node fetch the chain again",
        )
    head = store.get(tables.HEAD)
    if head is None:
        head = _found(genesis, store)
    tree = HeaderTree(store)
    return tree, Chainstate(store, tree.node(Hash(head)))


def _found(genesis: Genesis, store: KeyValueStore) -> Hash:
    """Write whose chain it is, then the state, the head last; returns the first block's id.

    What a crash leaves behind is founded again, by this genesis and no other.
    """
    claim = Batch()
    claim.put(tables.GENESIS, genesis.hash)
    claim.put(tables.FORMAT, tables.FORMAT_VERSION)
    store.write(claim)
    if len(genesis.identities) + len(genesis.balances) <= REMEMBERED_MAX:
        root, rows = _state_rows(genesis)
        store.write(rows)
    else:
        root = _write_state(genesis, store)
    header = Header(
        chain=genesis.hash,
        height=0,
        slot=0,
        parent=ZERO_HASH,
        state=root,
        transactions=list_root([]),
        receipts=list_root([]),
        history=EMPTY_ROOT,
        certificates=NO_CERTIFICATES,
        set_id=0,
        set_hash=genesis.authority_set.hash,
        next_set=b"",
        author=ZERO_HASH,
    )
    history = CompactRange().append(merkle.leaf_hash(header.raw))
    batch = Batch()
    founding = base(0, header.set_hash, header.id, header.slot)
    HeaderTree(store).add(Entry(HeaderNode(header, b"", 0, 0), history, "", founding), batch)
    batch.put(tables.SET + header.set_hash, genesis.authority_set.raw)
    enter(0, header.set_hash, batch)
    batch.put(tables.BLOCK + header.id, encode_block(Block(header, b"", (), ())))
    batch.put(tables.height_key(0), header.id)
    batch.put(tables.RECEIPTS + header.id, cbor.encode([]))
    batch.put(tables.HEAD, header.id)
    store.write(batch)
    return header.id


@lru_cache(maxsize=1)
def _state_rows(genesis: Genesis) -> tuple[Hash, Batch]:
    """The root and the rows of a small genesis' state; remembered for the next store."""
    memory = MemoryStore()
    root = _write_state(genesis, memory)
    rows = Batch()
    for key, value in memory.scan(b"", limit=ROWS_MAX):
        rows.put(key, value)
    return root, rows


def _write_state(genesis: Genesis, store: KeyValueStore) -> Hash:
    state = initial_state(genesis)
    assert paths.AUTHORITY_SET in state
    tree = StateTree(lambda key: store.get(tables.PAGE + key), EMPTY_STATE_ROOT)
    # Order decides nothing about the root; sorted, each batch touches few pages.
    items = iter(state.items())
    while part := dict(islice(items, FOUNDING_BATCH)):
        update = tree.update(part)
        batch = Batch()
        drain(batch, part.items(), tables.STATE)
        drain(batch, update.pages.items(), tables.PAGE)
        store.write(batch)
        tree.commit(update)
    return tree.root
