"""The second validator beside nodes with planted bugs: each bug is found, by the right check."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chain import tables
from chain.block import Block, encode_block
from chain.chainstate import Chainstate, Step
from chain.consensus.engine import HeaderNode
from chain.parameters import Consensus
from chain.state import paths
from chain.store import Batch
from chain.transactions.envelope import Transaction
from testnet.observation import BlockJoined, BlockLeft, Confirmed, Glimpse, Seen
from tests.chain.founding import AUTHORITIES, resealed, transfer
from tests.testnet.checkers.small import Small, doctored, judged, names, verdicts


def test_blocks_that_all_take_pass_the_second_validator_too() -> None:
    net = Small()
    net.offer("n1", transfer(0))
    net.grow(range(1, 5))
    assert verdicts(net) == ()


def test_work_is_checked_by_the_second_validator_too() -> None:
    net = Small(Consensus.WORK)
    net.grow([1, 2, 9, 10, 11, 30, 31, 32, 33])
    rival, best = net.make(40, "n1"), net.make(41, "n2")
    net.give(rival, "n1", "n2")
    net.give(best, "n2", "n1", "n3")
    net.give(rival, "n3")
    net.grow([42])
    assert any(isinstance(each.fact, BlockLeft) for each in net.seen)
    assert verdicts(net) == ()


def test_an_expired_transaction_in_a_block_that_all_took(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Small()
    net.grow([1])
    late = transfer(0)
    net.offer("n3", late)
    monkeypatch.setattr("chain.transactions.rules.check_expiry", lambda tx, context: None)
    monkeypatch.setattr("chain.ledger.select", lambda *_: [late])
    net.give(net.make(late.expiry + 1))
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("reference",)
    assert "expired" in found[0].statement
    assert found[0].nodes == ("n1", "n2", "n3")


def test_a_sequence_check_that_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Small()
    gap = transfer(3)
    net.offer("n2", gap)
    monkeypatch.setattr("chain.execution.check_transaction", lambda state, tx, context: None)
    monkeypatch.setattr("chain.ledger.select", lambda *_: [gap])
    net.grow([1])
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("reference",)
    assert "wrong-sequence" in found[0].statement


def test_money_out_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(state: Any, code: str, did: bytes, amount: int) -> None:
        state.put(paths.balance(code.encode(), did), (amount + 1).to_bytes(5, "big"))

    monkeypatch.setattr("chain.transactions.payment.set_balance", generous)
    net = Small()
    net.offer("n2", transfer(0))
    net.grow([1])
    assert names(judged(net.seen, on=net.ground(), ending=net.ending())) == ("replay",)


def test_an_undo_that_forgets_a_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    undone = Chainstate.disconnect
    balance = paths.balance(b"CNY", AUTHORITIES[0].did)

    def forgetful(
        self: Chainstate, parent: HeaderNode, transactions: Sequence[Transaction], batch: Batch
    ) -> Step:
        stale = self.read(balance)
        assert stale is not None
        step = undone(self, parent, transactions, batch)
        batch.put(tables.STATE + balance, stale)
        changes: Mapping[bytes, bytes | None] = {**step.changes, balance: stale}
        return replace(step, changes=dict(changes))

    monkeypatch.setattr(Chainstate, "disconnect", forgetful)
    net = Small()
    net.offer("n2", transfer(0))
    net.offer("n2", transfer(1))
    with_payments, empty = net.make(1), net.make(2)
    net.give(with_payments, "n2", "n1")
    net.give(empty, "n3", "n2", "n1")
    net.give(net.make(5), "n3", "n2", "n1")
    net.give(net.make(7), "n2", "n1")
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("replay",)
    assert "state" in found[0].statement


def test_a_tie_decided_the_wrong_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def last_comes_first(node: HeaderNode) -> tuple[int, int, int]:
        return node.weight, node.slot, 0

    monkeypatch.setattr("chain.consensus.headertree.rank", last_comes_first)
    net = Small()
    early, late = net.make(1), net.make(2)
    net.give(early, "n1")
    net.give(late, "n1")
    net.grow([5], "n3")
    net.now_s = 6.0
    net.saw(Glimpse("n1", 1, "", 2, 0, 0, 0, 0, 0))
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("reference",)
    assert found[0].nodes == ("n1",)
    assert "lower slot" in found[0].statement


def test_a_tie_decided_the_wrong_way_just_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chain.consensus.headertree.rank", lambda node: (node.weight, node.slot, 0))
    net = Small()
    early, late = net.make(1), net.make(2)
    net.give(early, "n1")
    net.give(late, "n1")
    assert verdicts(net) == ("reference",)


def test_a_good_block_that_a_node_refused() -> None:
    net = Small()
    net.grow(range(1, 3))
    net.give(net.make(3), "n1")
    good = net.ledgers["n1"].block_at(3)
    assert good is not None
    net.rejected.append(("n3", encode_block(good)))
    found = judged(net.seen, on=net.ground(), ending=net.ending())
    assert names(found) == ("reference",)
    assert "n3 refused" in found[0].statement


def test_a_bad_block_that_a_node_refused_is_no_finding() -> None:
    net = Small()
    net.grow(range(1, 3))
    bad = resealed(net.make(3), state=AUTHORITIES[0].did)
    net.give(bad, "n2")
    child = resealed(net.make(4), parent=bad.id)
    forged = replace(net.make(6), seal=bytes(64))
    net.rejected += [("n3", encode_block(child)), ("n3", encode_block(forged))]
    net.rejected.append(("n3", encode_block(resealed(bad, parent=AUTHORITIES[0].did))))
    assert len(net.rejected) == 4
    assert verdicts(net) == ()


def test_a_block_with_another_seal_than_the_one_that_was_checked() -> None:
    net = Small()
    net.grow(range(1, 4))
    ending = net.ending()
    head = net.ledgers["n2"].block_at(3)
    assert head is not None
    forged = encode_block(Block(head.header, bytes(64), (), head.transactions))
    blocks = (*ending.nodes[1].blocks[:-1], forged)
    found = judged(net.seen, on=net.ground(), ending=doctored(ending, 1, blocks=blocks))
    assert names(found) == ("reference",)
    assert "wrong-seal" in found[0].statement
    assert found[0].nodes == ("n2",)


def test_bytes_that_are_no_block_and_a_chain_of_another_genesis() -> None:
    net = Small()
    net.grow([1])
    ending = net.ending()
    blocks = ending.nodes[1].blocks
    torn = doctored(ending, 1, blocks=(blocks[0], blocks[1][:-1]))
    assert names(judged(net.seen, on=net.ground(), ending=torn)) == ("reference",)
    headless = doctored(ending, 1, blocks=blocks[1:])
    assert names(judged(net.seen, on=net.ground(), ending=headless)) == ()
    stranger = Small(Consensus.WORK).ending().nodes[1].blocks
    other = doctored(ending, 1, blocks=stranger, state="")
    assert names(judged(net.seen, on=net.ground(), ending=other)) == ("reference",)


def test_hostile_nodes_chains_are_not_judged() -> None:
    net = Small()
    net.grow([1])
    torn = doctored(net.ending(), 1, blocks=(b"nonsense",))
    assert judged(net.seen, on=net.ground(hostile=("n2",)), ending=torn) == []


def test_a_reorganisation_in_several_steps_is_judged_when_it_is_over() -> None:
    net = Small()
    net.give(net.make(1), "n2")
    net.give(net.make(2), "n3")
    net.give(net.make(4), "n2")
    net.give(net.make(5), "n3")
    net.give(net.make(8), "n3")
    for height in range(1, 4):
        block = net.ledgers["n3"].block_at(height)
        assert block is not None
        net.give(block, "n2")
    assert sum(isinstance(each.fact, BlockLeft) for each in net.seen) == 2
    assert verdicts(net) == ()


def _forked(*confirmed: str, to: str, back: str = "") -> Sequence[str]:
    """Node n1 takes a and then b on it, or the lower rival c, and moves from one to the other.

    A second later it may move back, as block `back` is justified.
    """
    net = Small()
    root = net.ledgers["n1"].head.id.hex()

    def joined(block: str, parent: str, height: int) -> BlockJoined:
        return BlockJoined("n1", block * 64, parent, height, height, "d" * 64, "e" * 64, ())

    def moved(at_s: float, old: list[BlockJoined], new: list[BlockJoined]) -> list[Seen]:
        left = [BlockLeft("n1", fact.block, fact.height) for fact in reversed(old)]
        return [Seen(at_s, fact) for fact in (*left, *new)]

    def justified(at_s: float, block: str) -> Seen:
        return Seen(at_s, Confirmed("n1", block * 64, 1, 1, 0, False))

    high = [joined("a", root, 1), joined("b", "a" * 64, 2)]
    low = [joined("c", root, 1)]
    first, then = (high, low) if to == "c" else (low, high)
    facts = moved(1.0, [], first)
    facts += [justified(2.0, block) for block in confirmed]
    facts += moved(2.0, first, then)
    if back:
        facts += [justified(3.0, back), *moved(3.0, then, first)]
    facts.append(Seen(9.0, Glimpse("n1", 1, to * 64, 2, 0, 0, 0, 0, 0)))
    found = judged([*net.seen, *facts], on=net.ground())
    return [each.statement for each in found if each.check == "reference"]


def test_a_lower_head_is_right_when_it_stands_on_what_is_justified() -> None:
    assert _forked("c", to="c") == []
    assert "heavier chain" in _forked(to="c")[0]


def test_a_heavier_head_is_wrong_when_it_leaves_what_is_justified() -> None:
    assert "newest justified" in _forked("c", to="b")[0]
    assert _forked(to="b") == []
    assert _forked("a", to="b") == []


def test_a_head_that_stays_where_nothing_is_justified_is_wrong_after_a_while() -> None:
    net = Small()
    root = net.ledgers["n1"].head.id.hex()

    def joined(node: str, block: str, parent: str, height: int) -> Seen:
        return Seen(
            1.0, BlockJoined(node, block * 64, parent, height, height, "d" * 64, "e" * 64, ())
        )

    def looked(at_s: float) -> Seen:
        return Seen(at_s, Glimpse("n1", 2, "b" * 64, 2, 0, 0, 0, 0, 0))

    facts = [joined("n1", "a", root, 1), joined("n1", "b", "a" * 64, 2), joined("n2", "c", root, 1)]
    facts += [Seen(2.0, Confirmed("n1", "c" * 64, 1, 1, 0, False)), looked(3.5)]
    assert names(judged([*net.seen, *facts], on=net.ground())) == ()
    unseen = joined("n1", "b", "f" * 64, 2)
    gap = [*facts[:1], unseen, *facts[2:], looked(4.5)]
    assert names(judged([*net.seen, *gap], on=net.ground())) == ()
    (found,) = judged([*net.seen, *facts, looked(4.5)], on=net.ground())
    assert (found.check, found.nodes) == ("reference", ("n1",))
    assert "newest justified" in found.statement


def test_a_move_is_judged_by_what_was_justified_then() -> None:
    assert _forked(to="b", back="c") == []
    assert "newest justified" in _forked(to="b", back="b")[0]
