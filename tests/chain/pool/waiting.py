"""Transactions made for the mempool alone: any sender, number, expiry and size, unsigned."""

from chain.consensus.finality.evidence import Evidence, Offence
from chain.primitives.hashing import sha256
from chain.transactions.dataset import Publish
from chain.transactions.document import DidDocument, Key, Purpose
from chain.transactions.envelope import Transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.identity import Register
from chain.transactions.payment import Transfer

TRANSFER = Transfer("CNY", bytes(32), 1)
REGISTRATION = Register(
    DidDocument(
        (Key("admin", Purpose.ADMIN, bytes(32)), Key("tx", Purpose.TX, bytes([1]) * 32)),
    ),
    (bytes(64), bytes(64)),
)
EVIDENCE = SubmitEvidence(Evidence(Offence.VOTES, bytes(32), bytes(32), b"", b""))


def sender(number: int) -> bytes:
    """The id of the numbered sender; ids ascend with their numbers."""
    return number.to_bytes(32, "big")


def waiting(
    who: int = 1,
    sequence: int = 0,
    *,
    lane: int = 0,
    expiry: int = 100,
    size: int = 200,
    body: Transfer | Register | Publish | SubmitEvidence = TRANSFER,
) -> Transaction:
    """A transaction of a size in bytes; what differs in any argument differs in its id."""
    text = f"{who}/{lane}/{sequence}/{expiry}/{size}/{body.KIND}".encode()
    return Transaction(
        raw=text.ljust(size, b"."),
        id=sha256(text),
        key=bytes(32),
        signature=bytes(64),
        signed=text,
        sender=sender(who),
        lane=lane,
        sequence=sequence,
        expiry=expiry,
        kind=body.KIND,
        body=body,
    )


class Sequences:
    """The ledger's side: the next number of each lane."""

    def __init__(self) -> None:
        self.next: dict[tuple[bytes, int], int] = {}

    def __call__(self, did: bytes, lane: int) -> int:
        return self.next.get((did, lane), 0)

    def took(self, tx: Transaction) -> None:
        """A block included `tx`."""
        self.next[tx.sender, tx.lane] = tx.sequence + 1

    def gave_back(self, tx: Transaction) -> None:
        """The block of `tx` left the chain."""
        self.next[tx.sender, tx.lane] = tx.sequence
