"""What is told of the facts before something went wrong."""

from testnet.checkers.telling import CAUSES_MAX, TOLD, Memoir, tell
from testnet.observation import (
    FACTS,
    BlockLeft,
    EvidenceSeen,
    FaultBegan,
    FaultEnded,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    SetConfirmed,
    TransactionDropped,
    Trouble,
)
from tests.testnet.checkers.small import branch, joined

LINES = {
    NodeStarted("n1", False): "n1 started, hostile",
    NodeStopped("n1", "killed", "by a fault"): "n1 ended: killed (by a fault)",
    joined("n1", "a" * 64, "b" * 64, 7): "n1 took aaaaaaaa on bbbbbbbb, height 7, slot 7",
    BlockLeft("n1", "a" * 64, 7): "n1 gave up aaaaaaaa, height 7",
    EvidenceSeen("n1", "b" * 64, "votes"): "n1 has evidence against bbbbbbbb: two votes",
    SetConfirmed("n1", 2, ("a", "b")): "n1 holds a block final by set 2 of 2 seats",
    Refused(
        "n1", "n2", "wrong-seal", "not by n2"
    ): "n1 refused something of n2: wrong-seal: not by n2",
    Trouble("n1", "unhandled exception", "KeyError"): "n1: unhandled exception: KeyError",
    FaultBegan("cut", "partition", ("n1", "n2"), ()): "fault cut began: partition on n1, n2",
    FaultEnded("cut", 3, True): "fault cut ended after 3 hits",
    TransactionDropped("n1", "c" * 64, "expired", ""): "n1 dropped transaction cccccccc: expired",
}


def test_each_fact_that_is_told_has_a_line() -> None:
    for fact, line in LINES.items():
        assert tell(Seen(1.5, fact)) == f"t=1.500s {line}"
    assert {type(fact).__name__ for fact in LINES} == {kind.__name__ for kind in TOLD}
    assert {kind.__name__ for kind in TOLD} <= FACTS.keys()


def test_the_last_lines_about_the_nodes_and_the_faults() -> None:
    memoir = Memoir()
    memoir.keep(Seen(0.0, FaultBegan("cut", "partition", ("n9",), ())))
    for each in [*branch("n1", "a", range(1, 4)), *branch("n2", "b", range(1, 40), at_s=10.0)]:
        memoir.keep(each)
    assert memoir.causes(("n1",))[0].endswith("fault cut began: partition on n9")
    assert len(memoir.causes(("n1",))) == 4
    assert len(memoir.causes(())) == CAUSES_MAX
    assert memoir.causes(())[-1].startswith("t=48.000s n2 took b39")


def test_what_led_to_a_block_of_long_ago() -> None:
    memoir = Memoir()
    for each in branch("n2", "b", range(1, 40)):
        memoir.keep(each)
    told = memoir.causes(("n2",), 5)
    assert told[-1].startswith("t=4.000s n2 took b5")
    assert len(told) == 5
    assert memoir.causes(("n2",), 99) == ()
