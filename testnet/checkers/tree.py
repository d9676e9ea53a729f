"""The blocks of all branches as facts tell them, and who stands above whom in few steps.

Each block keeps, beside its parent, one ancestor further down (a skew-binary jump pointer, Myers
1983), so that the ancestor at any height is found in O(log n) however long the chains are.
"""

from dataclasses import dataclass, field

from testnet.observation import BlockJoined


@dataclass(slots=True, eq=False)
class Card:
    """A block. `below` is None while its parent was never seen; `transactions` may be told later.

    A node that starts repeats its head without its transactions.
    """

    block: str
    height: int
    slot: int
    author: str
    transactions: tuple[str, ...]
    node: str  # who was first seen with it
    below: "Card | None"
    jump: "Card" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.jump = self
        self.stand_on(self.below)

    def stand_on(self, below: "Card | None") -> None:
        """Take a parent."""
        self.below = below
        if below is not None:
            far = below.jump
            even = below.height - far.height == far.height - far.jump.height
            self.jump = far.jump if even else below

    @property
    def label(self) -> str:
        """The block for people: the beginning of its id, and its height."""
        return f"{self.block[:8]} at height {self.height}"


class BlockTree:
    """All blocks seen, in O(1) space each."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}

    def get(self, block: str) -> Card | None:
        """The card of a block."""
        return self._cards.get(block)

    def take(self, fact: BlockJoined) -> tuple[Card, bool]:
        """The card of the fact's block, and whether anything about it is new."""
        card = self._cards.get(fact.block)
        below = self._cards.get(fact.parent)
        height = fact.height if card is None else card.height
        if below is not None and below.height != height - 1:
            below = None  # no chain: it could be a circle, and be walked for ever
        if card is None:
            card = self._cards[fact.block] = Card(
                fact.block,
                fact.height,
                fact.slot,
                fact.author,
                fact.transactions,
                fact.node,
                below,
            )
            return card, True
        if card.below is None and below is not None:
            card.stand_on(below)
        if fact.transactions and not card.transactions:
            card.transactions = fact.transactions
            return card, True
        return card, False


def ancestor(card: Card, height: int) -> Card | None:
    """The block of the card's chain at a height; None above the card or below what was seen."""
    found: Card | None = card
    while found is not None and found.height > height:
        jump = found.jump
        found = jump if jump is not found and jump.height >= height else found.below
    return found if found is not None and found.height == height else None


def stands_on(card: Card, other: Card) -> bool:
    """Whether `other` is the card or one of its ancestors."""
    return ancestor(card, other.height) is other


def fork(one: Card, other: Card) -> Card | None:
    """The highest block that both chains have; None when that is below what was seen."""
    low, high = 0, min(one.height, other.height)
    while low < high:
        middle = (low + high + 1) // 2
        if ancestor(one, middle) is ancestor(other, middle):
            low = middle
        else:
            high = middle - 1
    found = ancestor(one, low)
    return found if found is ancestor(other, low) else None


def parted(one: Card, other: Card, depth: int) -> bool:
    """Whether two chains differ deeper than so many blocks below the lower of their heads."""
    height = min(one.height, other.height) - depth
    if height <= 0:
        return False
    left, right = ancestor(one, height), ancestor(other, height)
    return left is not None and right is not None and left is not right
