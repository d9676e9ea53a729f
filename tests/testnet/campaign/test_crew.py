"""Seeds on worker processes, and what becomes of seeds whose worker dies."""

from collections.abc import Sequence
from pathlib import Path

import psutil

from testnet.campaign.crew import RUNS_PER_WORKER, Crew, last_line
from testnet.campaign.job import Job, Runner
from testnet.campaign.summary import Lost, Result, Summary
from testnet.outcome import ExitCode
from tests.testnet import fake_runs

PATIENT_S = 60.0


def campaign(
    runner: Runner, seeds: Sequence[int], root: Path | None = None, wall_max_s: float = PATIENT_S
) -> dict[int, Result]:
    job = Job(fake_runs.SCENARIO, runner, fake_runs.keep, root)
    with Crew(job, 2, wall_max_s) as crew:
        return {result.seed: result for result in crew.results(seeds)}


def test_every_seed_comes_back_and_failures_are_kept(tmp_path: Path) -> None:
    results = campaign(fake_runs.every_third_fails, range(1, 8), tmp_path)
    assert sorted(results) == [1, 2, 3, 4, 5, 6, 7]
    ran = [result for result in results.values() if isinstance(result, Summary)]
    assert sorted(result.seed for result in ran if not result.passed) == [3, 6]
    third = results[3]
    assert isinstance(third, Summary)
    assert third.story == "converged at 12.5 s: converged is broken"
    assert third.folder == str(tmp_path / "small-3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small-3", "small-6"]


def test_a_dead_worker_costs_its_own_seed_only() -> None:
    results = campaign(fake_runs.deadly, [1, 2, 3, 4, 6, 7])
    lost = {seed: result for seed, result in results.items() if isinstance(result, Lost)}
    assert sorted(results) == [1, 2, 3, 4, 6, 7]
    assert sorted(lost) == [2, 3, 4]
    assert lost[2].why == "its worker was ended by SIGKILL"
    assert lost[3].why == (
        "its worker ended with exit code 1: AssertionError: blocks cannot weigh less than nothing"
    )
    assert lost[4].why == "this tier has no disks (tier)"
    assert [lost[seed].exit_code for seed in (2, 3, 4)] == [
        ExitCode.INFRASTRUCTURE,
        ExitCode.INFRASTRUCTURE,
        ExitCode.USAGE,
    ]


def test_a_seed_that_hangs_is_given_up() -> None:
    results = campaign(fake_runs.deadly, [5, 1], wall_max_s=2.5)
    assert results[5] == Lost(5, "no result after 2.5 s; its worker was stopped")
    assert isinstance(results[1], Summary)


def test_workers_are_replaced() -> None:
    count = 2 * RUNS_PER_WORKER + 2
    results = campaign(fake_runs.pid_in_digest, range(count))
    pids = [result.digest for result in results.values() if isinstance(result, Summary)]
    assert len(pids) == count
    assert max(pids.count(pid) for pid in pids) <= RUNS_PER_WORKER


def test_leaving_early_leaves_no_process_behind() -> None:
    job = Job(fake_runs.SCENARIO, fake_runs.pid_in_digest, fake_runs.keep)
    with Crew(job, 2) as crew:
        first = next(crew.results(range(100)))
    assert isinstance(first, Summary)
    assert not psutil.pid_exists(int(first.digest))


def test_the_last_line_is_the_last_that_says_anything(tmp_path: Path) -> None:
    words = tmp_path / "words"
    assert last_line(words) == ""
    words.write_text("Traceback\n  File\nValueError: no\n\n")
    assert last_line(words) == "ValueError: no"
