"""Run folders: how a campaign keeps a run, and how a kept one is opened."""

from pathlib import Path

from testnet.errors import Unfit
from testnet.outcome import Outcome, RunFolder
from testnet.report.folder import load_run, save_run


def keep_run(outcome: Outcome, path: Path) -> None:
    """Writes a run into a folder, over the one that may be there."""
    path.mkdir(parents=True, exist_ok=True)
    save_run(outcome, RunFolder(path))


def open_run(path: Path) -> Outcome:
    """The run of a folder. Raises Unfit when there is none."""
    folder = RunFolder(path)
    if not folder.record.is_file():
        raise Unfit("no-run", f"{path} holds no run: there is no {folder.record.name} in it")
    return load_run(folder)
