"""The API over real sockets: the client that the commands use, long polls, refusals, the end."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import pytest
import trio
from trio_websocket import open_websocket_url

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.store import MemoryStore
from p2p.api import client as client_module
from p2p.api.client import ApiError, Client, Unreachable, batches, connect
from p2p.api.json_codec import encode_json
from p2p.api.limits import BATCH_TRANSACTIONS_MAX
from p2p.api.server import bind, serve_api
from p2p.api.views import ProblemView
from p2p.node import Node
from tests.p2p.api.serving import make_node
from tests.p2p.founding import Founding, found

SLOT_MS = 50
WITHIN_S = 10.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Live:
    """A node that serves its API; cancelling `scope` stops it."""

    founding: Founding
    node: Node
    url: str
    scope: trio.CancelScope


@asynccontextmanager
async def served() -> AsyncIterator[Live]:
    """A node that makes a block every 50 ms, and its API's address."""
    founding = found(authorities=1, slot_ms=SLOT_MS)
    ledger = Ledger(founding.genesis, MemoryStore(), engine_of(founding.genesis))
    node = make_node(founding, ledger)
    with trio.fail_after(WITHIN_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(node.run)
            url: str = await nursery.start(serve_api, node, "127.0.0.1", 0)
            yield Live(founding, node, url, nursery.cancel_scope)
            nursery.cancel_scope.cancel()


async def away(call: Callable[[], T]) -> T:
    """The blocking client's work, in a thread."""
    return await trio.to_thread.run_sync(call)


async def test_every_question_over_a_socket() -> None:
    async with served() as live:

        def ask() -> None:
            with Client(live.url) as client:
                sent = [live.founding.transfer(n) for n in range(3)]
                assert client.submit(sent[0].raw).status == "accepted"
                verdicts = client.submit_many([tx.raw for tx in sent])
                assert [v.status for v in verdicts] == ["known", "accepted", "accepted"]
                view = client.wait(sent[-1].id.hex(), WITHIN_S)
                assert (view.status, view.ok) == ("included", True)
                assert view.height is not None
                block = client.block(view.height)
                assert block.id == view.block
                assert client.block(block.id) == block
                assert client.blocks(limit=1, before=view.height + 1)[0].id == block.id
                assert client.transaction(sent[0].id.hex()).status == "included"
                assert client.account("ann").sequences[0].next == 3
                history = client.account_transactions("bob", limit=2)
                assert [entry.id for entry in history.transactions] == [
                    tx.id.hex() for tx in (sent[2], sent[1])
                ]
                rest = client.account_transactions("bob", limit=2, before=history.next)
                assert [entry.id for entry in rest.transactions] == [sent[0].id.hex()]
                assert client.status().height >= view.height
                assert client.peers() == ()
                assert client.genesis() == live.founding.genesis.encode()
                assert client.proof("cur/CNY").value is not None

        await away(ask)


async def test_refusals_and_silence_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PROBE_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with served() as live:

            def ask() -> None:
                with Client(live.url) as client:
                    with pytest.raises(ApiError) as refused:
                        client.dataset("00" * 32)
                    assert (refused.value.status, refused.value.code) == (404, "unknown-dataset")
                    with pytest.raises(ApiError, match="no block at height 99999"):
                        client.block(99_999)
                with connect([deaf, "http://127.0.0.1:1", live.url]) as found_one:
                    assert found_one.url == live.url
                with pytest.raises(Unreachable, match="none of 2 nodes answers"):
                    connect([deaf, "http://127.0.0.1:1"])
                with Client(deaf, 0.2) as client, pytest.raises(Unreachable, match="no answer"):
                    client.status()

            await away(ask)


def unknown_path() -> bytes:
    """What a light node says to a request for the chain."""
    body = encode_json(ProblemView("about:blank", "Not Found", 404, "no '/x' here", "unknown-path"))
    head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def test_something_else_at_the_address() -> None:
    async def answer(reply: bytes, stream: trio.SocketStream) -> None:
        await stream.receive_some(65_536)
        await stream.send_all(reply)
        await stream.aclose()

    for reply, why in (
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "does not answer as a Cornerstone"),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"light":true}', "is a light node"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 without a problem document"),
        (unknown_path(), "it is a light node, which keeps no chain, or of another version"),
        (b"SSH-2.0-OpenSSH\r\n", "cannot reach a node"),
    ):
        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_tcp, partial(answer, reply), 0, host="127.0.0.1")
            listeners: list[trio.SocketListener] = await nursery.start(serve)
            port = listeners[0].socket.getsockname()[1]
            with (
                Client(f"http://127.0.0.1:{port}") as client,
                pytest.raises(Unreachable, match=why),
            ):
                await away(client.status)
            nursery.cancel_scope.cancel()


async def test_events_over_a_socket() -> None:
    async with (
        served() as live,
        open_websocket_url(
            f"{live.url.replace('http', 'ws')}/v1/events?only=head-changed"
        ) as events,
    ):
        assert '"event":"head-changed"' in await events.get_message()


async def test_the_end_comes_at_once_whoever_waits() -> None:
    async with served() as live:
        stream = await trio.open_tcp_stream("127.0.0.1", int(live.url.rpartition(":")[2]))
        path = f"/v1/transactions/{'00' * 32}?wait=60"
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: node\r\n\r\n".encode())
        async with open_websocket_url(f"{live.url.replace('http', 'ws')}/v1/events"):
            began = trio.current_time()
            live.scope.cancel()
    assert trio.current_time() - began < 2.0
    assert ("api_error", "internal") not in live.node.observer.totals()
    await stream.aclose()


def test_an_address_in_use_is_named() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=f"API on 127.0.0.1:{port}"):
            bind("127.0.0.1", port)


def test_batches_are_cut_by_count_and_by_size() -> None:
    assert batches([]) == []
    many = [b"x"] * (BATCH_TRANSACTIONS_MAX + 1)
    assert [len(part) for part in batches(many)] == [BATCH_TRANSACTIONS_MAX, 1]
    large = [bytes(64 * 1024)] * 130
    assert [len(part) for part in batches(large)] == [127, 3]
