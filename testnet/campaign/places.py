"""Where the laboratory keeps things: runs that failed, and which seeds they had.

$CORNERSTONE_HOME/
    runs/SCENARIO-SEED/     a run: scenario.toml, run.json, events.ndjson
    seeds/SCENARIO.jsonl    the seed ledger
"""

from collections.abc import Mapping
from pathlib import Path

from testnet.directory import testnets_root


def home(environment: Mapping[str, str]) -> Path:
    """The folder everything of ours is in."""
    return testnets_root(environment).parent


def runs_root(environment: Mapping[str, str]) -> Path:
    """The folder of all kept runs."""
    return home(environment) / "runs"
