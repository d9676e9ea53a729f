"""What nodes took from clients and no chain has shown yet: it is asked for before all ends.

Event streams lag behind busy nodes and end with them, so what they have told by then is not all
that waits.
"""

from collections.abc import Iterable

from testnet.observation import BlockJoined, BlockLeft, Fact


class Taken:
    """Transactions by the node that took them, until a block has them."""

    def __init__(self) -> None:
        self._takers: dict[str, str] = {}
        self._open: dict[str, None] = {}
        self._blocks: dict[str, tuple[str, ...]] = {}

    def took(self, node: str, transactions: Iterable[str]) -> None:
        """A node has said that it took these."""
        for transaction in transactions:
            self._takers.setdefault(transaction, node)
            self._open[transaction] = None

    def see(self, fact: Fact) -> None:
        """The next fact: what a block has is settled until the block is given up."""
        match fact:
            case BlockJoined(block=block, transactions=transactions) if transactions:
                self._blocks[block] = transactions
                for transaction in transactions:
                    self._open.pop(transaction, None)
            case BlockLeft(block=block):
                given_up = self._blocks.get(block, ())
                self._open |= {t: None for t in given_up if t in self._takers}
            case _:
                pass

    def open(self, node: str) -> tuple[str, ...]:
        """What this node took and is in no block, as far as was told."""
        return tuple(t for t in self._open if self._takers[t] == node)
