"""The event stream, driven as a server would."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from starlette.types import Message
from trio.testing import MockClock

from p2p.api.json_codec import Json
from tests.p2p.api.serving import Served, serve


class Socket:
    """The server's side of one websocket, without a network."""

    def __init__(self) -> None:
        self.to_app, self._from_client = trio.open_memory_channel[Message](10)
        self._to_client, self.from_app = trio.open_memory_channel[Message](0)

    async def receive(self) -> Message:
        return await self._from_client.receive()

    async def send(self, message: Message) -> None:
        await self._to_client.send(message)

    async def event(self) -> dict[str, Json]:
        message = await self.from_app.receive()
        assert message["type"] == "websocket.send", message
        event: dict[str, Json] = json.loads(message["text"])
        return event


@asynccontextmanager
async def connect(
    served: Served, query: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> AsyncIterator[Socket]:
    socket = Socket()
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"node"), *headers],
        "client": ("test", 1),
        "server": ("test", 2),
        "subprotocols": [],
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }
    async with trio.open_nursery() as nursery:
        nursery.start_soon(served.app, scope, socket.receive, socket.send)
        await socket.to_app.send({"type": "websocket.connect"})
        yield socket
        nursery.cancel_scope.cancel()


async def test_blocks_and_transactions_as_they_come(autojump_clock: MockClock) -> None:
    async with serve() as served, connect(served) as socket:
        assert (await socket.from_app.receive())["type"] == "websocket.accept"
        tx = served.founding.transfer(0)
        await served.node.submit([tx.raw])
        seen: list[dict[str, Json]] = []
        while not seen or seen[-1]["event"] != "block-connected":
            seen.append(await socket.event())
        assert {"event": "transaction-added", "id": tx.id.hex()} in seen
        assert seen[-1]["transactions"] == [tx.id.hex()]
        assert seen[-1]["author"]


async def test_only_what_was_asked_for(autojump_clock: MockClock) -> None:
    async with serve() as served, connect(served, "only=head-changed") as socket:
        await socket.from_app.receive()
        heads = [await socket.event() for _ in range(3)]
        assert {event["event"] for event in heads} == {"head-changed"}
        assert [event["depth"] for event in heads] == [0, 0, 0]


async def test_an_unknown_kind_is_refused_before_the_handshake(autojump_clock: MockClock) -> None:
    async with serve() as served, connect(served, "only=head-changed,blocks") as socket:
        refusal = await socket.from_app.receive()
        assert refusal["type"] == "websocket.http.response.start"
        assert refusal["status"] == 422
        body = await socket.from_app.receive()
        assert "'blocks'" in json.loads(body["body"])["detail"]


async def test_a_page_of_another_origin_is_kept_out(autojump_clock: MockClock) -> None:
    own = ((b"origin", b"http://node"),)
    async with serve() as served:
        for foreign in (b"http://evil.example", b"null", b"http://[node"):
            async with connect(served, headers=((b"origin", foreign),)) as socket:
                assert (await socket.from_app.receive())["status"] == 403
                await socket.from_app.receive()
        async with connect(served, headers=own) as socket:
            assert (await socket.from_app.receive())["type"] == "websocket.accept"


async def test_too_many_subscribers(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2p.api.event_routes.SUBSCRIBERS_MAX", 1)
    async with serve() as served, connect(served) as first:
        await first.from_app.receive()
        async with connect(served) as second:
            assert (await second.from_app.receive())["status"] == 429
            await second.from_app.receive()
        await first.to_app.send({"type": "websocket.disconnect", "code": 1000})
        await trio.testing.wait_all_tasks_blocked()
        async with connect(served) as third:
            assert (await third.from_app.receive())["type"] == "websocket.accept"


async def test_a_slow_reader_is_told_and_let_go(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2p.subscription.EVENTS_MAX", 16)
    async with serve() as served, connect(served, "only=head-changed") as socket:
        await socket.from_app.receive()
        await trio.sleep(32)  # of virtual time, in which nothing is read
        while (message := await socket.from_app.receive())["type"] == "websocket.send":
            last = json.loads(message["text"])
        assert last["event"] == "subscription-dropped"
        assert last["limit"] == 16
        assert message == {"type": "websocket.close", "code": 1013, "reason": "too slow"}
