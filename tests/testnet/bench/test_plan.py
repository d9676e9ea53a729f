"""A bench's plan: what it refuses, who is linked with whom, what is published."""

import networkx
import pytest

from testnet.bench.conductor import Loads
from testnet.bench.plan import GossipPlan, Topology, parse_nodes
from testnet.bench.sizes import SIZE_MAX, SIZE_MIN, TRANSFER_MAX, Mint
from testnet.errors import Unfit
from testnet.founding import make_genesis
from testnet.spec import LaunchSpec

SPEC = LaunchSpec("bench", nodes=8)
GENESIS = make_genesis(SPEC, 0)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"nodes": 1}, "--nodes with --topology random is 1; it can be 2 to 128"),
        ({"nodes": 66, "topology": Topology.ALL}, "2 to 65"),
        ({"processes": 9}, "--processes is 9; it can be 1 to 8"),
        ({"size": SIZE_MIN - 1}, "--size"),
        ({"burst": 0}, "--burst"),
        ({"rate": 0.0}, "--rate"),
        ({"rate": 5_000.0, "steady_s": 86_400.0}, "--rate times --steady is 432000000; it can be"),
        ({"eager": 9}, "--eager is 9; it can be 0 to 8"),
        ({"block_ms": 10}, "--block-time"),
    ],
)
def test_a_plan_that_cannot_be_says_why(changed: dict[str, int], says: str) -> None:
    with pytest.raises(Unfit, match=says):
        GossipPlan(**{"nodes": 8, **changed})  # type: ignore[arg-type]


def test_lists_of_nodes() -> None:
    assert parse_nodes("8") == (8,)
    assert parse_nodes("8,16,32") == (8, 16, 32)
    for wrong in ("", "8,", "eight", "8 16"):
        with pytest.raises(Unfit, match="--nodes"):
            parse_nodes(wrong)


@pytest.mark.parametrize("nodes", [2, 3, 8, 16, 32, 64, 128])
def test_the_random_graph_is_connected_of_degree_about_six_and_balanced(nodes: int) -> None:
    dials = GossipPlan(nodes).dials()
    edges = [(node, other) for node, others in enumerate(dials) for other in others]
    graph = networkx.Graph(edges)
    assert len(graph) == nodes
    assert graph.number_of_edges() == len(edges), "no pair is linked twice"
    assert networkx.is_connected(graph)
    assert max(map(len, dials)) <= 3
    assert max(dict(graph.degree).values()) <= 6
    if nodes >= 16:
        assert 2 * len(edges) / nodes > 5


def test_all_linked() -> None:
    dials = GossipPlan(8, topology=Topology.ALL).dials()
    assert sum(map(len, dials)) == 8 * 7 // 2


@pytest.mark.parametrize("size", [SIZE_MIN, 250, 268, TRANSFER_MAX + 8, 300, 400, SIZE_MAX])
def test_transactions_have_the_wanted_size(size: int) -> None:
    mint = Mint(SPEC, GENESIS, size)
    for _ in range(30):
        assert abs(len(mint.make(0).raw) - size) <= 1
    assert mint.make(0).sequence == 30


def test_loads_are_numbered_through_and_each_sender_has_one_publisher() -> None:
    plan = GossipPlan(16, burst=100)
    loads = Loads(plan, Mint(SPEC, GENESIS, plan.size))
    for load in (loads.unloaded(), loads.steady(), loads.burst()):
        numbers = [issue.first + place for issue in load.issues for place in range(len(issue.raws))]
        assert sorted(numbers) == list(range(len(load.ids))) == list(range(len(set(load.ids))))
        for issue in load.issues:
            publishers = load.publisher[issue.first : issue.first + len(issue.raws)]
            assert set(publishers) == {issue.node}
    assert GossipPlan(16).publishers == (0, 2, 4, 6, 8, 10, 12, 14)
    assert GossipPlan(16, from_one=True).publishers == (0,)
