"""From a block's bytes to the ledger: decode, check what was not checked before, import in order.

Signatures of the next bodies are checked on worker threads while earlier blocks are imported, and
transactions the mempool has verified are not checked again. A step imports about STEP_TRANSACTIONS
and returns, so that the node keeps serving while it catches up.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from chain.block import Block, Header
from chain.ledger import Ledger, LedgerEvent
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import Transaction, decode_transaction
from chain.validation import check_transactions_root
from p2p.peers.peer import PeerId
from p2p.protocol.effects import CheckSignatures, Effect
from p2p.protocol.instant import Now
from p2p.protocol.wanted import Wanted

STEP_TRANSACTIONS = 200  # about 15 ms of import, then the loop turns
STEP_BLOCKS = 16  # empty blocks cost about 1 ms each


@dataclass(frozen=True, slots=True)
class Imported:
    """A block is in the ledger (on the best chain or beside it), and what that changed."""

    block: Block
    source: PeerId | None
    events: tuple[LedgerEvent, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A body broke a rule; `source` sent it, and if `passed_on`, could not have known.

    A body that was passed on is what its header commits to, so the block itself is bad.
    """

    header: Header
    source: PeerId
    refusal: Refusal
    passed_on: bool

    @property
    def block_id(self) -> Hash:
        """The block's id."""
        return self.header.id


Outcome = Imported | Refused


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded block on its way in."""

    block: Block
    transactions: tuple[Transaction, ...]
    source: PeerId
    passed_on: bool  # in compact form, by a peer that need not have validated it


class Intake:
    """Holds bodies between arrival and import. The caller bounds how many it offers."""

    def __init__(self, ledger: Ledger, wanted: Wanted, jobs: Iterator[int]) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._jobs = jobs
        self._checking: dict[int, Body] = {}
        self._waiting: dict[Hash, list[Body]] = {}
        self._next: deque[Body] = deque()
        self._held: dict[Hash, Block] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, block_id: Hash) -> bool:
        return block_id in self._held

    @property
    def ready(self) -> bool:
        """Whether a step would import something."""
        return bool(self._next)

    def block(self, block_id: Hash) -> Block | None:
        """A block that is on its way in."""
        return self._held.get(block_id)

    def offer(self, block: Block, source: PeerId, *, passed_on: bool) -> list[Effect]:
        """Take a body in. Raises Refusal when it is not the header's or does not decode.

        One that was passed on has been held against its header when it was put together.
        """
        if not passed_on:
            check_transactions_root(block)
        transactions: list[Transaction] = []
        unchecked = []
        for raw in block.transactions:
            pooled = self._ledger.mempool.by_raw_hash(sha256(raw))
            transaction = pooled or decode_transaction(raw, self._ledger.chain)
            transactions.append(transaction)
            if pooled is None and not self._ledger.signature_known(raw):
                unchecked.append(transaction.check)
        body = Body(block, tuple(transactions), source, passed_on)
        self._held[block.header.id] = block
        if not unchecked:
            self._verified(body)
            return []
        job = next(self._jobs)
        self._checking[job] = body
        return [CheckSignatures(job, tuple(unchecked))]

    def signatures_checked(self, job: int, verdicts: list[bool]) -> list[Outcome]:
        """All verdicts on one body: it may be imported, or it is refused."""
        body = self._checking.pop(job)
        if all(verdicts):
            self._verified(body)
            return []
        self._held.pop(body.block.header.id, None)
        wrong = len(verdicts) - sum(verdicts)
        reason = f"{wrong} of {len(verdicts)} transaction signatures are wrong"
        return [_refused(body, Invalid("invalid-signature", reason))]

    def step(self, now: Now) -> list[Outcome]:
        """Import what is next, up to the bound of one step."""
        outcomes: list[Outcome] = []
        transactions = 0
        with self._ledger.together():
            while self._next and transactions < STEP_TRANSACTIONS and len(outcomes) < STEP_BLOCKS:
                body = self._next.popleft()
                transactions += len(body.transactions)
                outcomes.append(self._import(body, now))
        return outcomes

    def connected(self, block_id: Hash) -> None:
        """The block is in the ledger, by whatever way: those waiting for it are next."""
        self._next.extend(self._waiting.pop(block_id, ()))

    def drop(self, block_id: Hash) -> None:
        """The block cannot be: bodies waiting for it are let go, and theirs in turn."""
        pending = [block_id]
        while pending:
            for body in self._waiting.pop(pending.pop(), ()):
                self._held.pop(body.block.header.id, None)
                pending.append(body.block.header.id)

    def _verified(self, body: Body) -> None:
        header = body.block.header
        if self._ledger.has_block(header.parent):
            self._next.append(body)
        elif header.parent in self._wanted:
            self._waiting.setdefault(header.parent, []).append(body)
        else:  # it was given up while this was being checked, and with it all that build on it
            self._held.pop(header.id, None)
            self.drop(header.id)

    def _import(self, body: Body, now: Now) -> Outcome:
        block_id = body.block.header.id
        self._held.pop(block_id, None)
        slot = self._ledger.genesis.slot_at(now.unix_ms)
        try:
            events = self._ledger.import_block(
                body.block, body.transactions, slot, self._wanted.above(block_id)
            )
        except Refusal as refusal:
            return _refused(body, refusal)
        self.connected(block_id)
        return Imported(body.block, body.source, tuple(events))


def _refused(body: Body, refusal: Refusal) -> Refused:
    return Refused(body.block.header, body.source, refusal, body.passed_on)
