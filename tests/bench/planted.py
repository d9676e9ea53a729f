"""Planted bugs: how many the standard campaign kills, how soon, and how small it makes each.

`python -m tests.bench.planted [--no-shrink] [--jobs N] [WORD ...]` applies each mutation (or those
with one of the words in their names) to a copy of the code, runs the campaign there until a checker
fires, and has the failing run shrink. The same campaign first passes on the code as it is.

The campaign is one list for all bugs: short scenarios of few nodes, those in `campaign/` and one of
the library. *Why one rule a producer there:* who breaks a rule is soon banned, so a producer that
went through all of them would be out before most were tried.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("chain", "p2p", "testnet", "cli.py")
SCENARIOS = Path(__file__).parent / "campaign"
CAMPAIGN = ("bad-headers", "bad-states", "bad-times", "cut", "comings", "flood", "split-4-3")
SEEDS = (1, 2)
SHRINK_BUDGET = 10
FAILED = (10, 11, 12)


@dataclass(frozen=True, slots=True)
class Bug:
    """One text replaced by another, in one file."""

    name: str
    file: str
    was: str
    becomes: str


BUGS = (
    Bug(
        "an expired transaction is accepted",
        "chain/transactions/rules.py",
        "if tx.expiry < context.slot:",
        "if tx.expiry < 0:",
    ),
    Bug(
        "any sequence number is accepted",
        "chain/transactions/rules.py",
        "if tx.sequence != expected:",
        "if tx.sequence < 0:",
    ),
    Bug(
        "signatures in blocks are not checked",
        "p2p/protocol/intake.py",
        "if all(verdicts):",
        "if verdicts:",
    ),
    Bug(
        "anybody's seal is good",
        "chain/consensus/authority.py",
        "if sealing_key(leader, header, seal) is None:",
        "if not leader.seals:",
    ),
    Bug(
        "anybody may make a block in any slot",
        "chain/consensus/authority.py",
        "if header.author != leader.did:\n            raise",
        "leader = next((m for m in authorities.members if m.did == header.author), leader)\n"
        "        if header.author != leader.did:\n            raise",
    ),
    Bug(
        "the history of headers is not checked",
        "chain/validation.py",
        "if header.history != history:",
        "if not header.history:",
    ),
    Bug(
        "the state root is not checked",
        "chain/chainstate.py",
        "if header.state != executed.update.root:",
        "if not header.state:",
    ),
    Bug(
        "a payment does not leave the payer",
        "chain/transactions/payment.py",
        "set_balance(state, code, sender, held - amount)",
        "set_balance(state, code, sender, held)",
    ),
    Bug(
        "undoing a block forgets one change",
        "chain/chainstate.py",
        "undo = {key: state.stored(key) for key in changes}",
        "undo = {key: state.stored(key) for key in list(changes)[:-1]}",
    ),
    Bug(
        "a reorganisation does not return transactions to the mempool",
        "chain/ledger.py",
        "again = [tx for tx in left if not self.is_included(tx.id)]",
        "again: list[Transaction] = []",
    ),
    Bug(
        "the head stays where it is, whatever is heavier",
        "chain/consensus/headertree.py",
        "return rank(a) > rank(b)",
        "return a.parent == b.id",
    ),
    Bug(
        "of equal tips the later slot wins",
        "chain/consensus/headertree.py",
        'return node.weight, -node.slot, -int.from_bytes(node.id, "big")',
        'return node.weight, node.slot, -int.from_bytes(node.id, "big")',
    ),
    Bug(
        "headers before an unknown one are not asked for",
        "p2p/protocol/sync.py",
        "if not self._ledger.has_block(header.parent):\n"
        "            self._wanted.claim(peer, header.height, header.id)\n",
        "if not self._ledger.has_block(header.parent):\n",
    ),
    Bug(
        "blocks far in the future are accepted",
        "chain/validation.py",
        "SLOTS_AHEAD_MAX = 1",
        "SLOTS_AHEAD_MAX = 100_000",
    ),
    Bug(
        "the guard against two blocks in a slot is not kept",
        "chain/drafting.py",
        "if slot <= last:",
        "if slot < 0:",
    ),
    Bug(
        "transactions are relayed before they are validated",
        "p2p/protocol/admission.py",
        "            candidate, more = self._candidate(peer, transaction, digest, now)\n",
        "            candidate, more = self._candidate(peer, transaction, digest, now)\n"
        "            others = [p for p in self._allowances if p != peer and candidate]\n"
        "            effects += self._workings.offers.fresh([transaction], others, now)[0]\n",
    ),
    Bug(
        "an address that failed is dialled again at once",
        "p2p/peers/backoff.py",
        "self._next_s = now_s + delay_s * rng.uniform(0.5, 1.0)",
        "self._next_s = now_s",
    ),
    Bug(
        "a quorum is fewer than half of the authorities",
        "chain/consensus/authorityset.py",
        "return 2 * members // 3 + 1",
        "return members // 2",
    ),
)


class Stale(Exception):
    """The code has changed, and a bug has no place in it any more."""


def copy_code(where: Path) -> None:
    """The code as it is, elsewhere."""
    for part in CODE:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, where / part, ignore=shutil.ignore_patterns("__pycache__"))
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
            file = str(short) if short.is_file() else name
            ran = command(where, "sim", file, "--seed", str(seed), "--json")
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
    sizes = [line.strip() for line in shrunk.stdout.splitlines() if "line" in line]
    return " / ".join(sizes[-2:]) or f"not shrunk: {last_line(shrunk.stderr)}"


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
