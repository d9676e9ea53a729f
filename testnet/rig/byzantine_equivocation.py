"""Equivocate: two valid blocks for one slot, each shown to one half of the peers."""

from chain.block import BLOCK_OVERHEAD_BYTES, Block, Header
from chain.ledger import Draft
from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction, decode_transaction
from p2p.peers.peer import PeerId
from testnet.rig.behaviour import Host, Item
from testnet.rig.byzantine_blocks import Producer, Shown
from testnet.rig.strays import newcomer


class Equivocating(Producer):
    """Gives every second peer a twin of each block the node makes.

    The twin holds one transaction more, or where there is no room one less; so both are valid.
    """

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._halves: dict[Hash, tuple[PeerId, ...]] = {}

    def made(self, header: Header, announcement: Shown) -> None:
        """See Producer."""
        draft = self._twin(header)
        if draft is None or self.anvil is None:
            return
        first = self.host.rng.randrange(2)
        half = tuple(self.audience()[first::2])
        self._halves = {header.id: half}

        def seal(twin: Block) -> None:
            self.show_to(half, twin)

        raws = tuple(tx.raw for tx in draft.transactions)
        self.anvil.put(draft.header, draft.target, raws, seal, self.host.now())

    def shown(self, peer: PeerId, header: Header, announcement: Shown) -> list[Item]:
        """See Producer: one half hears of the twin alone."""
        return [] if peer in self._halves.get(header.id, ()) else [announcement]

    def _twin(self, header: Header) -> Draft | None:
        """A second block for the same slot on the same parent."""
        ledger = self.host.ledger
        block = ledger.block(header.id)
        if block is None or not self.scratch.follow(header.height - 1):
            return None
        if self.scratch.head.id != header.parent:
            return None
        first = [decode_transaction(raw, ledger.chain) for raw in block.transactions]
        return self.scratch.draft(header.slot, self.author, self._other(first, header.slot))

    def _other(self, transactions: list[Transaction], slot: int) -> list[Transaction]:
        limits = self.host.ledger.parameters
        one_more = newcomer(self.host.rng, self.host.ledger.chain, slot + limits.expiry_slots_max)
        size = sum(len(tx.raw) for tx in (*transactions, one_more)) + BLOCK_OVERHEAD_BYTES
        room = size <= limits.block_bytes_max
        if room and len(transactions) < limits.block_transactions_max:
            return [*transactions, one_more]
        return transactions[:-1]
