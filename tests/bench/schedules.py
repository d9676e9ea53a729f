"""Schedules of an adversary against finality: `python -m tests.bench.schedules [COUNT]`.

Plays COUNT random schedules (100,000 when left out) by the rules, which must leave no two final
blocks against each other, and a share of them by each weakened rule set, which must be found out.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

from tests.chain.consensus.finality.model import Rules
from tests.chain.consensus.finality.test_schedules import two_handovers
from tests.chain.consensus.finality.weakened import WEAKENED, TwoBases, schedule

COUNT = 100_000
SHARE = 25
"""One schedule in so many is played by each weakened rule set too."""
CHUNK = 500
ALL_RULES = -1


@dataclass(frozen=True, slots=True)
class Score:
    """What came of some schedules: how many finalized anything, which had a conflict."""

    played: int
    finalized: int
    conflicts: tuple[int, ...]


def play(first: int, rules_at: int, count: int) -> Score:
    """Play schedules from seed `first` on."""
    rules = Rules() if rules_at == ALL_RULES else WEAKENED[rules_at]
    finalized, conflicts = 0, list[int]()
    for seed in range(first, first + count):
        network = schedule(rules, seed)
        if network.run():
            conflicts.append(seed)
        finalized += len(network.finals) > 1
    return Score(count, finalized, tuple(conflicts))


def campaign(pool: ProcessPoolExecutor, rules_at: int, count: int) -> Score:
    """Play that many schedules on all cores."""
    starts = range(0, count, CHUNK)
    sizes = [min(CHUNK, count - start) for start in starts]
    scores = list(pool.map(play, starts, repeat(rules_at), sizes))
    return Score(
        sum(score.played for score in scores),
        sum(score.finalized for score in scores),
        tuple(seed for score in scores for seed in score.conflicts),
    )


def report(name: str, score: Score, seconds: float) -> None:
    """One line of figures."""
    first = f", first at seed {score.conflicts[0]}" if score.conflicts else ""
    print(
        f"{name:36} {score.played:8,} schedules, {score.finalized:8,} with something final, "
        f"{len(score.conflicts):6,} conflicts{first} ({seconds:.0f} s)",
        flush=True,
    )


def main(count: int) -> int:
    """Play everything; 0 when the rules hold and enough weakened ones do not."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        began = time.monotonic()
        sound = campaign(pool, ALL_RULES, count)
        report(Rules.name, sound, time.monotonic() - began)
        found = 0
        for at, rules in enumerate(WEAKENED):
            began = time.monotonic()
            score = campaign(pool, at, max(count // SHARE, 1))
            report(rules.name, score, time.monotonic() - began)
            found += bool(score.conflicts)
    told = two_handovers(TwoBases()) and not two_handovers(Rules())
    print(f"{'two handovers, told step by step':36} conflict only with {TwoBases.name}: {told}")
    return 0 if not sound.conflicts and found >= 4 and told else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
