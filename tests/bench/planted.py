"""Planted bugs: how many the standard campaign kills, how soon, and how small it makes each.

`python -m tests.bench.planted [--no-shrink] [--jobs N] [WORD ...]` applies each mutation (or those
with one of the words in their names) to a copy of the code, runs the campaign there until a checker
fires, and has the failing run shrink. The same campaign first passes on the code as it is.

The campaign is one list for all bugs, of short scenarios with few nodes: those in `campaign/`. *Why
one rule a producer there:* who breaks a rule is soon banned, so a producer that went through all of
them would be out before most were tried.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.bench.bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
CODE = ("chain", "p2p", "testnet", "cli.py")
SCENARIOS = Path(__file__).parent / "campaign"
CAMPAIGN = (
    "cut",
    "deaf",
    "bad-headers",
    "bad-states",
    "bad-times",
    "outgrown",
    "restarts",
    "turncoat",
    "flood",
    "bad-certificates",
)
SEEDS = (1, 2)
SHRINK_BUDGET = 16
FAILED = (10, 11, 12)


class Stale(Exception):
    """The code has changed, and a bug has no place in it any more."""


def copy_code(where: Path) -> None:
    """The code as it is, elsewhere, compiled as far as it is here."""
    for part in CODE:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, where / part)
        else:
            shutil.copy(ROOT / part, where / part)


def plant(bug: Bug, where: Path) -> None:
    """The bug, in a copy of the code. Raises Stale."""
    file = where / bug.file
    text = file.read_text()
    if text.count(bug.was) != 1:
        raise Stale(f"{bug.file} says {text.count(bug.was)} times: {bug.was!r}")
    file.write_text(text.replace(bug.was, bug.becomes))


def command(where: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`cornerstone testnet ...` of the copy."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "testnet", *arguments],
        cwd=where,
        env={"CORNERSTONE_HOME": str(where / "home"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def hunt(bug: Bug, shrinks: bool) -> str:
    """What became of one bug, for people."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        copy_code(where)
        try:
            plant(bug, where)
        except Stale as stale:
            return f"not planted: {stale}"
        return campaign(where, shrinks)


def campaign(where: Path, shrinks: bool) -> str:
    """How the campaign ended for a copy of the code: at the first failure, or with none."""
    runs = 0
    for seed in SEEDS:
        for name in CAMPAIGN:
            runs += 1
            short = SCENARIOS / f"{name}.toml"
            ran = command(where, "sim", str(short), "--seed", str(seed), "--json")
            if ran.returncode == 0:
                continue
            place = f"in {name}, seed {seed}, run {runs}"
            if ran.returncode not in FAILED:
                return f"no verdict {place}: {last_line(ran.stderr)}"
            (run,) = json.loads(ran.stdout)["runs"]
            told = f"killed by {', '.join(run['failed'])} {place}"
            return f"{told}; {shrink(where, run)}" if shrinks else told
    return f"survived {runs} runs"


def shrink(where: Path, run: dict[str, str]) -> str:
    """The sizes of a failing scenario, as it was and as it became by itself."""
    shrunk = command(where, "shrink", run["folder"], "--budget", str(SHRINK_BUDGET))
    lines = [line.strip() for line in shrunk.stdout.splitlines()]
    sizes = [line for line in lines if line.startswith(("before:", "after:"))]
    return " / ".join(sizes) or f"not shrunk: {last_line(shrunk.stderr)}"


def last_line(text: str) -> str:
    """What people need of a process's last words."""
    return text.strip().rpartition("\n")[2][-200:]


def unharmed() -> str:
    """What the campaign says of the code without a bug."""
    with tempfile.TemporaryDirectory() as folder:
        copy_code(Path(folder))
        return campaign(Path(folder), shrinks=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.planted")
    parser.add_argument("words", nargs="*", help="in the names of the bugs to plant; all without")
    parser.add_argument("--no-shrink", action="store_true", help="only what kills which bug")
    parser.add_argument("--jobs", type=int, default=1, help="bugs hunted side by side")
    asked = parser.parse_args()
    words = asked.words
    chosen = [bug for bug in BUGS if not words or any(word in bug.name for word in words)]
    with ThreadPoolExecutor(asked.jobs) as crew:
        control = crew.submit(unharmed)
        fates = crew.map(partial(hunt, shrinks=not asked.no_shrink), chosen)
        killed = 0
        for bug, fate in zip(chosen, fates, strict=True):
            killed += fate.startswith("killed")
            print(f"{bug.name}: {fate}", flush=True)
        sound = control.result()
    print(f"no bug at all: {sound}")
    print(f"{killed} of {len(chosen)} planted bugs killed")
    return 0 if killed == len(chosen) and sound.startswith("survived") else 1


if __name__ == "__main__":
    sys.exit(main())
