"""Run folders by their path: what a campaign's workers write and `replay` opens."""

from pathlib import Path

from testnet.outcome import Outcome, RunFolder
from testnet.report.folder import load_run, save_run


def keep_run(outcome: Outcome, path: Path) -> None:
    """Writes a run into a folder, over the one that may be there. Raises LaunchFailure."""
    save_run(outcome, RunFolder(path))


def open_run(path: Path) -> Outcome:
    """The run of a folder. Raises Unfit when it holds none, or a damaged one."""
    return load_run(RunFolder(path))
