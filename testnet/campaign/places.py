"""Where the laboratory keeps things: runs that failed, and which seeds they had.

$CORNERSTONE_HOME/
    runs/SCENARIO-SEED/     a run: scenario.toml, run.json, events.ndjson
    seeds/SCENARIO.jsonl    the seed ledger
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

from testnet.directory import testnets_root
from testnet.errors import Unfit


def home(environment: Mapping[str, str]) -> Path:
    """The folder everything of ours is in."""
    return testnets_root(environment).parent


def runs_root(environment: Mapping[str, str]) -> Path:
    """The folder of all kept runs."""
    return home(environment) / "runs"


def refuse_unwritable(folder: Path) -> None:
    """Makes the folder. Raises Unfit when nothing can be written there: before a run, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Unfit(
            "folder", f"nothing can be written into {folder}: {error.strerror}; name another folder"
        ) from error
