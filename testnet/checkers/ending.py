"""The end of a run: nothing is lost, everything adds up, every fault has left its mark."""

from collections.abc import Sequence
from typing import ClassVar

from testnet.checkers.audit import Audit
from testnet.checkers.catalogue import Accounted, FaultsVisible, Replay, Supply
from testnet.checkers.checker import Ending, Ground
from testnet.checkers.reference import WRONG_STATE
from testnet.checkers.sight import Sight
from testnet.checkers.tree import Card
from testnet.observation import (
    BlockJoined,
    Fact,
    FaultBegan,
    FaultEnded,
    NodeStopped,
    Seen,
    TransactionDropped,
    TransactionOffered,
)
from testnet.outcome import Verdict, Violation

NAMED_MAX = 3
"""Of many lost transactions the first few are named."""


class SupplyJudge:
    """See Supply."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = ()

    def __init__(self, ground: Ground) -> None:
        founded = {currency.code: 0 for currency in ground.genesis.currencies}
        for held in ground.genesis.balances:
            founded[held.code] += held.amount
        self._founded = founded

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found: list[Violation] = []
        for node in audit.chains:
            height = len(node.blocks) - 1
            where = f"{node.name}'s own records at height {height}"
            for code, amount in node.supplies:
                if amount != self._founded.get(code):
                    found.append(self._wrong(ending, (node.name,), height, where, code, amount))
        for judgement in audit.judgements.values():
            where = f"after block {judgement.block.hex()[:8]} at height {judgement.height} balances"
            for code, amount in judgement.sums:
                if amount != self._founded[code]:
                    found.append(self._wrong(ending, (), judgement.height, where, code, amount))
        return found

    def _wrong(
        self,
        ending: Ending,
        nodes: tuple[str, ...],
        height: int,
        where: str,
        code: str,
        amount: int,
    ) -> Violation:
        return Violation(
            check=Supply.NAME,
            verdict=Verdict.SAFETY,
            at_s=ending.at_s,
            nodes=nodes,
            height=height,
            statement=(
                f"{where} have {amount} minor units of {code}, founded were "
                f"{self._founded.get(code, 0)}"
            ),
        )


class ReplayJudge:
    """See Replay."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = ()

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        found = [
            _wrong_state(
                ending,
                nodes,
                judgement.height,
                f"block {judgement.block.hex()[:8]} at height {judgement.height}, on the chain of "
                f"{', '.join(nodes)}, claims state {judgement.reason}",
            )
            for judgement, nodes in audit.bad
            if judgement.code == WRONG_STATE
        ]
        for node in audit.chains:
            claimed = audit.header(node.blocks[-1]).state.hex()
            if node.state and node.state != claimed:
                statement = f"{node.name} is in state {node.state}, its head's is {claimed}"
                found.append(_wrong_state(ending, (node.name,), len(node.blocks) - 1, statement))
        return found


def _wrong_state(ending: Ending, nodes: tuple[str, ...], height: int, statement: str) -> Violation:
    return Violation(Replay.NAME, Verdict.SAFETY, ending.at_s, nodes, height, statement)


class AccountedJudge:
    """See Accounted. What was taken is kept until something explains where it went."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (
        TransactionOffered,
        TransactionDropped,
        BlockJoined,
        NodeStopped,
    )

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._taken: dict[str, TransactionOffered] = {}
        self._slot = 0

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
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
        return ()

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
        named = ", ".join(
            f"{offer.transaction[:8]} (taken by {offer.node})" for offer in lost[:NAMED_MAX]
        )
        statement = (
            f"{len(lost)} of {len(self._taken)} transactions are in no chain and no mempool at the "
            f"end, and nobody said why: {named}"
        )
        nodes = tuple(dict.fromkeys(offer.node for offer in lost))
        return [
            Violation(
                Accounted.NAME, Verdict.SAFETY, ending.at_s, nodes, self._sight.height, statement
            )
        ]

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


class FaultsJudge:
    """See FaultsVisible."""

    HEARS: ClassVar[tuple[type[Fact], ...]] = (FaultBegan, FaultEnded)

    def __init__(self) -> None:
        self._began: dict[str, FaultBegan] = {}

    def see(self, seen: Seen) -> Sequence[Violation]:
        """See Judge."""
        match seen.fact:
            case FaultBegan(fault) as began:
                self._began[fault] = began
                return ()
            case FaultEnded(fault, hits, clean):
                nodes = self._began[fault].on if fault in self._began else ()
                if not hits:
                    return [_fault(seen.at_s, nodes, f"the fault {fault!r} has hit nothing")]
                if not clean:
                    return [_fault(seen.at_s, nodes, f"something of the fault {fault!r} is left")]
                return ()
            case _:
                return ()

    def finish(self, ending: Ending, audit: Audit) -> Sequence[Violation]:
        """See Judge."""
        return ()


def _fault(at_s: float, nodes: tuple[str, ...], statement: str) -> Violation:
    return Violation(FaultsVisible.NAME, Verdict.LIVENESS, at_s, nodes, 0, statement)
