"""What people read: the table fits a plain terminal, faults are told, the summary is honest."""

from dataclasses import replace

import pytest
from rich.console import Console

from testnet.display import live_view, node_table, summary
from testnet.views import NodeReport, NodeView, Snapshot, State


def node(name: str, head: str, state: State = State.RUNNING, restarts: int = 0) -> NodeView:
    report = NodeReport(height=123_456, head=head * 32, inbound=3, outbound=3, mempool=1_234)
    return NodeView(
        name=name,
        id="00" * 32,
        p2p="ws://127.0.0.1:40001",
        api="http://127.0.0.1:41001",
        pid=1,
        state=state,
        restarts=restarts,
        last_exit="SIGKILL",
        report=report,
    )


def snapshot(*nodes: NodeView, groups: tuple[tuple[str, ...], ...] = ()) -> Snapshot:
    return Snapshot(nodes, "http://127.0.0.1:9", groups, 1, 1)


def shown(what: Snapshot, width: int) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(node_table(what))
    return captured.get()


def test_eighty_columns_hold_the_table() -> None:
    text = shown(snapshot(node("n1", "ab"), node("n200", "ab")), width=80)
    assert len(text.splitlines()) == 3
    for cell in ("127.0.0.1:40001", ":41001", "123456", "abababab", "3/3", "1234", "running"):
        assert cell in text
    assert "faults" not in text


@pytest.mark.parametrize("width", [42, 50, 60, 70])
def test_a_narrow_terminal_keeps_what_matters(width: int) -> None:
    text = shown(snapshot(node("n1", "ab"), node("n200", "cd", State.KILLED)), width)
    assert len(text.splitlines()) == 3
    for cell in ("n1 ", "n200", "123456", "running", "killed"):
        assert cell in text


def test_faults_are_told() -> None:
    nodes = (node("n1", "ab", restarts=2), node("n2", "cd", State.PAUSED))
    text = shown(snapshot(*nodes, groups=(("n1",), ("n2",))), width=120)
    assert "group 1/2, fell 2x: SIGKILL" in text
    assert "paused" in text


def test_a_fault_that_was_injected_is_seen_where_it_is() -> None:
    slow = replace(node("n2", "cd"), faults=("link.delay (f1)", "gossip.drop (f2)"))
    text = shown(snapshot(node("n1", "ab"), slow), width=120)
    assert "link.delay (f1), gossip.drop (f2)" in text.splitlines()[2]
    assert "f1" not in text.splitlines()[1]


def test_the_summary_counts_what_runs() -> None:
    nodes = (node("n1", "ab"), node("n2", "cd"), node("n3", "ef", State.KILLED))
    assert summary(snapshot(*nodes)) == "2/3 nodes run, height 123456..123456, 2 heads"
    assert "no node runs" in summary(snapshot(node("n1", "ab", State.FALLEN)))


def test_the_live_view_names_the_dashboard_and_the_way_out() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(live_view(snapshot(node("n1", "ab")), "demo"))
    assert "http://127.0.0.1:9" in captured.get()
    assert "Ctrl-C" in captured.get()
