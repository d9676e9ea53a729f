"""How a load begins while nodes die: whoever answers says where an account is."""

import httpx
import pytest

from testnet.asking import Unanswered
from testnet.errors import LaunchFailure
from testnet.nodeapi import NodeApi
from testnet.verbs_load import next_sequence


class Survivors(NodeApi):
    """Nodes of which only some answer."""

    def __init__(self, alive: dict[str, int]) -> None:
        super().__init__(httpx.AsyncClient())
        self.alive = alive
        self.asked: list[str] = []

    async def next_sequence(self, api: str, did: str) -> int:
        self.asked.append(api)
        if api not in self.alive:
            raise Unanswered(f"{api} hung up")
        return self.alive[api]


async def test_a_node_that_is_dead_when_a_load_begins_does_not_end_it() -> None:
    nodes = Survivors({"b": 7, "c": 8})
    assert await next_sequence(nodes, ["a", "b", "c"], "did") == 7
    assert nodes.asked == ["a", "b"]


async def test_with_no_node_alive_the_last_answer_is_told() -> None:
    nodes = Survivors({})
    with pytest.raises(LaunchFailure, match="no node answers; the last: b hung up"):
        await next_sequence(nodes, ["a", "b"], "did")
