"""Machines of a simulation: what their nodes' ends mean."""

from collections.abc import Callable
from itertools import count

import pytest

from chain.block import Block
from chain.consensus.finality.vote import SignedVote
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.store import KeyValueStore
from testnet.observation import Trouble
from testnet.outcome import Verdict
from testnet.rig.watched import WatchedLedger
from testnet.scenario.source import parse_scenario
from testnet.simulation import machine
from testnet.simulation.run import simulate

RESTART = """
scenario = 1
name = "restart"
duration = "8s"
[net]
nodes = 2
[[fault]]
id = "restart"
at = "3s"
for = "1s"
do = "process.kill"
on = "n1"
"""
NODES = 2


class Unopenable(WatchedLedger):
    """Opens for each node once; its data contradict themselves the next time."""

    opened = count()

    def __init__(
        self,
        genesis: Genesis,
        store: KeyValueStore,
        refused: Callable[[Block], None],
        voted: Callable[[Ledger, SignedVote], None] | None = None,
    ) -> None:
        assert next(self.opened) < NODES, "what is stored contradicts itself"
        super().__init__(genesis, store, refused, voted)


def test_a_node_that_falls_over_its_own_data_is_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "WatchedLedger", Unopenable)
    outcome = simulate(parse_scenario(RESTART), 1)
    assert (outcome.verdict, outcome.failed) == (Verdict.SAFETY, ("no-trouble",))
    troubles = [seen.fact for seen in outcome.seen if isinstance(seen.fact, Trouble)]
    assert {trouble.node for trouble in troubles} == {"n1"}
    assert "contradicts itself" in troubles[0].detail
