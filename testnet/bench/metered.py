"""A node and a ledger that count what passes them and note when it came."""

import math
import time
from array import array
from collections.abc import Iterable, Sequence

import trio

from chain.block import Block
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger, LedgerEvent, SealedHeader
from chain.primitives.hashing import Hash
from chain.store import MemoryStore
from chain.transactions.envelope import Transaction
from p2p.node import Node, NodeParts
from p2p.peers.peer import PeerId
from p2p.wire.messages import AnnounceShort, AnnounceTransactions, Message, Transactions


class Arrived:
    """When each message of a phase was first accepted; `everything` is set when none is missing."""

    def __init__(self, numbers: dict[Hash, int]) -> None:
        self._numbers = numbers
        self._missing = len(numbers)
        self.times = array("d", [math.nan]) * len(numbers)
        self.everything = trio.Event()

    def note(self, txid: Hash) -> None:
        """A transaction has just been accepted, or came in a block."""
        number = self._numbers.get(txid)
        if number is not None and math.isnan(self.times[number]):
            self.times[number] = time.monotonic()
            self._missing -= 1
            if not self._missing:
                self.everything.set()


class MeteredLedger(Ledger):
    """A ledger in memory that notes what it takes."""

    def __init__(self, genesis: Genesis) -> None:
        super().__init__(genesis, MemoryStore(), engine_of(genesis))
        self.arrived = Arrived({})

    def submit(self, tx: Transaction, slot: int) -> list[LedgerEvent]:
        """See Ledger."""
        events = super().submit(tx, slot)
        self.arrived.note(tx.id)
        return events

    def import_block(
        self,
        block: Block,
        transactions: Sequence[Transaction],
        slot: int,
        above: Sequence[SealedHeader] = (),
    ) -> list[LedgerEvent]:
        """See Ledger."""
        events = super().import_block(block, transactions, slot, above)
        for tx in transactions:
            self.arrived.note(tx.id)
        return events


class MeteredNode(Node):
    """A node that counts what its peers send it."""

    def __init__(self, parts: NodeParts) -> None:
        super().__init__(parts)
        self.frames = 0
        self.bodies = 0
        self.announced = 0

    def received(self, peer: PeerId, messages: Iterable[Message]) -> None:
        """See Node."""
        messages = list(messages)
        self.frames += 1
        for message in messages:
            match message:
                case Transactions():
                    self.bodies += len(message.raws)
                case AnnounceTransactions() | AnnounceShort():
                    self.announced += len(message.ids)
                case _:
                    pass
        super().received(peer, messages)
