"""Facts in any order, true or not, never make a checker fall over: it would end the whole run."""

from hypothesis import given, settings
from hypothesis import strategies as st

from testnet.checkers.checker import Ending, FinalNode
from testnet.checkers.figures import figures
from testnet.checkers.panel import panel
from testnet.checkers.probes import ProbeBoard
from testnet.checkers.windows import window_of
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    FaultBegan,
    FaultEnded,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    SetConfirmed,
    TransactionDropped,
    TransactionOffered,
    TransactionSeen,
    Trouble,
    VoteSeen,
)
from testnet.outcome import Verdict
from tests.testnet.checkers.small import NODES, Small, expected, ground

EXPECTATIONS = (
    expected("propagation", p50="1ms", p90="1ms", p99="1ms"),
    expected("inclusion", p99="1ms"),
    expected("bytes-per-transaction", most="1"),
    expected("messages-per-transaction", most="1"),
    expected("faults-visible"),
    expected("delivered", wait="1ms"),
    expected("expelled"),
    expected("final-lag", p50="1", p99="1"),
)
WINDOWS = (
    *("converged", "core-converged", "progress", "peers", "all-included"),
    *("finality-resumes", "finality-late", "handed-over", "unseated"),
)

nodes = st.sampled_from([*NODES, "n9"])
ids = st.sampled_from(["0a", "0b", "0c", "0d", "0e"])
few = st.integers(0, 5)
facts: st.SearchStrategy[Fact] = st.one_of(
    st.builds(NodeStarted, nodes, st.booleans()),
    st.builds(NodeStopped, nodes, st.just("killed")),
    st.builds(
        BlockJoined, nodes, ids, ids, few, few, ids, ids, st.lists(ids, max_size=3).map(tuple)
    ),
    st.builds(BlockLeft, nodes, ids, few),
    st.builds(Confirmed, nodes, ids, few, few, few, st.booleans()),
    st.builds(VoteSeen, nodes, ids, few, few, few, ids, ids),
    st.builds(EvidenceSeen, nodes, ids, st.sampled_from(["blocks", "votes"])),
    st.builds(SetConfirmed, nodes, few, st.lists(ids, max_size=3).map(tuple)),
    st.builds(TransactionOffered, nodes, ids, ids, few, few, few, st.sampled_from(["", "full"])),
    st.builds(TransactionSeen, nodes, ids),
    st.builds(TransactionDropped, nodes, ids, ids, ids),
    st.builds(
        *(Glimpse, nodes, few, ids, few, few, few, few, few, few),
        late=st.sampled_from(["", "2 of 3 authorities not heard since slot 1: n1, n9"]),
    ),
    st.builds(Refused, nodes, nodes, ids, ids),
    st.builds(Trouble, nodes, ids, ids),
    st.builds(FaultBegan, ids, st.just("partition"), st.just(("n1",)), st.just(())),
    st.builds(FaultEnded, ids, few, st.booleans()),
)


@given(st.lists(st.tuples(facts, st.floats(0, 3)), max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_facts_make_a_checker_fall_over(steps: list[tuple[Fact, float]]) -> None:
    on = ground(*EXPECTATIONS, hostile=("n3",))
    (bench,) = panel(on)
    watchers = [ProbeBoard(on), *(window_of(expected(name), on) for name in WINDOWS)]
    at_s, found, seen = 0.0, [], []
    for fact, pause_s in steps:
        at_s += pause_s
        seen.append(Seen(at_s, fact))
        found += bench.see(seen[-1])
        for watcher in watchers:
            watcher.see(seen[-1])
            if not isinstance(watcher, ProbeBoard):
                watcher.holds(at_s)
    ending = Ending(at_s, Small().ending().nodes, 0.0, ())
    found += bench.finish(ending)
    figures(seen, ending)
    assert all(0.0 <= each.at_s <= at_s and each.statement for each in found)
    assert all(isinstance(each.verdict, Verdict) for each in found)


@given(st.lists(st.binary(max_size=60), max_size=3), st.lists(st.binary(max_size=60), max_size=2))
def test_no_bytes_make_the_audit_fall_over(chain: list[bytes], refused: list[bytes]) -> None:
    (bench,) = panel(ground())
    node = FinalNode("n1", True, True, tuple(chain), "", (), ())
    found = bench.finish(Ending(1.0, (node,), 0.0, tuple(("n2", raw) for raw in refused)))
    assert {each.check for each in found} <= {"reference"}
