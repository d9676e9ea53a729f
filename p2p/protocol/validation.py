"""Transactions between their arrival and the ledger: each byte string once, signatures in batches.

Rules:
- A candidate is marked by the hash of its raw bytes before anything is waited for. *Why:* two
  copies that arrive together must cost one signature check.
- The mark is not on the id. *Why:* the id leaves the signature out, so anyone could censor an id
  by sending it first with a wrong signature.
- Bytes found wrong are remembered, so that sending them again costs nothing but the blame.
Bounds: the caller asks `crowded` before it asks for more; REJECTED_MAX hashes are remembered.
"""

from collections.abc import Iterator, Sequence
from enum import Enum, auto

from chain.ledger import Ledger
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction, decode_transaction
from chain.transactions.identity import Register
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet
from p2p.protocol.allowances import Allowance
from p2p.protocol.effects import Answer, CheckSignatures, Effect, SubmitResult


class Verdict(Enum):
    """What a transaction is found to be. Only what is accepted is ever passed on."""

    ACCEPT = auto()
    IGNORE = auto()  # nobody's fault: known, or declined as things stand here
    REJECT = auto()  # the sender could have known


VALIDATING_MAX = 8192  # about 0.3 s of signature checks on two threads
REJECTED_MAX = 65_536  # a generation; 7 MB at most


class Ticket:
    """A local client's submission: verdicts as they come in."""

    __slots__ = ("_missing", "_number", "_results")

    def __init__(self, number: int, count: int) -> None:
        self._number = number
        self._results: list[SubmitResult | None] = [None] * count
        self._missing = count

    def settle(self, index: int, result: SubmitResult) -> list[Effect]:
        """Note one verdict; the answer follows when none is missing."""
        self._results[index] = result
        self._missing -= 1
        if self._missing:
            return []
        return [Answer(self._number, tuple(r for r in self._results if r is not None))]


class Candidate:
    """A transaction in validation: who sent it, and which submissions wait for it.

    Whether it `waits` for its turn (see `turns`) or is being checked.
    """

    __slots__ = ("allowance", "digest", "peer", "submitters", "transaction", "waits")

    def __init__(
        self,
        transaction: Transaction,
        digest: Hash,
        peer: PeerId | None,
        allowance: Allowance | None,
    ) -> None:
        self.transaction = transaction
        self.digest = digest
        self.peer = peer
        self.allowance = allowance
        self.submitters: list[tuple[Ticket, int]] = []
        self.waits = False

    @property
    def signatures(self) -> int:
        """How many are to be checked, here or by the ledger."""
        body = self.transaction.body
        return 1 + body.signatures if isinstance(body, Register) else 1

    def settle(self, result: SubmitResult) -> list[Effect]:
        """Tell every submission that waits for this transaction."""
        effects: list[Effect] = []
        for ticket, index in self.submitters:
            effects += ticket.settle(index, result)
        return effects


class Validation:
    """Candidates by their bytes, and the signature checks that run."""

    def __init__(self, ledger: Ledger, jobs: Iterator[int]) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._candidates: dict[Hash, Candidate] = {}
        self._running: dict[int, list[Candidate]] = {}
        self._rejected = RecentSet(REJECTED_MAX)

    @property
    def crowded(self) -> bool:
        """Whether so much waits that nothing more should be asked for."""
        return len(self._candidates) >= VALIDATING_MAX

    def find(self, digest: Hash) -> Candidate | None:
        """The candidate of these bytes, if they are being validated."""
        return self._candidates.get(digest)

    def is_rejected(self, digest: Hash) -> bool:
        """Whether these bytes were found wrong not long ago."""
        return digest in self._rejected

    def decode(self, raw: bytes, digest: Hash) -> Transaction:
        """The transaction in the bytes. Raises Refusal, and remembers the bytes as wrong."""
        try:
            return decode_transaction(raw, self._ledger.chain)
        except Refusal:
            self._rejected.add(digest)
            raise

    def enter(
        self,
        transaction: Transaction,
        digest: Hash,
        peer: PeerId | None,
        allowance: Allowance | None = None,
    ) -> Candidate:
        """Mark the bytes as being validated; with the allowance of a peer that pushed them of
        itself."""
        candidate = self._candidates[digest] = Candidate(transaction, digest, peer, allowance)
        return candidate

    def known(self, candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
        """Those whose signature is known to be good, which are done with, and the others."""
        known: list[Candidate] = []
        unchecked: list[Candidate] = []
        for candidate in candidates:
            checked = self._ledger.signature_known(candidate.transaction.raw)
            (known if checked else unchecked).append(candidate)
        for candidate in known:
            del self._candidates[candidate.digest]
        return known, unchecked

    def begin(self, candidates: Sequence[Candidate]) -> list[Effect]:
        """Have the signatures of candidates checked."""
        if not candidates:
            return []
        job = next(self._jobs)
        self._running[job] = list(candidates)
        return [CheckSignatures(job, tuple(c.transaction.check for c in candidates))]

    def forget(self, candidate: Candidate) -> None:
        """A candidate is not to be validated after all; its bytes may come again."""
        del self._candidates[candidate.digest]

    def finish(self, job: int, verdicts: list[bool]) -> tuple[list[Candidate], list[Candidate]]:
        """The candidates of a job, those with a good signature and those without."""
        good: list[Candidate] = []
        bad: list[Candidate] = []
        for candidate, valid in zip(self._running.pop(job), verdicts, strict=True):
            del self._candidates[candidate.digest]
            (good if valid else bad).append(candidate)
        for candidate in bad:
            self._rejected.add(candidate.digest)
        return good, bad
