"""The seed ledger: which seeds of a scenario failed lately, so that they are tried first.

$CORNERSTONE_HOME/seeds/SCENARIO.jsonl holds one JSON object a line. A seed enters when it fails
and leaves when it has passed PASSES_TO_FORGET times in a row. Two campaigns of one scenario at the
same time may lose each other's entries: whoever ends last has written the file.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from testnet.campaign.summary import Lost, Result, Summary
from testnet.errors import Unfit

PASSES_TO_FORGET = 5
"""A bug that moved aside for one build often comes back with the next; five builds are enough."""

REMEMBERED_MAX = 200
"""So many old failures are tried first; more would be a campaign of their own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A seed that failed, and how often it has passed since."""

    seed: int
    failed: tuple[str, ...]
    passes: int = 0


def ledger_path(home: Path, scenario: str) -> Path:
    """Where the ledger of a scenario is."""
    return home / "seeds" / f"{scenario}.jsonl"


def read_ledger(path: Path) -> tuple[Entry, ...]:
    """The entries, newest failure first; none without a file. Raises Unfit for a damaged one."""
    if not path.is_file():
        return ()
    try:
        return tuple(_entry(line) for line in path.read_text().splitlines())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unfit(
            "seed-ledger", f"{path} is damaged ({error}); delete it, it only speeds things up"
        ) from error


def write_ledger(path: Path, entries: Sequence[Entry]) -> None:
    """Replaces the file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    draft.write_text("".join(json.dumps(asdict(entry)) + "\n" for entry in entries))
    draft.replace(path)


def noted(entries: Sequence[Entry], results: Iterable[Result]) -> tuple[Entry, ...]:
    """The ledger after these runs: failures in front, what passed long enough left out."""
    kept = {entry.seed: entry for entry in entries}
    fresh = dict[int, Entry]()
    for result in results:
        match result:
            case Lost():
                pass  # it says nothing about the seed
            case Summary(seed=seed) if not result.passed:
                kept.pop(seed, None)
                fresh[seed] = Entry(seed, result.failed)
            case Summary(seed=seed) if seed in kept:
                old = kept.pop(seed)
                if old.passes + 1 < PASSES_TO_FORGET:
                    kept[seed] = Entry(seed, old.failed, old.passes + 1)
    return (*fresh.values(), *kept.values())[:REMEMBERED_MAX]


def ordered(entries: Sequence[Entry], seeds: Sequence[int]) -> tuple[int, ...]:
    """What to run: remembered failures first, also those that were not asked for."""
    return tuple(dict.fromkeys((*(entry.seed for entry in entries), *seeds)))


def _entry(line: str) -> Entry:
    fields = json.loads(line)
    return Entry(
        seed=int(fields["seed"]),
        failed=tuple(str(check) for check in fields["failed"]),
        passes=int(fields["passes"]),
    )
