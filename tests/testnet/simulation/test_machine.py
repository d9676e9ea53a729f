"""Machines of a simulation: what their nodes' ends mean."""

from collections.abc import Callable
from itertools import count

import pytest
import trio

from chain.block import Block
from chain.consensus.finality.vote import SignedVote
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.store import KeyValueStore
from testnet.observation import NodeStarted, NodeStopped, Trouble
from testnet.outcome import Verdict
from testnet.rig.watched import WatchedLedger
from testnet.scenario.source import parse_scenario
from testnet.simulation import machine
from testnet.simulation.run import simulate
from tests.testnet.simulation.staged import Theatre, on_stage

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


def test_a_node_stays_down_while_anybody_holds_it() -> None:
    async def play(theatre: Theatre) -> None:
        first = theatre.machines[0]
        await trio.sleep(2.0)
        assert first.hold("one", "killed")
        await first.down()
        assert not first.hold("two", "killed")  # it was down by then
        first.release("one")
        await trio.sleep(2.0)
        assert not first.running
        assert first.holds("two")
        first.release("two")
        await trio.sleep(2.0)
        assert first.running
        assert not first.holds("two")
        lives = [
            type(seen.fact)
            for seen in theatre.record.seen
            if isinstance(seen.fact, NodeStarted | NodeStopped) and seen.fact.node == "n1"
        ]
        assert lives == [NodeStarted, NodeStopped, NodeStarted]

    on_stage(play)


def test_a_frozen_node_is_there_and_does_nothing() -> None:
    async def play(theatre: Theatre) -> None:
        first = theatre.machines[0]
        await trio.sleep(3.0)
        first.freeze("one")
        first.freeze("two")
        height = first.standing().height
        await trio.sleep(6.0)
        first.thaw("one")
        assert first.running
        assert first.frozen
        assert first.standing().height == height
        first.thaw("two")
        await trio.sleep(6.0)
        assert not first.frozen
        assert first.standing().height > height + 6

    on_stage(play)


def test_a_node_that_is_down_stands_nowhere_and_believes_nothing() -> None:
    async def play(theatre: Theatre) -> None:
        first = theatre.machines[0]
        await trio.sleep(6.0)
        assert len(first.final().blocks) > 2
        first.hold("one", "killed")
        await first.down()
        assert not first.standing().running
        assert first.glimpse() is None
        assert (first.final().running, first.final().blocks) == (False, ())

    on_stage(play)
