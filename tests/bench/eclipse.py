"""How many of a thousand eclipsed victims keep an honest peer, and what a sybil crowd captures."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from testnet.engines.poisoning import Captivity, Poisoning, captivity
from testnet.engines.study import Setup, Siege, Trial, eclipse, measure_siege, sybil
from testnet.spec import LOAD_SENDERS

SEEDS = 1_000
ABLATION_SEEDS = 100
SMALL_SEEDS = 2
NODES = 24  # a crowd of 480 that comes and goes costs more than a minute of processor time
SUPPLY = 20
STAY_S = 20.0
INBOUND_MAX = 20
KNOWN = 12
GROUPS = 64
UNTIL_S = 62.0
RESTART_S = 35.0
TRANSACTIONS = LOAD_SENDERS  # one each; more than one a second
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """So many seeds of one study."""

    name: str
    seeds: int
    free: int  # runs that end with an honest outbound peer
    fewest: int  # honest outbound peers in the worst run
    mean: float
    known_attackers: float
    tried_attackers: float
    wall_s: float


STUDIES = (
    ("as it is", Poisoning(), SEEDS),
    ("attackers in 8 networks", Poisoning(attacker_groups=8), ABLATION_SEEDS),
    ("attackers in 1,000 networks", Poisoning(attacker_groups=1_000), ABLATION_SEEDS),
    ("without anchors", Poisoning(anchors=False), ABLATION_SEEDS),
    ("the book lost as well", Poisoning(anchors=False, book=False), ABLATION_SEEDS),
)


def measure_poisonings() -> Iterator[Kept]:
    """Each study with as many seeds as it has, on all processors."""
    with ProcessPoolExecutor() as pool:
        for name, poisoning, seeds in STUDIES:
            began_s = time.perf_counter()
            work = partial(captivity, poisoning)
            runs = list(pool.map(work, range(1, seeds + 1), chunksize=AT_ONCE))
            yield summary(name, runs, time.perf_counter() - began_s)


def summary(name: str, runs: list[Captivity], wall_s: float) -> Kept:
    """What so many runs come to."""
    honest = [run.honest for run in runs]
    return Kept(
        name=name,
        seeds=len(runs),
        free=sum(count > 0 for count in honest),
        fewest=min(honest),
        mean=sum(honest) / len(runs),
        known_attackers=sum(run.known_attackers for run in runs) / len(runs),
        tried_attackers=sum(run.tried_attackers for run in runs) / len(runs),
        wall_s=wall_s,
    )


def measure_small_sieges(
    nodes: int = NODES, seeds: int = SMALL_SEEDS
) -> Iterator[tuple[str, list[Siege]]]:
    """Whole routers, a few seeds: an eclipse with a restart, and a crowd of twenty to one."""
    middle = nodes // 2
    restart = Trial(UNTIL_S, f"n{middle + 1}", RESTART_S, TRANSACTIONS)
    everybody = Trial(UNTIL_S, transactions=TRANSACTIONS)
    identities = nodes * SUPPLY
    setups = [
        Setup(nodes, known=min(KNOWN, nodes), inbound_max=INBOUND_MAX, seed=seed)
        for seed in range(1, seeds + 1)
    ]
    yield (
        "eclipse and restart",
        [measure_siege(s, eclipse(s, middle, identities, GROUPS), restart) for s in setups],
    )
    yield (
        "sybil",
        [measure_siege(s, sybil(s, identities, STAY_S, GROUPS), everybody) for s in setups],
    )
