"""Who dials whom at the start: a graph over the nodes, from networkx generators.

Every graph is connected, or the network could never converge; a test checks it for all sizes.
"""

import networkx

from testnet.spec import Wiring

RANDOM_DEGREE = 4
"""Each node's links in a random regular graph: connected with overwhelming probability at four."""

RANDOM_ATTEMPTS = 32
"""Seeds tried until a random graph is connected; one nearly always is enough."""

BOOTSTRAPS = 2
"""How many well-known nodes a discovering node is given: one can be down."""


def dials(names: tuple[str, ...], wiring: Wiring, seed: int) -> dict[str, tuple[str, ...]]:
    """For each node the nodes it dials, earlier ones of each pair dialled by later ones."""
    if wiring is Wiring.DISCOVER:
        known = names[:BOOTSTRAPS]
        return {name: tuple(other for other in known if other != name) for name in names}
    graph = edges(len(names), wiring, seed)
    chosen: dict[str, list[str]] = {name: [] for name in names}
    for low, high in sorted((min(edge), max(edge)) for edge in graph):
        chosen[names[high]].append(names[low])
    return {name: tuple(others) for name, others in chosen.items()}


def edges(count: int, wiring: Wiring, seed: int) -> list[tuple[int, int]]:
    """The undirected links of a wiring over `count` nodes numbered from 0."""
    match wiring:
        case Wiring.FULL | Wiring.DISCOVER:
            graph = networkx.complete_graph(count)
        case Wiring.RING:
            graph = networkx.cycle_graph(count) if count > 2 else networkx.path_graph(count)
        case Wiring.LINE:
            graph = networkx.path_graph(count)
        case Wiring.STAR:
            graph = networkx.star_graph(count - 1)
        case Wiring.RANDOM:
            graph = random_graph(count, seed)
    return [(int(a), int(b)) for a, b in graph.edges]


def random_graph(count: int, seed: int) -> "networkx.Graph[int]":
    """A connected random regular graph; complete when there are too few nodes for the degree."""
    if count <= RANDOM_DEGREE + 1:
        return networkx.complete_graph(count)
    for attempt in range(RANDOM_ATTEMPTS):
        graph = networkx.random_regular_graph(RANDOM_DEGREE, count, seed=seed + attempt)
        if networkx.is_connected(graph):
            return graph
    return networkx.cycle_graph(count)
