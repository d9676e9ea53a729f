"""A campaign on a cluster of this machine's own processes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster

from testnet.campaign.dask import results_of_cluster
from testnet.campaign.job import Job
from testnet.campaign.summary import Lost, Summary
from testnet.errors import LaunchFailure
from testnet.outcome import Verdict
from tests.testnet import fake_runs


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    once = {"distributed.scheduler.allowed-failures": 0}
    with (
        dask.config.set(once),
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as there,
    ):
        yield there


def job_of(tmp_path: Path) -> Job:
    return Job(fake_runs.SCENARIO, fake_runs.every_third_fails, fake_runs.keep, tmp_path)


def test_failures_come_home(cluster: LocalCluster, tmp_path: Path) -> None:
    found = list(results_of_cluster(job_of(tmp_path), range(1, 8), cluster.scheduler_address))
    results = {result.seed: result for result in found if isinstance(result, Summary)}
    assert sorted(results) == [1, 2, 3, 4, 5, 6, 7]
    assert [seed for seed in sorted(results) if not results[seed].passed] == [3, 6]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small-3", "small-6"]
    assert results[3].folder == str(tmp_path / "small-3")


def test_a_run_that_is_another_there_is_not_deterministic(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    job = replace(job_of(tmp_path), runner=fake_runs.fails_with_pid)
    (result,) = results_of_cluster(job, [3], cluster.scheduler_address)
    assert isinstance(result, Summary)
    assert result.verdict is Verdict.NONDETERMINISM
    assert "the cluster saw" in result.story


def test_a_fault_of_ours_there_is_told_with_its_seed(cluster: LocalCluster, tmp_path: Path) -> None:
    job = replace(job_of(tmp_path), runner=fake_runs.deadly)
    results = list(results_of_cluster(job, [1, 3], cluster.scheduler_address))
    lost = [result for result in results if isinstance(result, Lost)]
    assert lost == [Lost(3, "AssertionError: blocks cannot weigh less than nothing")]


def test_a_dead_worker_there_costs_its_own_seed_only(cluster: LocalCluster, tmp_path: Path) -> None:
    job = replace(job_of(tmp_path), runner=fake_runs.deadly)
    results = list(results_of_cluster(job, [2, 1], cluster.scheduler_address))
    lost = [result for result in results if isinstance(result, Lost)]
    assert [result.seed for result in lost] == [2]
    assert lost[0].why.startswith("its workers died: ")


def test_no_scheduler(tmp_path: Path) -> None:
    with pytest.raises(LaunchFailure, match=r"no Dask scheduler at tcp://127.0.0.1:1"):
        list(results_of_cluster(job_of(tmp_path), [1], "tcp://127.0.0.1:1", 0.2))
