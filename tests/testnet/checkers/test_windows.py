"""States that must hold at some moment: what fulfils them, and what is said while they do not."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from testnet.checkers.windows import Window, window_of
from testnet.errors import Unfit
from testnet.observation import (
    BlockLeft,
    Fact,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
    TransactionOffered,
)
from testnet.scenario.selectors import Cast
from tests.testnet.checkers.small import NODES, branch, expected, ground, joined


def window(name: str, facts: Iterable[Seen] = (), on: str = "honest", **parameters: str) -> Window:
    """A window over the small network that has seen these facts."""
    found = window_of(replace(expected(name, **parameters), on=on), ground())
    return told(found, facts)


def told(found: Window, facts: Iterable[Seen]) -> Window:
    for each in sorted(facts, key=lambda each: each.at_s):
        found.see(each)
    return found


def everyone(height: int) -> list[Seen]:
    """All three nodes on one chain."""
    founding = [Seen(0.0, joined(node, "g", "", 0)) for node in NODES]
    chains = [each for node in NODES for each in branch(node, "a", range(1, height + 1), at_s=1)]
    return [*founding, *chains]


def now(*facts: Fact) -> list[Seen]:
    return [Seen(50.0, fact) for fact in facts]


def test_nodes_on_one_chain_have_converged() -> None:
    holds, detail = window("converged", everyone(5)).holds(60.0)
    assert holds
    assert "a5 at height 5" in detail


def test_a_block_of_lag_or_a_tie_at_the_top_is_convergence() -> None:
    behind = [*everyone(5), *now(joined("n1", "a6", "a5", 6))]
    assert window("converged", behind).holds(60.0)[0]
    tie = [*behind, *now(joined("n2", "b6", "a5", 6))]
    assert window("converged", tie).holds(60.0)[0]
    assert not window("converged", tie, depth="0").holds(60.0)[0]
    assert not window("converged", behind, lag="0").holds(60.0)[0]


def test_what_is_no_convergence_and_why() -> None:
    slow = [*everyone(5), *branch("n1", "a", range(6, 8), "a5", 50)]
    holds, detail = window("converged", slow).holds(60.0)
    assert not holds
    assert "a5 at height 5" in detail
    forked = [*everyone(2), *branch("n1", "a", range(3, 5), "a2", 50)]
    forked += branch("n2", "b", range(3, 5), "a2", 50)
    assert not window("converged", forked).holds(60.0)[0]
    down = [*everyone(5), *now(NodeStopped("n3", "killed"))]
    assert window("converged", down).holds(60.0) == (False, "2 of 3 nodes agree: n3 is down")
    assert window("converged", down, on="n1..n2").holds(60.0)[0]
    quiet = window("converged", branch("n1", "a", [1]))
    assert "n2 was not heard of" in quiet.holds(60.0)[1]


def test_a_restart_counts_when_the_node_has_caught_up() -> None:
    facts = [*everyone(5), *now(NodeStopped("n3", "killed"), NodeStarted("n3"))]
    assert not window("converged", facts).holds(60.0)[0]
    assert window("converged", [*facts, *now(joined("n3", "a5", "a4", 5))]).holds(60.0)[0]


def test_a_core_converges_whatever_holds_of_the_rest() -> None:
    down = [*everyone(5), *now(NodeStopped("n3", "killed"))]
    assert not window("core-converged", down, share="0.7").holds(60.0)[0]
    assert window("core-converged", down).holds(60.0)[0]
    assert window("core-converged", down, share="1.0", on="n1,n2").holds(60.0)[0]


def test_hostile_nodes_are_not_asked() -> None:
    facts = [*everyone(5), *branch("n3", "b", range(1, 4), "g", 50)]
    hostile = window_of(expected("converged"), ground(hostile=("n3",)))
    assert told(hostile, facts).holds(60.0)[0]
    turned = [Seen(0.0, NodeStarted("n3", False)), *facts]
    assert window("converged", turned).holds(60.0)[0]
    assert not window("converged", facts).holds(60.0)[0]
    alone = window_of(replace(expected("converged"), on="n3"), ground(hostile=("n3",)))
    assert not told(alone, facts).holds(60.0)[0]


def test_progress_counts_from_the_opening() -> None:
    asked = window("progress", everyone(5), blocks="2")
    assert not asked.holds(60.0)[0]
    told(asked, [each for node in NODES for each in branch(node, "a", range(6, 8), "a5", 61)])
    assert asked.holds(64.0)[0]
    told(asked, now(BlockLeft("n2", "a7", 7)))
    assert asked.holds(65.0) == (False, "n2 rose from height 5 to 6, 2 blocks are asked for")


def test_peers_are_counted_at_the_last_glimpse() -> None:
    def glimpse(node: str, peers: int) -> Glimpse:
        return Glimpse(node, 1, "a", peers, 0, 0, 0, 0, 0)

    asked = window("peers", now(*(glimpse(node, 2) for node in NODES)))
    assert asked.holds(60.0)[0]
    told(asked, now(glimpse("n2", 1)))
    assert asked.holds(60.0) == (False, "n2 has 1 peers, 2 are asked for")
    told(asked, now(glimpse("n2", 3), NodeStopped("n1", "killed")))
    assert asked.holds(60.0) == (False, "n1 has 0 peers, 2 are asked for")


def offered(transaction: str, sequence: int = 0, expiry: int = 99, code: str = "") -> Seen:
    return Seen(0.5, TransactionOffered("n1", transaction, "alice", 0, sequence, expiry, code))


def including(*transactions: str, nodes: tuple[str, ...] = NODES) -> list[Seen]:
    """A block with transactions on top of the chain of five, at these nodes."""
    return now(*(joined(node, "a6", "a5", 6, *transactions) for node in nodes))


def test_all_included_when_every_chain_has_it() -> None:
    asked = window("all-included", [*everyone(5), offered("t1")])
    holds, detail = asked.holds(60.0)
    assert not holds
    assert "t1 (taken by n1)" in detail
    told(asked, including("t1", nodes=("n1", "n2")))
    assert not asked.holds(60.0)[0]
    told(asked, including("t1", nodes=("n3",)))
    assert asked.holds(60.0)[0]


def test_what_comes_after_the_opening_is_not_waited_for() -> None:
    asked = window("all-included", everyone(5))
    assert asked.holds(60.0)[0]
    told(asked, [replace(offered("t1"), at_s=61.0)])
    assert asked.holds(62.0)[0]


def test_what_can_never_be_included_is_not_waited_for() -> None:
    refused = offered("t1", code="mempool-full")
    assert window("all-included", [*everyone(5), refused]).holds(60.0)[0]
    expired = offered("t1", expiry=4)
    assert window("all-included", [*everyone(5), expired]).holds(60.0)[0]
    corrected = [*everyone(5), offered("t1"), offered("t2"), *including("t2")]
    assert window("all-included", corrected).holds(60.0)[0]


def test_a_block_of_a_lost_branch_includes_nothing() -> None:
    facts = [*everyone(5), offered("t1"), *now(joined("n1", "b6", "a5", 6, "t1"))]
    facts += now(BlockLeft("n1", "b6", 6))
    facts += including()
    assert not window("all-included", facts).holds(60.0)[0]


def test_nothing_is_included_while_a_node_is_down() -> None:
    facts = [*everyone(5), *now(NodeStopped("n3", "killed"))]
    assert not window("all-included", facts).holds(60.0)[0]


def test_what_is_no_window_is_refused() -> None:
    with pytest.raises(Unfit, match="did you mean 'converged'"):
        window_of(replace(expected("converged"), check="convergd"), ground())
    with pytest.raises(Unfit, match="no node 'n9'"):
        window_of(replace(expected("converged"), on="n9"), ground())


def test_a_cast_tells_where_nodes_are() -> None:
    there = replace(expected("converged"), on="city:Moscow")
    with pytest.raises(Unfit, match="no node is in 'Moscow'"):
        window_of(there, ground())
    cast = Cast(NODES, cities=(("n1", "Moscow"), ("n2", "Moscow"), ("n3", "Delhi")))
    down = [*everyone(5), *now(NodeStopped("n3", "killed"))]
    assert told(window_of(there, ground(), cast), down).holds(60.0)[0]
