"""Chains whose payments get receipts, before and after the authorities change."""

from functools import cache

from chain.block import Block
from chain.receipts.finality import Basis
from chain.receipts.making import ReceiptMaker
from chain.receipts.transaction import TransactionReceipt
from chain.transactions.envelope import Transaction
from tests.chain.sets import PEOPLE, Chain, change
from tests.parties import Party

PAYER, PAYEE = PEOPLE[7], PEOPLE[8]


class Paying(Chain):
    """A chain on which one member pays another."""

    def __init__(self, seated: int) -> None:
        super().__init__(seated)
        self.maker = ReceiptMaker(self.on)
        self.basis = Basis(self.genesis)
        self.paid: list[Transaction] = []

    def payment(self, beside: int = 2) -> Block:
        """A block with a payment among others."""
        others = [self.pay(PEOPLE[i], PAYEE, 2) for i in range(beside)]
        tx = self.pay(PAYER, PAYEE, 5 + len(self.paid))
        self.paid.append(tx)
        return self.grow(*others, tx)

    def receipt(self, tx: Transaction) -> TransactionReceipt:
        """Its receipt."""
        location = self.on.transaction(tx.id)
        assert location is not None
        return self.maker.transaction(location)

    def receipt_when_final(self) -> TransactionReceipt:
        """The receipt of the last payment, whose block is the head, once it is final."""
        self.finalize()
        return self.receipt(self.paid[-1])


def speakers(chain: Chain) -> list[Party]:
    """Those in the set in force."""
    seated = {member.did for member in chain.authorities.members}
    return [person for person in PEOPLE if person.did in seated]


@cache
def settled() -> Paying:
    """A chain of four authorities with one payment that is final."""
    chain = Paying(4)
    chain.grow()
    chain.payment()
    chain.grow()
    chain.finalize()
    return chain


@cache
def handed_over() -> Paying:
    """A chain whose authorities changed once, with a final payment after it."""
    chain = Paying(4)
    chain.finish(chain.decide(change(PEOPLE[1:4], PEOPLE[4:7]), PEOPLE[:3]))
    chain.payment()
    chain.grow()
    chain.finalize()
    return chain
