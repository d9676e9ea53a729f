"""Who dials whom at the start: a connected graph over the nodes, whatever the wiring.

Written out rather than taken from networkx, which is the oracle of the tests: importing it would
cost every start of a testnet a sixth of a second.
"""

import random

from testnet.spec import Wiring

RANDOM_DEGREE = 4
"""Links of each node in a random wiring: two random rings laid over each other, so it is always
connected, and no two nodes are far apart."""

BOOTSTRAPS = 2
"""How many well-known nodes a discovering node is given: one can be down."""

Edge = tuple[int, int]


def dials(names: tuple[str, ...], wiring: Wiring, seed: int) -> dict[str, tuple[str, ...]]:
    """For each node the nodes it dials; of each linked pair the later node dials the earlier."""
    if wiring is Wiring.DISCOVER:
        known = names[:BOOTSTRAPS]
        return {name: tuple(other for other in known if other != name) for name in names}
    chosen: dict[str, list[str]] = {name: [] for name in names}
    for low, high in sorted({(min(edge), max(edge)) for edge in edges(len(names), wiring, seed)}):
        if low != high:
            chosen[names[high]].append(names[low])
    return {name: tuple(others) for name, others in chosen.items()}


def edges(count: int, wiring: Wiring, seed: int) -> list[Edge]:
    """The links of a wiring over `count` nodes numbered from 0; some may be listed twice."""
    match wiring:
        case Wiring.FULL | Wiring.DISCOVER:
            return [(a, b) for b in range(count) for a in range(b)]
        case Wiring.RING:
            return ring(list(range(count)))
        case Wiring.LINE:
            return [(a, a + 1) for a in range(count - 1)]
        case Wiring.STAR:
            return [(0, b) for b in range(1, count)]
        case Wiring.RANDOM:
            rng = random.Random(seed)
            rings = RANDOM_DEGREE // 2
            return [edge for _ in range(rings) for edge in ring(rng.sample(range(count), count))]


def ring(order: list[int]) -> list[Edge]:
    """Each node with the next, the last with the first."""
    return [(node, order[(place + 1) % len(order)]) for place, node in enumerate(order)]
