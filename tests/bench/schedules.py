"""Schedules of an adversary against finality: `python -m tests.bench.schedules [COUNT]`.

Plays COUNT random schedules (100,000 when left out) by the rules, which must leave no two final
blocks against each other, and a share of them by each weakened rule set, which must be found out.
`--jobs N` says on how many cores, all when left out. `--explore SLOTS` plays every schedule of a
bounded family instead; `--certificates` measures what verifying one costs.
"""

import argparse
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

from chain.consensus.authorityset import quorum
from chain.consensus.finality.certificate import check_signatures
from tests.chain.consensus.finality.explore import AUTHORITIES, Family, explore
from tests.chain.consensus.finality.model import Rules
from tests.chain.consensus.finality.test_schedules import two_handovers
from tests.chain.consensus.finality.weakened import WEAKENED, TwoBases, schedule
from tests.chain.consensus.finality.world import CHAIN, LINK, certify, parties, set_of

COUNT = 100_000
SHARE = 10
"""One schedule in so many is played by each weakened rule set too."""
CHUNK = 500
CHECKS = 200
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


def main(count: int, jobs: int) -> int:
    """Play everything; 0 when the rules hold and no weakened ones do."""
    with ProcessPoolExecutor(jobs) as pool:
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
    return 0 if not sound.conflicts and found == len(WEAKENED) and told else 1


def explored(slots: int, jobs: int) -> int:
    """Play every schedule of that many slots, whoever lies; 0 when none has a conflict."""
    families = [Family(slots, liar, ends) for ends in (False, True) for liar in range(AUTHORITIES)]
    conflicts = 0
    with ProcessPoolExecutor(jobs) as pool:
        results = pool.map(explore, families, repeat(Rules()))
        for family, found in zip(families, results, strict=True):
            print(f"{family}: {found.situations:,} situations, conflict: {found.conflict}")
            conflicts += found.conflict is not None
    return 1 if conflicts else 0


def verification(members: int) -> None:
    """How long a certificate of the least quorum takes to check, no signature known before."""
    authorities = parties(members)
    certificate = certify(LINK, authorities, range(quorum(members)))
    judges = set_of(authorities)
    times: list[float] = []
    for _ in range(CHECKS):
        began = time.perf_counter()
        check_signatures(certificate, judges, CHAIN)
        times.append(time.perf_counter() - began)
    size = len(certificate.encode())
    print(
        f"certificate of {quorum(members)} of {members}: {size} bytes, checked in "
        f"{min(times) * 1e3:.2f} ms at best, {statistics.median(times) * 1e3:.2f} ms in the middle"
    )


def command(arguments: list[str]) -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.schedules")
    parser.add_argument("count", type=int, nargs="?", default=COUNT)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--explore", type=int, metavar="SLOTS")
    parser.add_argument("--certificates", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.certificates:
        for members in (4, 7, 31):
            verification(members)
        return 0
    return explored(asked.explore, asked.jobs) if asked.explore else main(asked.count, asked.jobs)


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
