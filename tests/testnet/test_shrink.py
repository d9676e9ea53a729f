"""Shrinking: what is left still fails, is small, and was reached in the same steps as always."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.primitives.errors import Refusal
from testnet.cuts import without_faults
from testnet.errors import Unfit
from testnet.faults.gossip import Drop
from testnet.faults.link import Delay
from testnet.faults.partition import Partition
from testnet.faults.process import Kill
from testnet.narrowing import clipped, narrowed
from testnet.outcome import Outcome, Verdict
from testnet.scenario.model import (
    AfterFault,
    AtTime,
    Expectation,
    Fault,
    Load,
    Mode,
    NetPlan,
    Scenario,
)
from testnet.scenario.source import parse_scenario
from testnet.scenario.text import format_scenario
from testnet.senders import LoadKind
from testnet.shrink import Step, shrink, size
from testnet.spec import Wiring
from tests.testnet.fake_runs import outcome

FAULTS = (
    Fault("slow", AtTime(5_000), 30_000, Delay(by_ms=137, jitter_ms=20), "all", "all"),
    Fault("cut", AtTime(20_000), 20_000, Partition(), "n1..n6"),
    Fault("lossy", AtTime(22_000), 9_000, Drop(probability=0.37), "n2,n5", "all"),
    Fault("dead", AfterFault("cut", 2_000), 10_000, Kill(), "n3..n9"),
    Fault("again", AfterFault("dead", 1_000), 5_000, Kill(), "n12"),
)
LARGE = Scenario(
    name="large",
    about="Everything at once.",
    duration_ms=180_000,
    net=NetPlan(nodes=12, wiring=Wiring.RANDOM, latency="brics"),
    loads=(Load(AtTime(0), 180_000, 50.0, LoadKind.MIXED), Load(AtTime(9_000), 20_000, 5.0)),
    faults=FAULTS,
    expectations=(
        Expectation(Mode.ALWAYS, "common-prefix"),
        Expectation(Mode.WITHIN, "converged", within_ms=20_000),
        Expectation(Mode.WITHIN, "progress", within_ms=30_000),
    ),
)
Fails = Callable[[Scenario], bool]


def judged(fails: Fails, verdict: Verdict = Verdict.LIVENESS) -> Callable[[Scenario, int], Outcome]:
    """A network whose only bug is in the predicate."""

    def run(scenario: Scenario, seed: int) -> Outcome:
        if fails(scenario):
            return outcome(scenario, seed, verdict, ("converged",))
        return outcome(scenario, seed)

    return run


def kinds(scenario: Scenario) -> list[str]:
    return [fault.kind.NAME for fault in scenario.faults]


def a_cut_and_a_kill(scenario: Scenario) -> bool:
    return {"partition", "process.kill"} <= set(kinds(scenario)) and scenario.net.nodes >= 3


def test_the_smallest_that_fails() -> None:
    shrunk = shrink(LARGE, 7, judged(a_cut_and_a_kill))
    assert kinds(shrunk.scenario) == ["partition", "process.kill"]
    assert shrunk.scenario.net == NetPlan(nodes=3)
    assert shrunk.scenario.loads == ()
    assert shrunk.scenario.expectations == ()
    assert shrunk.scenario.duration_ms == 1_000
    assert [fault.on for fault in shrunk.scenario.faults] == ["n1", "n3"]
    assert shrunk.minimal
    assert shrunk.before == size(LARGE)
    assert (shrunk.before.faults, shrunk.after.faults) == (5, 2)
    assert shrunk.after.lines < shrunk.before.lines / 2
    assert shrunk.runs < 60


def test_it_is_the_same_every_time_and_tells_each_step() -> None:
    heard = list[Step]()
    first = shrink(LARGE, 7, judged(a_cut_and_a_kill), heard=heard.append)
    second = shrink(LARGE, 7, judged(a_cut_and_a_kill))
    assert first == second
    assert tuple(heard) == first.steps
    assert [step.runs for step in heard] == sorted({step.runs for step in heard})


def test_what_could_not_be_written_down_is_refused() -> None:
    with pytest.raises(Refusal):
        shrink(replace(LARGE, duration_ms=0), 7, judged(a_cut_and_a_kill))


def test_what_passes_is_refused() -> None:
    with pytest.raises(Unfit, match="passes") as refused:
        shrink(LARGE, 7, judged(lambda scenario: False))
    assert "large with seed 7 passes" in refused.value.reason


@pytest.mark.parametrize("budget", range(1, 40, 3))
def test_any_budget_gives_something_that_fails(budget: int) -> None:
    shrunk = shrink(LARGE, 7, judged(a_cut_and_a_kill), budget)
    assert a_cut_and_a_kill(shrunk.scenario)
    assert shrunk.runs <= budget
    if shrunk.minimal:
        assert shrunk == shrink(LARGE, 7, judged(a_cut_and_a_kill))


def test_another_failure_is_not_the_same() -> None:
    def run(scenario: Scenario, seed: int) -> Outcome:
        if len(scenario.faults) == 5:
            return outcome(scenario, seed, Verdict.LIVENESS, ("converged", "progress"))
        if len(scenario.faults) == 4:
            return outcome(scenario, seed, Verdict.LIVENESS, ("progress",))
        return outcome(scenario, seed, Verdict.SAFETY, ("progress",))

    shrunk = shrink(LARGE, 7, run)
    assert len(shrunk.scenario.faults) == 4
    assert shrunk.outcome.verdict is Verdict.LIVENESS


def test_faults_that_were_needed_stay_needed() -> None:
    def fails(scenario: Scenario) -> bool:
        return "partition" in kinds(scenario) or scenario.net.nodes < 5

    shrunk = shrink(LARGE, 7, judged(fails))
    assert kinds(shrunk.scenario) == ["partition"]
    assert shrunk.scenario.net.nodes == 5


def test_without_faults_when_they_never_mattered() -> None:
    shrunk = shrink(LARGE, 7, judged(lambda scenario: scenario.net.nodes >= 2))
    assert shrunk.scenario.faults == ()
    assert shrunk.scenario.net.nodes == 2


def test_what_waits_for_a_removed_fault_comes_at_the_same_time() -> None:
    left = without_faults(LARGE, ["cut", "dead"])
    assert ids(left) == ["slow", "lossy", "again"]
    assert left.faults[2].at == AtTime(53_000)


def ids(scenario: Scenario) -> list[str]:
    return [fault.id for fault in scenario.faults]


def test_a_swarm_becomes_what_its_seed_drew() -> None:
    shrunk = shrink(replace(LARGE, swarm=True), 3, judged(lambda scenario: True))
    assert not shrunk.scenario.swarm


def test_the_end_moves_to_the_failure() -> None:
    shrunk = shrink(LARGE, 7, judged(lambda scenario: scenario.duration_ms >= 12_500))
    assert "over after 13s, when it has failed" in [step.what for step in shrunk.steps]
    assert shrunk.scenario.duration_ms == 13_000


def test_a_tier_that_refuses_a_cut_is_no_failure() -> None:
    def run(scenario: Scenario, seed: int) -> Outcome:
        if scenario.net.nodes < 8:
            raise Unfit("tier", "too small for it")
        return outcome(scenario, seed, Verdict.SAFETY, ("common-prefix",))

    assert shrink(LARGE, 7, run).scenario.net.nodes == 8


needs = st.sets(st.sampled_from([fault.id for fault in FAULTS]), min_size=1)


@settings(max_examples=25)
@given(needs, st.integers(1, 12), st.integers(1, 180))
def test_nothing_more_can_be_left_out(needed: set[str], nodes: int, seconds: int) -> None:
    def fails(scenario: Scenario) -> bool:
        long_enough = scenario.duration_ms >= seconds * 1_000
        return needed <= set(ids(scenario)) and scenario.net.nodes >= nodes and long_enough

    shrunk = shrink(LARGE, 7, judged(fails), budget=1_000)
    assert fails(shrunk.scenario)
    assert set(ids(shrunk.scenario)) == needed
    assert shrunk.minimal
    assert parse_scenario(format_scenario(shrunk.scenario)) == shrunk.scenario


@pytest.mark.parametrize(
    ("selector", "nodes", "left"),
    [
        ("n3..n9", 5, "n3..n5"),
        ("n3..n9", 3, "n3"),
        ("n3..n9", 2, "n2"),
        ("n1,n7,leader", 4, "n1,leader"),
        ("rand:5", 3, "rand:3"),
        ("all", 2, "all"),
    ],
)
def test_clipping(selector: str, nodes: int, left: str) -> None:
    assert clipped(selector, nodes) == left


@pytest.mark.parametrize(
    ("selector", "fewer"),
    [
        ("all", ["n1..n4", "n5..n8", "n1..n7", "n2..n8"]),
        ("n1..n2", ["n1", "n2"]),
        ("n4", []),
        ("rand:4", ["rand:1", "rand:2", "rand:3", "n1"]),
        ("n1,n2..n3", ["n1", "n2..n3", "n2..n3", "n1", "n1,n2", "n1,n3"]),
        ("producer:*", ["producer:1"]),
        ("minority", ["n1"]),
    ],
)
def test_narrowing(selector: str, fewer: list[str]) -> None:
    assert list(narrowed(selector, 8)) == fewer
