"""Safety: what must never be seen of honest nodes, each said as soon as it is certain."""

from collections.abc import Sequence
from typing import ClassVar

from chain.parameters import Consensus
from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import CommonPrefix, NoDoubleSigning, NoTrouble, Once
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.sight import Sight
from testnet.checkers.tree import Card, fork, parted, stands_on
from testnet.observation import BlockJoined, Fact, Seen, TransactionOffered, Trouble
from testnet.outcome import Verdict, Violation

DEPTH_BLOCKS = 12
"""Ties and slow links part chains for a block or two; twelve have never been chance."""


class Watchful:
    """A judge that has said everything by the end."""

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        return ()


class PrefixJudge(Watchful):
    """See CommonPrefix. A pair of heads is looked at when one of them is new."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (BlockJoined,)

    def __init__(self, kind: CommonPrefix, sight: Sight) -> None:
        self._depth = kind.depth_blocks
        self._sight = sight
        self._said: dict[tuple[str, str], None] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        assert isinstance(seen.fact, BlockJoined)
        node = seen.fact.node
        beliefs = self._sight.beliefs
        head = beliefs[node].head if node in beliefs else None
        if head is None or not beliefs[node].honest:
            return ()
        depth = self._depth or DEPTH_BLOCKS + self._sight.disturbed_blocks(seen.at_s)
        looked_at: dict[str, None] = {}
        for other, belief in beliefs.items():
            theirs = belief.head
            if theirs is None or theirs is head or theirs is head.below or not belief.honest:
                continue
            if theirs.block in looked_at:
                continue
            looked_at[theirs.block] = None
            if parted(head, theirs, depth):
                return self._said_once(seen, (node, head), (other, theirs), depth)
        return ()

    def _said_once(
        self, seen: Seen, one: tuple[str, Card], other: tuple[str, Card], depth: int
    ) -> Sequence[Violation]:
        (node, head), (rival, theirs) = one, other
        pair = (min(node, rival), max(node, rival))
        if pair in self._said:
            return ()
        self._said[pair] = None
        last = fork(head, theirs)
        shared = "nothing that was seen" if last is None else f"{last.label}"
        statement = (
            f"{node} is on {head.label}, {rival} on {theirs.label}: what they share ends with "
            f"{shared}, more than {depth} blocks below"
        )
        return [
            Violation(CommonPrefix.NAME, Verdict.SAFETY, seen.at_s, pair, head.height, statement)
        ]


class OnceJudge(Watchful):
    """See Once. Each block is compared with its ancestors when it is first seen."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (BlockJoined, TransactionOffered)

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._numbers: dict[str, tuple[str, int, int]] = {}
        self._blocks: dict[str, tuple[Card, ...]] = {}
        self._users: dict[tuple[str, int, int], tuple[str, ...]] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case TransactionOffered(_, transaction, sender, lane, sequence):
                if transaction not in self._numbers:
                    number = sender, lane, sequence
                    self._numbers[transaction] = number
                    self._users[number] = (*self._users.get(number, ()), transaction)
                return ()
            case _:
                card = self._sight.fresh
                return () if card is None else self._check(seen, card)

    def _check(self, seen: Seen, card: Card) -> Sequence[Violation]:
        here: dict[str, None] = {}
        for transaction in card.transactions:
            for user in self._users_of(transaction):
                if user in here:
                    return [self._twice(seen, card, transaction, card, user)]
                for earlier in self._blocks.get(user, ()):
                    if earlier is not card and stands_on(card, earlier):
                        return [self._twice(seen, card, transaction, earlier, user)]
            here[transaction] = None
        for transaction in here:
            self._blocks[transaction] = (*self._blocks.get(transaction, ()), card)
        return ()

    def _users_of(self, transaction: str) -> tuple[str, ...]:
        """The transactions with the same number, this one included."""
        number = self._numbers.get(transaction)
        return (transaction,) if number is None else self._users[number]

    def _twice(
        self, seen: Seen, card: Card, transaction: str, earlier: Card, user: str
    ) -> Violation:
        sender, lane, sequence = self._numbers.get(transaction, ("an unknown sender", 0, 0))
        statement = (
            f"block {card.label} has transaction {transaction[:8]}, and "
            f"{earlier.label}, on the same chain, has {user[:8]}: both are number {sequence} "
            f"of lane {lane} of {sender[:16]}"
        )
        nodes = (card.node,) if card.node == earlier.node else (card.node, earlier.node)
        return Violation(Once.NAME, Verdict.SAFETY, seen.at_s, nodes, card.height, statement)


class SigningJudge(Watchful):
    """See NoDoubleSigning. An author is judged while its node is."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (BlockJoined,)

    def __init__(self, ground: Ground, sight: Sight) -> None:
        self._sight = sight
        self._nodes = {author: node for node, author in ground.authors}
        self._exclusive = ground.genesis.consensus is Consensus.AUTHORITY
        self._sealed: dict[tuple[str, int], Card] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        card = self._sight.fresh
        if card is None or not self._exclusive or not card.height:
            return ()
        first = self._sealed.setdefault((card.author, card.slot), card)
        node = self._nodes.get(card.author, "")
        if first is card or not self._sight.judged(node):
            return ()
        statement = (
            f"{node} sealed two blocks for slot {card.slot}: {first.label}, which {first.node} "
            f"has, and {card.label}, which {card.node} has"
        )
        return [
            Violation(
                NoDoubleSigning.NAME, Verdict.SAFETY, seen.at_s, (node,), card.height, statement
            )
        ]


class TroubleJudge(Watchful):
    """See NoTrouble."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (Trouble,)

    def __init__(self, sight: Sight) -> None:
        self._sight = sight

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        assert isinstance(seen.fact, Trouble)
        trouble = seen.fact
        if not self._sight.judged(trouble.node):
            return ()
        statement = f"{trouble.node} runs on after {trouble.what}: {trouble.detail}"
        return [
            Violation(
                check=NoTrouble.NAME,
                verdict=Verdict.SAFETY,
                at_s=seen.at_s,
                nodes=(trouble.node,),
                height=self._sight.height,
                statement=statement,
            )
        ]
