"""What the dashboard draws: the recent blocks of all branches, and where the nodes' chains part."""

from collections.abc import Iterable
from dataclasses import dataclass

HEIGHTS_KEPT = 40
"""Blocks further below the highest head are dropped; a screen is about that wide."""


@dataclass(frozen=True, slots=True)
class BlockCard:
    """A block as drawn; ids in hex, the author by name, `transactions` counted."""

    id: str
    parent: str
    height: int
    slot: int
    author: str
    transactions: int


class Board:
    """A bounded window of the block tree, filled from several nodes."""

    def __init__(self) -> None:
        self._blocks: dict[str, BlockCard] = {}

    def learn(self, cards: Iterable[BlockCard]) -> None:
        """Takes blocks in, forgets those that are far below the highest."""
        for card in cards:
            self._blocks[card.id] = card
        lowest = max((c.height for c in self._blocks.values()), default=0) - HEIGHTS_KEPT
        self._blocks = {i: card for i, card in self._blocks.items() if card.height > lowest}

    def __contains__(self, identity: str) -> bool:
        return identity in self._blocks

    def blocks(self) -> list[BlockCard]:
        """All blocks, lowest first, ties by id."""
        return sorted(self._blocks.values(), key=lambda card: (card.height, card.id))

    def chain(self, head: str) -> list[BlockCard]:
        """The known ancestors of a head, lowest first, the head included."""
        found: list[BlockCard] = []
        card = self._blocks.get(head)
        while card is not None:
            found.append(card)
            card = self._blocks.get(card.parent)
        return found[::-1]

    def common_height(self, heads: Iterable[str]) -> int | None:
        """The height of the highest block below all heads; None when it is out of the window."""
        chains = [self.chain(head) for head in dict.fromkeys(heads)]
        shared: list[BlockCard] = chains[0] if chains else []
        for chain in chains[1:]:
            here = {card.id for card in chain}
            shared = [card for card in shared if card.id in here]
        return shared[-1].height if shared else None

    def best(self, heads: Iterable[str]) -> str:
        """The head that the others will have to follow: the highest, then the lowest id."""
        cards = [self._blocks[head] for head in heads if head in self._blocks]
        return min(cards, key=lambda card: (-card.height, card.id)).id if cards else ""
