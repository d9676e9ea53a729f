"""A ledger that shows the blocks it refuses and the votes it takes, for checkers to judge them."""

from collections.abc import Callable, Sequence

from chain.block import Block
from chain.consensus.finality.vote import SignedVote
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger, LedgerEvent, SealedHeader
from chain.primitives.errors import Invalid
from chain.store import KeyValueStore
from chain.transactions.envelope import Transaction

REFUSED_MAX = 1_000
"""Blocks a ledger shows; a flood of invalid ones must fill neither memory nor disk."""


class WatchedLedger(Ledger):
    """Tells `refused` of each block it refuses as invalid, up to REFUSED_MAX, `voted` of votes."""

    def __init__(
        self,
        genesis: Genesis,
        store: KeyValueStore,
        refused: Callable[[Block], None],
        voted: Callable[[Ledger, SignedVote], None] | None = None,
    ) -> None:
        super().__init__(genesis, store, engine_of(genesis))
        self._refused = refused
        self._voted = voted
        self._shown = 0

    def add_vote(
        self, signed: SignedVote, slot: int, *, checked: bool = False
    ) -> list[LedgerEvent]:
        """See Ledger."""
        events = super().add_vote(signed, slot, checked=checked)
        if self._voted is not None:
            self._voted(self, signed)
        return events

    def import_block(
        self,
        block: Block,
        transactions: Sequence[Transaction],
        slot: int,
        above: Sequence[SealedHeader] = (),
    ) -> list[LedgerEvent]:
        """See Ledger."""
        try:
            return super().import_block(block, transactions, slot, above)
        except Invalid:
            if self._shown < REFUSED_MAX:
                self._shown += 1
                self._refused(block)
            raise
