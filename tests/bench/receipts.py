"""Receipts over changes of the authorities: how large they are, how long verifying takes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from chain.genesis import Genesis
from chain.receipts.finality import Basis
from chain.receipts.transaction import decode_transaction_receipt, verify_transaction_receipt
from tests.chain.receipts.world import Paying, speakers
from tests.chain.sets import PEOPLE, change

SEATED = 7
ROUNDS = 50


@dataclass(frozen=True, slots=True)
class ReceiptFigure:
    """One receipt: its size, and the median processor time to read and verify it."""

    name: str
    size: int
    handovers: int
    signers: int
    verify_ms: float


CHANGES = (
    ("one added", change(added=PEOPLE[7:8])),
    ("one removed", change(removed=PEOPLE[7:8])),
    ("one replaced", change(PEOPLE[6:7], PEOPLE[7:8])),
    ("three at once", change(PEOPLE[3:6], PEOPLE[8:11])),
    ("fully disjoint", change((*PEOPLE[:3], *PEOPLE[7:11]), (*PEOPLE[3:7], *PEOPLE[11:14]))),
)


def measure_receipts() -> Iterator[ReceiptFigure]:
    """A payment under each set of a chain of changes; each must verify from the genesis alone."""
    chain = Paying(SEATED)
    names = ["no change", *(f"after {name}" for name, _ in CHANGES)]
    for wanted in (*(wanted for _, wanted in CHANGES), None):
        chain.payment()
        chain.grow()
        chain.finalize()
        if wanted is not None:
            chain.finish(chain.decide(wanted, speakers(chain)))
    raw = chain.genesis.encode()
    for name, tx in zip(names, chain.paid, strict=True):
        yield figure_of(name, chain.receipt(tx).encode(), raw)


def figure_of(name: str, receipt: bytes, genesis: bytes) -> ReceiptFigure:
    """Verify a receipt from the genesis alone. Raises Unproven."""
    founded = Genesis.decode(genesis)
    read = decode_transaction_receipt(receipt)
    proven = verify_transaction_receipt(read, Basis(founded))

    def once() -> None:
        verify_transaction_receipt(decode_transaction_receipt(receipt), Basis(founded))

    return ReceiptFigure(
        name, len(receipt), len(read.proof.handovers), proven.signers, _median_ms(once)
    )


def _median_ms(action: Callable[[], None]) -> float:
    taken: list[float] = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        action()
        taken.append(time.process_time() - begun)
    return 1000 * median(taken)
