"""Stories of single runs."""

from dataclasses import replace

from testnet.campaign.telling import next_steps, standing_lines, story
from testnet.observation import FaultBegan, FaultEnded, Glimpse, NodeStarted, NodeStopped, Seen
from tests.testnet.fake_runs import SCENARIO, every_third_fails


def test_a_pass_is_one_line() -> None:
    assert story(every_third_fails(SCENARIO, 1), "") == (
        "small with seed 1: PASS after 60.0 s in the network, 0.0 s here"
    )


def test_a_failure_tells_what_where_when_and_what_led_there() -> None:
    ran = every_third_fails(SCENARIO, 3)
    violation = replace(ran.violations[0], causes=("n1 lost its last peer",))
    told = story(replace(ran, violations=(violation,), inert=("cut",)), "/runs/x").splitlines()
    assert told[:3] == [
        "small with seed 3: LIVENESS after 60.0 s in the network, 0.0 s here",
        "  Something that must happen did not: converged",
        "    converged is broken.",
    ]
    assert "      n1 lost its last peer" in told
    assert told[-3:] == [
        "  faults that hit nothing: cut",
        "  replay: cornerstone testnet replay /runs/x",
        "  shrink: cornerstone testnet shrink /runs/x",
    ]


def test_commands_can_be_pasted() -> None:
    assert next_steps("/my runs/x-3") == [
        "  replay: cornerstone testnet replay '/my runs/x-3'",
        "  shrink: cornerstone testnet shrink '/my runs/x-3'",
    ]
    assert next_steps("") == []


def test_the_nodes_as_they_stand() -> None:
    seen = (
        Seen(0.0, NodeStarted("n1")),
        Seen(0.1, NodeStarted("n2")),
        Seen(5.0, Glimpse("n1", 4, "ab" * 32, 3, 7, 0, 0, 0, 0)),
        Seen(6.0, FaultBegan("cut", "partition", ("n1",), ("n2",))),
        Seen(7.0, NodeStopped("n2", "killed")),
        Seen(9.0, FaultEnded("cut", 3, True)),
    )
    assert standing_lines(seen, 8.0) == [
        "at 8.0 s:",
        "  n1: height 4, head abababab, 3 peers, 7 waiting",
        "  n2: killed",
        "  fault cut: partition on n1",
    ]
    assert standing_lines(seen, 9.0)[-1] == "  no fault in force"


def test_a_run_that_passed_is_not_to_be_shrunk() -> None:
    told = story(every_third_fails(SCENARIO, 4), "kept/small-4")
    assert "replay kept/small-4" in told
    assert "shrink" not in told
