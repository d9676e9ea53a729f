"""Where transactions went: each that was taken, and each that an abandoned block had included."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import Accounted
from testnet.checkers.checker import Ending
from testnet.checkers.sight import Sight
from testnet.checkers.tree import Card
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Fact,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
    TransactionDropped,
    TransactionOffered,
    TransactionSeen,
)
from testnet.outcome import Verdict, Violation

NAMED_MAX = 3
"""Of many lost transactions the first few are named."""

SETTLED_S = 2.0
"""After a reorganisation a node says at once what waits again; its words may travel for a while."""


class LooseEnds:
    """What nodes' abandoned blocks had included, until the nodes say where it is now."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._loose: dict[str, dict[str, None]] = {}
        self._since_s: dict[str, float] = {}

    def see(self, seen: Seen) -> tuple[str, ...]:
        """The next fact; what its node has lost, if that is certain now."""
        match seen.fact:
            case BlockLeft(node, block):
                card = self._sight.tree.get(block)
                if card is not None and card.transactions and self._sight.judged(node):
                    self._loose.setdefault(node, {}).update(dict.fromkeys(card.transactions))
                    self._since_s.setdefault(node, seen.at_s)
            case BlockJoined(node=node, transactions=transactions) if node in self._loose:
                self._found(node, transactions)
            case TransactionSeen(node, transaction) | TransactionDropped(node, transaction):
                if node in self._loose:
                    self._found(node, (transaction,))
            case NodeStarted(node) | NodeStopped(node):
                self._forget(node)
            case Glimpse(node) if node in self._loose:
                if seen.at_s - self._since_s[node] > SETTLED_S:
                    return self._forget(node)
            case _:
                pass
        return ()

    def _found(self, node: str, transactions: Iterable[str]) -> None:
        loose = self._loose[node]
        for transaction in transactions:
            loose.pop(transaction, None)
        if not loose:
            self._forget(node)

    def _forget(self, node: str) -> tuple[str, ...]:
        self._since_s.pop(node, None)
        return tuple(self._loose.pop(node, {}))


class AccountedJudge:
    """See Accounted. What was taken is kept until something explains where it went."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (
        TransactionOffered,
        TransactionDropped,
        TransactionSeen,
        BlockJoined,
        BlockLeft,
        NodeStarted,
        NodeStopped,
        Glimpse,
    )

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._taken: dict[str, TransactionOffered] = {}
        self._loose = LooseEnds(sight)
        self._slot = 0

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        if not isinstance(seen.fact, TransactionSeen):
            self._keep(seen.fact)
        lost = self._loose.see(seen)
        if not lost:
            return ()
        node = getattr(seen.fact, "node", "")
        statement = (
            f"{len(lost)} transactions of blocks that {node} gave up are neither on its new chain "
            f"nor waiting again, and it did not say why: {_some(t[:8] for t in lost)}"
        )
        return [self._violation(seen.at_s, (node,), statement)]

    def _keep(self, fact: Fact) -> None:
        match fact:
            case TransactionOffered(node, transaction, code="") as offer:
                if self._sight.judged(node):
                    self._taken[transaction] = offer
            case TransactionDropped(node, transaction):
                if transaction in self._taken and self._taken[transaction].node == node:
                    del self._taken[transaction]
            case NodeStopped(node):
                self._taken = {t: o for t, o in self._taken.items() if o.node != node}
            case BlockJoined(slot=slot):
                self._slot = max(self._slot, slot)
            case _:
                pass

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        there = self._there(ending, audit)
        used = {_number(self._taken[txid]): txid for txid in there if txid in self._taken}
        lost = [
            offer
            for txid, offer in self._taken.items()
            if txid not in there
            and offer.expiry >= self._slot
            and _number(offer) not in used
            and self._sight.judged(offer.node)
        ]
        if not lost:
            return ()
        named = _some(f"{offer.transaction[:8]} (taken by {offer.node})" for offer in lost)
        statement = (
            f"{len(lost)} of {len(self._taken)} transactions are in no chain and no mempool at the "
            f"end, and nobody said why: {named}"
        )
        nodes = tuple(dict.fromkeys(offer.node for offer in lost))
        return [self._violation(ending.at_s, nodes, statement)]

    def _violation(self, at_s: float, nodes: tuple[str, ...], statement: str) -> Violation:
        height = self._sight.height
        return Violation(Accounted.NAME, Verdict.SAFETY, at_s, nodes, height, statement)

    def _there(self, ending: Ending, audit: Audit) -> dict[str, None]:
        """What waits or is on a chain, by the nodes' own word and by the facts."""
        found = {txid: None for node in ending.nodes if node.honest for txid in node.pending}
        for judgement in audit.judgements.values():
            found.update((txid.hex(), None) for txid in judgement.transactions)
        walked: dict[str, None] = {}
        for head in self._sight.heads().values():
            card: Card | None = head
            while card is not None and card.block not in walked:
                walked[card.block] = None
                found.update((txid, None) for txid in card.transactions)
                card = card.below
        return found


def _number(offer: TransactionOffered) -> tuple[str, int, int]:
    return offer.sender, offer.lane, offer.sequence


def _some(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    listed = tuple(names)
    more = f" and {len(listed) - NAMED_MAX} more" if len(listed) > NAMED_MAX else ""
    return ", ".join(listed[:NAMED_MAX]) + more
