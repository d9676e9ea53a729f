"""Names that strangers gave: what is behind them is judged, and dialled as it was judged."""

import pytest
import trio

from p2p.net.transport import LinkClosed, parse_endpoint
from p2p.net.websocket import WebSocketTransport
from p2p.peers.contact import Reach

NAME = "peer.invalid"


class FakeNames:
    """A resolver that knows one name, and writes down what it is asked."""

    def __init__(self, *places: str) -> None:
        self._places = places
        self.asked: list[str] = []

    def __call__(self, name: str) -> list[str]:
        self.asked.append(name)
        if name != NAME:
            raise OSError(f"{name} is unknown")
        return list(self._places)


def named(address: str) -> str:
    return f"ws://{NAME}:{parse_endpoint(address, 'ws').port}"


@pytest.mark.parametrize("inside", ["127.0.0.1", "::1", "10.0.0.5", "169.254.169.254", "0.0.0.0"])
async def test_a_name_that_leads_into_our_own_network_is_not_dialled(
    nursery: trio.Nursery, inside: str
) -> None:
    names = FakeNames(inside, inside)
    transport = WebSocketTransport(nursery, look_up=names)
    with pytest.raises(LinkClosed, match=f"leads to {inside}"):
        await transport.dial(f"ws://{NAME}:4001", Reach.WORLD)
    assert names.asked == [NAME]


async def test_the_link_goes_to_the_address_that_was_judged(nursery: trio.Nursery) -> None:
    names = FakeNames("0.0.0.0", "127.0.0.1")  # the first cannot be dialled, whatever is there
    transport = WebSocketTransport(nursery, look_up=names)
    listener = await transport.listen("ws://127.0.0.1:0")
    link = await transport.dial(named(listener.address), Reach.HOST)
    accepted = await listener.accept()
    await link.send(b"found")
    assert await accepted.receive() == b"found"
    assert names.asked == [NAME], "what is looked up twice may be two places"
    for end in (link, accepted, listener):
        await end.aclose()


async def test_of_many_addresses_one_of_each_family_is_tried(nursery: trio.Nursery) -> None:
    heard: list[str] = []

    async def hear(stream: trio.SocketStream) -> None:
        heard.append(stream.socket.getsockname()[0])

    (server,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, hear, [server])
    port = server.socket.getsockname()[1]
    names = FakeNames("::1", "127.0.0.9", *["127.0.0.1"] * 50)
    with pytest.raises(LinkClosed, match=NAME):
        await WebSocketTransport(nursery, look_up=names).dial(f"ws://{NAME}:{port}", Reach.HOST)
    assert not heard, "nobody is at the two that count"
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("host", ["127.1", "localhost", "127.0.0.1", "[::ffff:127.0.0.1]"])
async def test_what_does_not_reach_so_far_by_itself_is_not_looked_up(
    nursery: trio.Nursery, host: str
) -> None:
    names = FakeNames("8.8.8.8")
    with pytest.raises(LinkClosed, match="nearer than the world"):
        await WebSocketTransport(nursery, look_up=names).dial(f"ws://{host}:4001", Reach.WORLD)
    assert names.asked == []


async def test_a_name_that_nobody_knows_is_nowhere(nursery: trio.Nursery) -> None:
    names = FakeNames()
    transport = WebSocketTransport(nursery, look_up=names)
    for name, reason in (("other.invalid", "unknown"), (NAME, "leads to nowhere")):
        with pytest.raises(LinkClosed, match=reason):
            await transport.dial(f"ws://{name}:4001", Reach.WORLD)


async def test_what_the_operator_has_named_may_lead_anywhere(nursery: trio.Nursery) -> None:
    names = FakeNames()
    transport = WebSocketTransport(nursery, look_up=names)
    listener = await transport.listen("ws://localhost:0")
    link = await transport.dial(listener.address)
    accepted = await listener.accept()
    assert names.asked == []
    for end in (link, accepted, listener):
        await end.aclose()
