"""Every transaction is somewhere, or somebody said why not."""

from dataclasses import replace

import pytest

from chain.pool.mempool import Mempool, Reentry
from testnet.checkers.accounting import SETTLED_S
from testnet.observation import (
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
from tests.chain.founding import transfer
from tests.testnet.checkers.small import Small, joined, judged, names, verdicts


def paid() -> Small:
    """A network with a payment in a block and one that waits."""
    net = Small()
    net.offer("n1", transfer(0, payer=0))
    net.grow([1, 2, 3])
    net.offer("n1", transfer(1, payer=0))
    return net


def lost(node: str = "n1", sequence: int = 5, expiry: int = 99) -> TransactionOffered:
    return TransactionOffered(node, "f" * 64, "a" * 64, 0, sequence, expiry)


def test_what_is_included_or_waits_is_accounted_for() -> None:
    assert verdicts(paid()) == ()


def test_a_transaction_that_was_taken_and_is_nowhere() -> None:
    net = paid()
    net.saw(lost())
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("accounted",)
    assert "ffffffff (taken by n1)" in found[0].statement
    assert found[0].nodes == ("n1",)


def test_what_explains_an_absence() -> None:
    end = [
        Seen(9.0, TransactionDropped("n1", "f" * 64, "displaced", "no room")),
        Seen(9.0, NodeStopped("n1", "killed")),
    ]
    for explanation in end:
        net = Small()
        net.saw(lost())
        net.seen.append(explanation)
        assert verdicts(net) == ()
    declined, late, hostile = Small(), Small(), Small()
    declined.saw(replace(lost(), code="mempool-full"))
    assert verdicts(declined) == ()
    late.saw(lost(expiry=2))
    late.grow([3])
    assert verdicts(late) == ()
    hostile.saw(lost("n2"))
    assert judged(hostile.seen, on=hostile.ground(hostile=("n2",)), ending=hostile.ending()) == []


def test_another_transaction_with_its_number_explains_an_absence() -> None:
    net = Small()
    tx = transfer(0)
    net.saw(replace(lost(), sender=tx.sender.hex(), sequence=0))
    assert verdicts(net) == ("accounted",)
    net.offer("n1", tx)
    net.grow([1, 2, 3])
    assert verdicts(net) == ()


def test_what_another_node_dropped_is_still_to_be_explained() -> None:
    net = Small()
    net.saw(lost())
    net.saw(TransactionDropped("n2", "f" * 64, "displaced", "no room"))
    assert verdicts(net) == ("accounted",)


def test_what_the_facts_say_is_on_a_running_nodes_chain_is_not_lost() -> None:
    net = Small()
    net.saw(lost())
    net.saw(joined("n1", "e" * 64, "", 1, "f" * 64))
    assert verdicts(net) == ()


def turned(net: Small) -> None:
    """n1 gives up a block with a payment for a longer branch without it."""
    net.offer("n2", transfer(0))
    paid, empty = net.make(1), net.make(2)
    net.give(paid, "n2", "n1")
    net.give(empty, "n3")
    net.give(net.make(5), "n3")
    for height in (1, 2):
        block = net.ledgers["n3"].block_at(height)
        assert block is not None
        net.give(block, "n1")
    net.now_s += SETTLED_S + 1
    net.saw(GLIMPSE)


GLIMPSE = Glimpse("n1", 2, "", 2, 0, 0, 0, 0, 0)


def test_what_an_abandoned_block_had_waits_again() -> None:
    net = Small()
    turned(net)
    assert any(isinstance(each.fact, BlockLeft) for each in net.seen)
    assert verdicts(net) == ()


def test_what_an_abandoned_block_had_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mempool, "on_block_disconnected", lambda *_: Reentry((), ()))
    net = Small()
    turned(net)
    found = judged(net.seen, on=net.ground())
    assert names(found) == ("accounted",)
    assert found[0].nodes == ("n1",)
    assert transfer(0).id.hex()[:8] in found[0].statement
    assert any("n1 gave up" in line for line in found[0].causes)


@pytest.mark.parametrize(
    "explanation",
    [
        TransactionSeen("n1", "t1"),
        TransactionDropped("n1", "t1", "expired", "good until slot 3"),
        joined("n1", "0", "g", 1, "t1"),
        NodeStopped("n1", "killed"),
        NodeStarted("n1"),
    ],
)
def test_what_becomes_of_a_transaction_of_an_abandoned_block(explanation: Fact) -> None:
    left = [Seen(0.0, joined("n1", "a", "g", 1, "t1")), Seen(1.0, BlockLeft("n1", "a", 1))]
    late = Seen(1.0 + SETTLED_S + 0.1, GLIMPSE)
    assert names(judged([*left, late])) == ("accounted",)
    assert judged([*left, Seen(1.1, explanation), late]) == []
    assert judged([*left, Seen(1.0 + SETTLED_S / 2, GLIMPSE)]) == []
    assert judged([*left, late], hostile=("n1",)) == []
