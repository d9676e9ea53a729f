"""The tree taken apart: every block in one branch, the chain most nodes were on the winner."""

from hypothesis import given
from hypothesis import strategies as st

from testnet.observation import BlockJoined, BlockLeft, NodeStarted, NodeStopped, Seen
from testnet.report.branches import MAIN, chain, tree_of
from testnet.report.trace import Trace, trace_of
from tests.testnet.report.staged import HEAL_S, Stage, outcome
from tests.testnet.report.told import run_of

PASSED = trace_of(outcome(Stage(blocks=60, broken=False)))


def joined(node: str, block: int, parent: int, height: int) -> BlockJoined:
    return BlockJoined(node, f"{block:04x}", f"{parent:04x}", height, height, "", "", ())


@given(st.lists(st.integers(0, 40), max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_any_tree_falls_into_branches(parents: list[int], heads: list[int]) -> None:
    """Block n+1 hangs on any earlier block; nodes end anywhere."""
    heights = {0: 0}
    seen = [Seen(0.0, joined("n0", 0, 9_999, 0))]
    for number, parent in enumerate(parents, 1):
        on = parent % number
        heights[number] = heights[on] + 1
        seen.append(Seen(float(number), joined("n0", number, on, heights[number])))
    for place, head in enumerate(heads, 1):
        block = head % (len(parents) + 1)
        on = -1 if not block else parents[block - 1] % block
        seen.append(Seen(99.0, joined(f"n{place}", block, max(on, 0), heights[block])))
    trace = trace_of(run_of(seen))
    tree = tree_of(trace)
    placed = [block.id for branch in tree.branches for block in branch.blocks]
    assert sorted(placed) == sorted(trace.blocks)
    for branch in tree.branches:
        ids = [block.id for block in branch.blocks]
        assert all(
            block.parent == above for above, block in zip(ids, branch.blocks[1:], strict=False)
        )
        assert branch.number == MAIN or branch.parent in trace.blocks
    lengths = [len(branch.blocks) for branch in tree.forks]
    assert lengths == sorted(lengths, reverse=True)
    assert _support(trace, tree.branches[MAIN].blocks[-1].id) == max(
        _support(trace, head) for head in trace.heads.values()
    )


def _support(trace: Trace, head: str) -> int:
    there = {block.id for block in chain(trace.blocks, head)}
    return sum(1 for each in trace.heads.values() if each in there)


def test_the_cut_made_one_fork_of_twenty() -> None:
    tree = tree_of(PASSED)
    (fork,) = tree.forks
    assert len(fork.blocks) == 20
    assert PASSED.blocks[fork.parent].height == 20


def test_blocks_left_at_once_are_one_reorganisation() -> None:
    assert [(each.node, each.depth) for each in PASSED.reorganisations] == [
        (node, 20) for node in ("n5", "n6", "n7", "n8")
    ]
    assert all(PASSED.blocks[each.old].height == HEAL_S for each in PASSED.reorganisations)


def test_two_reorganisations_of_a_node_stay_two() -> None:
    seen = [Seen(1.0, joined("n1", 1, 0, 1)), Seen(1.0, joined("n1", 2, 1, 2))]
    seen += [Seen(2.0, BlockLeft("n1", "0002", 2)), Seen(3.0, BlockLeft("n1", "0001", 1))]
    trace = trace_of(run_of(seen))
    assert [(each.at_s, each.depth) for each in trace.reorganisations] == [(2.0, 1), (3.0, 1)]


def test_uptimes_begin_and_end() -> None:
    seen = [
        Seen(0.0, NodeStarted("n1")),
        Seen(2.0, NodeStopped("n1", "killed")),
        Seen(5.0, NodeStarted("n1", honest=False)),
        Seen(9.0, joined("n1", 1, 0, 1)),
    ]
    told = trace_of(run_of(seen)).uptimes["n1"]
    assert [(each.begin_s, each.end_s, each.how, each.honest) for each in told] == [
        (0.0, 2.0, "killed", True),
        (5.0, 9.0, "", False),
    ]
