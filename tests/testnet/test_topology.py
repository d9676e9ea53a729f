"""Every wiring connects all nodes, whatever their number; the seed decides the random one."""

import networkx
import pytest

from testnet.spec import Wiring
from testnet.topology import dials


def names(count: int) -> tuple[str, ...]:
    return tuple(f"n{number}" for number in range(1, count + 1))


@pytest.mark.parametrize("wiring", list(Wiring))
@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 20, 51])
def test_connected(wiring: Wiring, count: int) -> None:
    graph = networkx.Graph()
    graph.add_nodes_from(names(count))
    for name, others in dials(names(count), wiring, seed=3).items():
        assert name not in others
        graph.add_edges_from((name, other) for other in others)
    assert networkx.is_connected(graph)


def test_shapes() -> None:
    assert dials(names(4), Wiring.LINE, 0) == {
        "n1": (),
        "n2": ("n1",),
        "n3": ("n2",),
        "n4": ("n3",),
    }
    assert dials(names(4), Wiring.RING, 0)["n4"] == ("n1", "n3")
    assert dials(names(4), Wiring.STAR, 0)["n4"] == ("n1",)
    assert dials(names(4), Wiring.DISCOVER, 0)["n4"] == ("n1", "n2")


def test_the_seed_decides() -> None:
    assert dials(names(20), Wiring.RANDOM, 1) == dials(names(20), Wiring.RANDOM, 1)
    assert dials(names(20), Wiring.RANDOM, 1) != dials(names(20), Wiring.RANDOM, 2)
