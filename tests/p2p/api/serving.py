"""A node on a virtual clock with its API called in process, for the tests of endpoints."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trio
from fastapi import FastAPI

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.keys import KeyPair
from chain.store import MemoryStore
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, sign_transaction
from p2p.api.app import create_app
from p2p.api.json_codec import Json
from p2p.clock import VirtualClock
from p2p.config import NodeConfig
from p2p.net.memory import MemoryNetwork
from p2p.node import Node, NodeParts
from p2p.observer import Observer
from p2p.verifier import InlineVerifier
from tests.p2p.founding import GENESIS_TIME_MS, Founding, found

EXPIRY = 5_000


@dataclass
class Served:
    """A running node that makes every block itself, its application, and a client."""

    founding: Founding
    node: Node
    app: FastAPI
    http: httpx.AsyncClient

    async def get(self, path: str, status: int = 200) -> dict[str, Json]:
        """GET, expecting a status; errors are checked to be problem documents."""
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return problem(answer) if status >= 400 else read_object(answer)

    async def post(self, body: bytes, media_type: str, accept: str = "*/*") -> httpx.Response:
        """POST to /v1/transactions."""
        headers = {"content-type": media_type, "accept": accept}
        return await self.http.post("/v1/transactions", content=body, headers=headers)

    async def turns_during(self, path: str) -> int:
        """How often others had their turn while a path was answered."""
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(others)
            assert (await self.http.get(path)).status_code == 200
            nursery.cancel_scope.cancel()
        return turns

    def sign(self, body: Body, sequence: int) -> Transaction:
        """A transaction of Ann."""
        ann = self.founding.ann
        chain = self.founding.genesis.hash
        return sign_transaction(ann.tx, chain, ann.did, 0, sequence, EXPIRY, body)

    async def include(self, tx: Transaction) -> None:
        """Submit and wait for its block."""
        (result,) = await self.node.submit([tx.raw])
        assert result.accepted, result.reason
        assert await self.node.wait_included(tx.id, 10)


def read_object(answer: httpx.Response) -> dict[str, Json]:
    """The JSON object of an answer."""
    value: Json = answer.json()
    assert isinstance(value, dict)
    return value


def problem(answer: httpx.Response) -> dict[str, Json]:
    """The problem document of an answer, checked as RFC 9457 has it."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = read_object(answer)
    assert document["status"] == answer.status_code
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["code"]
    assert document["detail"]
    return document


def make_node(founding: Founding, ledger: Ledger) -> Node:
    """A node on a memory transport, author of all blocks; its network is founded this moment."""
    genesis = founding.genesis
    config = NodeConfig(
        name="n0",
        data_dir=Path(),
        genesis=Path(),
        genesis_hash=genesis.hash,
        listen="mem://n0:1",
    )
    return Node(
        NodeParts(
            config=config,
            identity=KeyPair.from_seed(bytes(32)),
            author=founding.authorities[0].author,
            ledger=ledger,
            transport=MemoryNetwork().transport("n0"),
            clock=VirtualClock(GENESIS_TIME_MS - int(trio.current_time() * 1000)),
            rng=random.Random(0),
            verifier=InlineVerifier({}),
            observer=Observer("n0"),
        )
    )


@asynccontextmanager
async def serve() -> AsyncIterator[Served]:
    """A network of one node, with the first block made."""
    founding = found(authorities=1)
    ledger = Ledger(founding.genesis, MemoryStore(), engine_of(founding.genesis))
    node = make_node(founding, ledger)
    app = create_app(node)
    transport = httpx.ASGITransport(app)
    async with (
        trio.open_nursery() as nursery,
        httpx.AsyncClient(transport=transport, base_url="http://node") as http,
    ):
        await nursery.start(node.run)
        async with node.subscribe() as events:
            async for _ in events:
                if ledger.head.height:
                    break
        yield Served(founding, node, app, http)
        nursery.cancel_scope.cancel()
