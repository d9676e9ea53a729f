"""Transactions in validation, and the local submissions that wait for their verdicts."""

from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Answer, Effect, SubmitResult


class Ticket:
    """A local client's submission: verdicts as they come in."""

    __slots__ = ("missing", "number", "results")

    def __init__(self, number: int, count: int) -> None:
        self.number = number
        self.results: list[SubmitResult | None] = [None] * count
        self.missing = count

    def settle(self, index: int, result: SubmitResult) -> list[Effect]:
        """Note one verdict; the answer follows when none is missing."""
        self.results[index] = result
        self.missing -= 1
        if self.missing:
            return []
        return [Answer(self.number, tuple(r for r in self.results if r is not None))]


class Candidate:
    """A transaction in validation: where it came from, and which submissions wait for it."""

    __slots__ = ("digest", "peer", "transaction", "waiting")

    def __init__(self, transaction: Transaction, digest: Hash, peer: PeerId | None) -> None:
        self.transaction = transaction
        self.digest = digest
        self.peer = peer
        self.waiting: list[tuple[Ticket, int]] = []

    def settle(self, result: SubmitResult) -> list[Effect]:
        """Tell every submission that waits for this transaction."""
        effects: list[Effect] = []
        for ticket, index in self.waiting:
            effects += ticket.settle(index, result)
        return effects
