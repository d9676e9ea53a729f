"""What one node of a running testnet is seen to do: its event stream, read as facts.

Each stream is opened again when it breaks: a node that was killed comes back. Events that were
missed in between are not made up; the head alone is repeated, as after a start.

A reorganisation is told when its last step is known. *Why:* its blocks are asked for one by one,
and on a busy machine whoever judges would take a step in the middle for what the node chose.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import trio
from trio_websocket import ConnectionClosed, HandshakeError, wrap_client_stream

from chain.primitives.did import parse_did
from chain.primitives.errors import Refusal
from p2p.api.client import ApiError
from p2p.api.views import BlockView
from testnet.asking import Unanswered
from testnet.nodeapi import NodeApi
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Confirmed,
    EvidenceSeen,
    Fact,
    SetConfirmed,
    TransactionDropped,
    TransactionSeen,
)

RETRY_S = 0.1
SHAKE_S = 5.0
"""A node that has not opened its event stream by then is paused, or ends."""

BLOCKS_MAX = 10_000
"""Blocks remembered, so that each is asked for once and not once by every node's watch."""

ONLY = (
    "block-connected,block-disconnected,block-justified,block-finalized,head-changed,"
    "transaction-added,transaction-dropped,evidence-found"
)
EVENTS = f"/v1/events?only={ONLY}"
BROKEN = (
    *(ConnectionClosed, HandshakeError, trio.TooSlowError, trio.BrokenResourceError),
    *(OSError, ValueError, KeyError, Unanswered, ApiError, Refusal),
)
"""What ends a stream when its node ends, pauses, or finds us too slow."""

Tell = Callable[[Fact], None]


class BlockBook:
    """Blocks by id, shared by all watches of a testnet."""

    def __init__(self, api: NodeApi, network: str) -> None:
        self._api = api
        self._network = network
        self._known: dict[str, BlockView] = {}

    def identity(self, did: str) -> str:
        """A DID of the testnet as facts have it. Raises Refusal."""
        return parse_did(did, self._network).hex()

    async def joined(self, node: str, url: str, block_id: str) -> BlockJoined:
        """The fact that a block joined a node's chain. Raises Unanswered, ApiError."""
        block = self._known.get(block_id)
        if block is None:
            block = await self._api.block_view(url, block_id)
            if len(self._known) >= BLOCKS_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[block_id] = block
        return BlockJoined(
            node=node,
            block=block.id,
            parent=block.parent,
            height=block.height,
            slot=block.slot,
            author=self.identity(block.author),
            state=block.state_root,
            transactions=tuple(included.id for included in block.transactions),
        )


class Steps:
    """A node's facts in their order, the steps of one reorganisation all at once."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._held: list[Fact] = []

    def take(self, fact: Fact) -> None:
        """The next fact: a block that left is held, and so is whatever comes until `over`."""
        if self._held or isinstance(fact, BlockLeft):
            self._held.append(fact)
        else:
            self._tell(fact)

    def over(self) -> None:
        """The head has moved to where it belongs."""
        held, self._held = self._held, []
        for fact in held:
            self._tell(fact)

    def forget(self) -> None:
        """The rest of a reorganisation was missed, so nothing is told of it."""
        self._held.clear()


class NodeWatch:
    """Follows one node, while it is known to serve.

    `pending` are the transactions in its mempool, as its events tell.
    """

    def __init__(
        self,
        name: str,
        url: str,
        api: NodeApi,
        book: BlockBook,
        serving: Callable[[], bool],
        tell: Tell,
    ) -> None:
        self.pending: dict[str, None] = {}
        self._name = name
        self._url = url
        self._api = api
        self._book = book
        self._serving = serving
        self._told_to = tell
        self._steps = Steps(self._tell)
        self._skip_to = 0
        self._set = 0

    async def run(self) -> None:
        """Tell of everything, until cancelled."""
        while True:
            while not self._serving():  # noqa: ASYNC110 - it is told of its start first
                await trio.sleep(RETRY_S)
            try:
                await self._follow()
            except* BROKEN:
                pass  # the node has gone, is paused, or has let us go; it will be back
            await trio.sleep(RETRY_S)

    async def _follow(self) -> None:
        """One event stream, over a TCP stream of ours. *Why ours:* see p2p.net.websocket."""
        authority = self._url.partition("//")[2]
        host, _, port = authority.partition(":")
        async with (
            await trio.open_tcp_stream(host, int(port)) as stream,
            trio.open_nursery() as nursery,
        ):
            with trio.fail_after(SHAKE_S):
                events = await wrap_client_stream(nursery, stream, authority, EVENTS)
                await self._begin()
            while True:
                await self._read(json.loads(await events.get_message()))

    def _tell(self, fact: Fact) -> None:
        """What comes out of a socket after the node's end is not told: it would be news of then."""
        if self._serving():
            self._told_to(fact)

    async def _begin(self) -> None:
        self.pending.clear()
        self._steps.forget()
        status = await self._api.status(self._url)
        fact = await self._book.joined(self._name, self._url, status.head)
        self._skip_to = fact.height
        self._tell(replace(fact, transactions=()))

    async def _read(self, event: Any) -> None:
        match event["event"]:
            case "block-connected":
                await self._connected(str(event["block"]), int(event["height"]))
            case "block-disconnected":
                self._skip_to = 0
                self._steps.take(BlockLeft(self._name, str(event["block"]), int(event["height"])))
            case "block-justified" | "block-finalized" as kind:
                place = str(event["block"]), int(event["height"]), int(event["epoch"])
                final, by = kind == "block-finalized", int(event["set"])
                self._steps.take(Confirmed(self._name, *place, by, final))
                if final and by > self._set:
                    await self._confirmed(by)
            case "evidence-found":
                author = self._book.identity(str(event["offender"]))
                self._steps.take(EvidenceSeen(self._name, author, str(event["offence"])))
            case "head-changed":
                self._steps.over()
            case "transaction-added":
                self.pending[str(event["id"])] = None
                self._steps.take(TransactionSeen(self._name, str(event["id"])))
            case "transaction-dropped":
                self.pending.pop(str(event["id"]), None)
                dropped = str(event["id"]), str(event["code"]), str(event["reason"])
                self._steps.take(TransactionDropped(self._name, *dropped))
            case _:
                raise ValueError(f"an event that was not asked for: {event!r}")

    async def _confirmed(self, by: int) -> None:
        """Another set makes blocks final: who is in it, unless the next is in force already."""
        current = (await self._api.authorities(self._url)).current
        if current.id == by:
            self._set = by
            seats = tuple(self._book.identity(seat.did) for seat in current.seats)
            self._steps.take(SetConfirmed(self._name, by, seats))

    async def _connected(self, block_id: str, height: int) -> None:
        if height <= self._skip_to:
            return  # it came between the opening of the stream and the answer about the head
        self._skip_to = 0
        fact = await self._book.joined(self._name, self._url, block_id)
        for transaction in fact.transactions:
            self.pending.pop(transaction, None)
        self._steps.take(fact)
