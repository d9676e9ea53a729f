"""Fault tests with the fixture `testnet`: copy one and change it."""

import pytest

from testnet.experiment import Experiment, Laboratory


def test_a_cut_heals(testnet: Laboratory) -> None:
    run = (
        testnet.simulate(nodes=4, duration="30s")
        .load("5/s", for_="10s")
        .fault("partition", at="5s", on="n1..n2", for_="8s")
        .expect("converged", within="15s")
        .run(seed=1)
    )
    assert run.passed, run.story


@pytest.fixture
def busy(testnet: Laboratory) -> Experiment:
    """What several tests have in common."""
    return testnet.simulate(nodes=4, duration="25s").load("5/s", for_="10s").always("supply")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_node_comes_back(busy: Experiment, seed: int) -> None:
    run = (
        busy.fault("process.kill", at="4s", on="rand:1", for_="5s")
        .expect("converged", within="15s")
        .run(seed)
    )
    assert run.passed, run.story
    assert not run.outcome.inert


def test_the_same_seed_is_the_same_run(busy: Experiment) -> None:
    slow = busy.fault("link.delay", at="2s", on="n1", for_="10s", by="300ms")
    assert slow.run(seed=7).outcome.digest == slow.run(seed=7).outcome.digest
