"""Who is where, and who dials whom."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.peers.addressbook import group_of
from testnet.engines.population import GROUPS, address_of, ring_and_random


def test_every_host_has_an_address_and_as_long_as_there_are_any_a_network_of_its_own() -> None:
    addresses = [address_of(place) for place in range(10_000)]
    assert len(set(addresses)) == len(addresses)
    assert len({group_of(address) for address in addresses[:GROUPS]}) == GROUPS
    assert len({group_of(address) for address in addresses}) == GROUPS


@given(st.integers(2, 60), st.integers(1, 9), st.integers(0, 3))
def test_a_random_wiring_hangs_together_and_nobody_dials_itself_or_twice(
    nodes: int, degree: int, seed: int
) -> None:
    names = tuple(f"n{number}" for number in range(nodes))
    wired = ring_and_random(names, degree, seed)
    assert tuple(wired) == names
    for name, others in wired.items():
        assert name not in others
        assert len(set(others)) == len(others) == min(degree, nodes - 1)
    graph = nx.DiGraph([(name, other) for name, others in wired.items() for other in others])
    assert nx.is_strongly_connected(graph)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_wiring_follows_from_its_seed(seed: int) -> None:
    names = tuple(f"n{number}" for number in range(30))
    assert ring_and_random(names, 4, seed) == ring_and_random(names, 4, seed)
    assert ring_and_random(names, 4, seed) != ring_and_random(names, 4, 3)
