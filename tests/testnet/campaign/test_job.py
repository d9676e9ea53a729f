"""Where runs are kept."""

from dataclasses import replace
from pathlib import Path

from testnet.campaign.job import Job, carry_out, run_folder
from testnet.campaign.keeping import keep_run, open_run
from testnet.campaign.summary import Lost, Summary
from testnet.outcome import ExitCode
from tests.testnet.fake_runs import SCENARIO, every_third_fails


def test_the_same_run_goes_where_it_was(tmp_path: Path) -> None:
    job = Job(SCENARIO, every_third_fails, keep_run, tmp_path)
    first, second = carry_out(job, 3), carry_out(job, 3)
    assert isinstance(first, Summary)
    assert first == second
    assert first.folder == str(tmp_path / "small-3")


def test_an_edited_scenario_leaves_the_run_of_the_old_one(tmp_path: Path) -> None:
    carry_out(Job(SCENARIO, every_third_fails, keep_run, tmp_path), 3)
    edited = replace(SCENARIO, duration_ms=59_000)
    result = carry_out(Job(edited, every_third_fails, keep_run, tmp_path), 3)
    assert isinstance(result, Summary)
    assert result.folder != str(tmp_path / "small-3")
    assert open_run(Path(result.folder)).scenario == edited
    assert open_run(tmp_path / "small-3").scenario == SCENARIO
    assert run_folder(tmp_path, edited, 3) == Path(result.folder)


def test_a_run_that_cannot_be_kept_costs_its_seed_and_says_why(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.write_text("in the way")
    result = carry_out(Job(SCENARIO, every_third_fails, keep_run, root), 3)
    assert isinstance(result, Lost)
    assert result.exit_code is ExitCode.INFRASTRUCTURE
    assert result.why.startswith(f"the run cannot be kept in {root / 'small-3'}: Not a directory;")
