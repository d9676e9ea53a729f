"""What is looked at when a run is over."""

from collections.abc import Callable
from functools import partialmethod

import pytest

from chain.block import encode_block
from chain.primitives import cbor
from chain.state import paths
from chain.state.journal import State
from testnet.checkers.books import Books, Events
from testnet.observation import FaultBegan, FaultEnded, Seen
from testnet.outcome import Verdict
from tests.chain.founding import transfer
from tests.testnet.checkers.small import Small, doctored, expected, judged, names

SetBalance = Callable[[Books, str, bytes, int], None]


def paid() -> Small:
    """A network with a payment in a block and one that waits."""
    net = Small()
    net.offer("n1", transfer(0, payer=0))
    net.grow([1, 2, 3])
    net.offer("n1", transfer(1, payer=0))
    return net


def test_a_supply_that_is_not_the_founded_one() -> None:
    net = paid()
    ending = doctored(net.ending(), 2, supplies=(("CNY", 3_000_001),))
    found = judged(net.seen, on=net.ground(), ending=ending)
    assert names(found) == ("supply",)
    assert found[0].nodes == ("n3",)
    assert "3000001" in found[0].statement
    assert "3000000" in found[0].statement
    ending = doctored(net.ending(), 2, supplies=(("USD", 1),))
    assert names(judged(net.seen, on=net.ground(), ending=ending)) == ("supply",)


def test_balances_that_do_not_sum_to_the_supply(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledger and second validator are given the same defect, so that nothing else can tell."""

    def generous(state: State, code: str, did: bytes, amount: int) -> None:
        state.put(paths.balance(code.encode(), did), cbor.encode(amount + 1))

    rightly = Books.set_balance
    monkeypatch.setattr("chain.transactions.payment.set_balance", generous)
    monkeypatch.setattr(
        Books,
        "_pay",
        partialmethod(_pay_generously, rightly),
    )
    net = Small()
    net.offer("n2", transfer(0))
    net.grow([1])
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("supply",)
    assert "3000002" in found[0].statement
    assert found[0].height == 1


def _pay_generously(
    books: Books, rightly: SetBalance, sender: bytes, code: str, to: bytes, amount: int
) -> Events:
    rightly(books, code, sender, books.balances[code, sender] - amount + 1)
    rightly(books, code, to, books.balances[code, to] + amount + 1)
    return [["paid", [code, sender, to, amount]]]


def test_a_node_whose_state_is_not_that_of_its_head() -> None:
    net = paid()
    ending = doctored(net.ending(), 0, state="ab" * 32)
    found = judged(net.seen, on=net.ground(), ending=ending)
    assert names(found) == ("replay",)
    assert found[0].nodes == ("n1",)


def test_a_chain_whose_blocks_claim_another_state() -> None:
    net = paid()
    ending = net.ending()
    other = Small()
    other.grow([1, 2, 3])
    rival = other.ledgers["n2"].block_at(1)
    ours = net.ledgers["n2"].block_at(1)
    assert rival is not None
    assert ours is not None
    swapped = (ending.nodes[1].blocks[0], encode_block(ours))
    assert (
        judged(net.seen, on=net.ground(), ending=doctored(ending, 1, blocks=swapped, state=""))
        == []
    )


def test_a_fault_that_hit_nothing_or_left_something() -> None:
    began = Seen(1.0, FaultBegan("cut", "partition.halves", ("n1",), ("n2",)))
    visible = expected("faults-visible")
    assert judged([began, Seen(2.0, FaultEnded("cut", 3, True))], visible) == []
    inert = [began, Seen(2.0, FaultEnded("cut", 0, True))]
    found = judged(inert, visible)
    assert names(found) == ("faults-visible",)
    assert found[0].verdict is Verdict.LIVENESS
    assert found[0].nodes == ("n1",)
    assert judged(inert) == []
    left = judged([began, Seen(2.0, FaultEnded("cut", 3, False))], visible)
    assert names(left) == ("faults-visible",)
    assert "left" in left[0].statement
