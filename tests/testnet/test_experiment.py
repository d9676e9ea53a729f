"""Experiments put together in Python mean what the same scenario file means."""

from pathlib import Path

import pytest

from chain.primitives.errors import Refusal
from testnet.campaign.job import Runner
from testnet.experiment import Bench, Laboratory, Run
from testnet.faults.partition import Partition
from testnet.faults.process import Kill
from testnet.outcome import Verdict
from testnet.scenario.model import AtTime, Expectation, Fault, Load, Mode, NodeOverride, Tier
from tests.testnet import fake_runs


@pytest.fixture
def told() -> list[str]:
    """The stories of failed runs."""
    return []


@pytest.fixture
def laboratory(tmp_path: Path, told: list[str]) -> Laboratory:
    """One whose runs no network makes."""
    return Laboratory(
        Bench(lambda tier: fake_runs.every_third_fails, fake_runs.keep, tmp_path, told.append)
    )


def test_each_call_is_a_section(laboratory: Laboratory) -> None:
    scenario = (
        laboratory.simulate(nodes=6, duration="60s", block_time="2s")
        .node("n1", uplink="1Mbit/s")
        .load("10/s", for_="30s")
        .fault("partition", at="10s", on="n1..n3", for_="20s", id="cut")
        .fault("process.kill", at="after:cut", on="n2", for_="5s", data="wiped")
        .always("supply")
        .expect("converged", within="20s", at="36s")
        .sometimes("reorg")
        .scenario
    )
    assert (scenario.net.nodes, scenario.net.block_ms, scenario.duration_ms) == (6, 2_000, 60_000)
    assert scenario.overrides == (NodeOverride("n1", uplink_bps=1_000_000),)
    assert scenario.loads == (Load(AtTime(0), 30_000, 10.0),)
    assert scenario.faults[0] == Fault("cut", AtTime(10_000), 20_000, Partition(), "n1..n3")
    assert scenario.faults[1].kind == Kill(data="wiped")
    assert scenario.expectations == (
        Expectation(Mode.ALWAYS, "supply"),
        Expectation(Mode.WITHIN, "converged", AtTime(36_000), 20_000),
        Expectation(Mode.SOMETIMES, "reorg"),
    )


def test_an_experiment_can_be_shared(laboratory: Laboratory) -> None:
    common = laboratory.simulate(nodes=3)
    cut = common.fault("partition", at="1s", on="n1")
    assert common.scenario.faults == ()
    assert len(cut.scenario.faults) == 1


def test_mistakes_are_refused_as_in_a_file(laboratory: Laboratory) -> None:
    with pytest.raises(Refusal, match="did you mean 'partition'"):
        laboratory.simulate().fault("partitoin", at="1s", on="n1").run()
    with pytest.raises(Refusal, match="nods"):
        laboratory.simulate(nods=4).run()


def test_a_run_that_passes_leaves_nothing(
    laboratory: Laboratory, told: list[str], tmp_path: Path
) -> None:
    run = laboratory.simulate().run(seed=1)
    assert run.passed
    assert (run.verdict, run.failed, run.folder) == (Verdict.PASS, (), "")
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_is_kept_and_told(
    laboratory: Laboratory, told: list[str], tmp_path: Path
) -> None:
    run = laboratory.simulate(name="mine").run(seed=3)
    assert not run.passed
    assert run.failed == ("converged",)
    assert run.folder == str(tmp_path / "mine-3")
    assert told == [run.story]
    assert "converged is broken" in run.story
    assert run.story.splitlines()[-2] == f"  replay: cornerstone testnet replay {run.folder}"
    assert str(run) == run.story


def test_a_library_scenario_runs_by_its_name(laboratory: Laboratory) -> None:
    assert laboratory.run_scenario("halves").outcome.scenario.name == "halves"
    assert laboratory.run_scenario("halves", seed=3).failed == ("converged",)


def test_the_tier_decides_who_runs(tmp_path: Path) -> None:
    asked = list[Tier]()

    def runner(tier: Tier) -> Runner:
        asked.append(tier)
        return fake_runs.every_third_fails

    there = Laboratory(Bench(runner, fake_runs.keep, tmp_path, print))
    ran = [there.simulate().run(), there.processes(nodes=2).run()]
    assert asked == [Tier.NODE, Tier.PROCESS]
    assert all(isinstance(run, Run) for run in ran)
