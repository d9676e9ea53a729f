"""What the hosts of one run share, because it would come out the same in each of them.

- A signature is good or not, whoever checks it; so are a seal and a peer's record.
- The same block on the same parent executes to the same result: the block's id commits to its
  parent, so to the state before, and to its transactions. Execution is therefore done once, by
  the first host that imports the block, and its result given to the others. *Why it is sound:*
  every host still judges header and body by itself before the result is used, compares the roots,
  and writes the result to its own store. It is this tier's one shortcut within the ledger.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from chain import tables
from chain.block import Block, Header
from chain.chainstate import Executed
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.engine import Ancestry, Author, Engine, HeaderNode
from chain.consensus.finality.standing import Standing
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger, LedgerEvent, SealedHeader
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.primitives.keys import SignatureCheck, verify_all
from chain.store import KeyValueStore, MemoryStore
from chain.transactions.envelope import Transaction
from p2p.peers.contact import Contact
from p2p.peers.peer import PeerId
from p2p.wire.records import parse_record
from testnet.engines.versions import Version

SIGNATURES_MAX = 200_000
"""About 60 MB; emptied when full, which costs time and changes nothing."""

EXECUTED_MAX = 256
"""Blocks: more than the hosts of one run are ever apart, and a few kilobytes each."""

RECORDS_MAX = 100_000
SEALS_MAX = 100_000
ROWS_MAX = 10_000_000


class SharedEngine:
    """A consensus engine that remembers good seals. Implements chain.consensus.engine.Engine."""

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.exclusive = engine.exclusive
        self._engine = engine
        self._good: dict[tuple[Hash, bytes, int, Hash], None] = {}

    def proposes(
        self, author: bytes, slot: int, parent: HeaderNode, authorities: AuthoritySet
    ) -> bool:
        """See Engine."""
        return self._engine.proposes(author, slot, parent, authorities)

    def target(self, parent: HeaderNode, ancestry: Ancestry) -> int:
        """See Engine."""
        return self._engine.target(parent, ancestry)

    def weight(self, target: int) -> int:
        """See Engine."""
        return self._engine.weight(target)

    def check(self, header: Header, seal: bytes, target: int, authorities: AuthoritySet) -> None:
        """See Engine; the header's id commits to the set it names."""
        known = (header.id, seal, target, authorities.hash)
        if known in self._good:
            return
        self._engine.check(header, seal, target, authorities)
        if len(self._good) >= SEALS_MAX:
            self._good.clear()
        self._good[known] = None

    def seal(self, header: Header, author: Author, target: int, attempts: range) -> bytes | None:
        """See Engine."""
        return self._engine.seal(header, author, target, attempts)


@dataclass(slots=True)
class Shared:
    """The common knowledge of one run."""

    genesis: Genesis
    engine: SharedEngine
    founded: Version
    signatures: dict[SignatureCheck, bool]
    contacts: dict[bytes, Contact]
    executed: OrderedDict[Hash, Executed]

    @property
    def founding_id(self) -> Hash:
        """The id of the founding block."""
        row = self.founded.get(tables.HEAD)
        assert row is not None, "the chain has been founded"
        return Hash(row)

    def verdicts(self, checks: Sequence[SignatureCheck]) -> list[bool]:
        """Whether each signature is good."""
        known = self.signatures
        fresh = [check for check in checks if check not in known]
        if fresh:
            if len(known) + len(fresh) > SIGNATURES_MAX:
                known.clear()
                fresh = list(checks)
            known.update(zip(fresh, verify_all(fresh), strict=True))
        return [known[check] for check in checks]

    def contact(self, raw: bytes) -> Contact:
        """What a signed record says. Raises Refusal."""
        found = self.contacts.get(raw)
        if found is None:
            record = parse_record(raw, self.genesis.hash)
            if len(self.contacts) >= RECORDS_MAX:
                self.contacts.clear()
            found = self.contacts[raw] = Contact(
                PeerId(record.peer), record.addresses, record.sequence, raw
            )
        return found

    def ledger(self, store: KeyValueStore) -> "SharedLedger":
        """The ledger of one host, on its own store."""
        return SharedLedger(self, store)


def shared(genesis: Genesis) -> Shared:
    """Common knowledge for a network; its chain is founded once."""
    memory = MemoryStore()
    Ledger(genesis, memory, engine_of(genesis))
    rows = dict(memory.scan(b"", limit=ROWS_MAX))
    engine = SharedEngine(engine_of(genesis))
    return Shared(genesis, engine, Version(dict(rows)), {}, {}, OrderedDict())


class SharedLedger(Ledger):
    """A ledger that takes the result of a block's execution from whoever had it first."""

    def __init__(self, common: Shared, store: KeyValueStore) -> None:
        super().__init__(common.genesis, store, common.engine)
        self._common = common
        self._results: list[Executed] = []

    def import_block(
        self,
        block: Block,
        transactions: Sequence[Transaction],
        slot: int,
        above: Sequence[SealedHeader] = (),
    ) -> list[LedgerEvent]:
        """See Ledger."""
        self._results.clear()
        events = super().import_block(block, transactions, slot, above)
        if self._results and self.head.id == block.header.id:
            self._remember(block.header.id, self._results[-1])
        return events

    def _executed(
        self, block: Block, transactions: Sequence[Transaction], standing: Standing
    ) -> Executed | None:
        """See Ledger: by whoever had it first, or here when it is a child of the head."""
        known = super()._executed(block, transactions, standing)
        known = known or self._common.executed.get(block.header.id)
        if known is None and block.header.parent == self.head.id:
            context = self.context(block.header.slot)
            authorities = self.finality.sets.get(standing.set_hash)
            try:
                known = self._chainstate.execute(transactions, context, authorities)
            except Invalid:
                return None
        if known is not None:
            self._results.append(known)
        return known

    def _remember(self, block_id: Hash, executed: Executed) -> None:
        known = self._common.executed
        known[block_id] = executed
        if len(known) > EXECUTED_MAX:
            known.popitem(last=False)
