"""Clients that behave badly: a process of their own, so that the nodes alone feel them."""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import httpx
import trio

from testnet.child import ChildMain
from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.faults.people import RequestFlood, SlowClient, StuckSubscriber
from testnet.node_runner import EXIT_REFUSED
from testnet.pipes import Hits, encode_answer, encode_started
from testnet.record import load_record
from testnet.stage import Act

STAY_S = 10.0
"""How long a client that does not read stays before it comes again: nodes let them go."""

TRY_AGAIN_S = 0.2
TURN_S = 0.05
ANSWER_S = 5.0
HITS_EVERY_S = 0.5
FLOODING_MAX = 64
"""Requests in flight at a time: more queue in the client, not in the node."""

SUBSCRIBE = (
    b"GET /v1/events HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y29ybmVyc3RvbmUtbGFicw==\r\n\r\n"
)
HALF_A_REQUEST = b"POST /v1/transactions HTTP/1.1\r\nHost: lab\r\nContent-Length: 1000000\r\n"

Job = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    """What the clients have done so far."""

    hits: int = 0


def clients_child(directory: NetDirectory, act: Act) -> ChildMain:
    """What the child that becomes the clients of a fault runs."""

    def main(end: socket.socket) -> int:
        apis = [node.api for node in load_record(directory).nodes if node.name in act.on]
        end.sendall(encode_started())
        trio.run(run_clients, act, apis, end)
        return EXIT_REFUSED  # only an end of the supervisor brings us here

    return main


async def run_clients(act: Act, apis: list[str], end: socket.socket) -> None:
    """Until the supervisor hangs up or ends this process."""
    end.setblocking(False)
    pipe = trio.socket.from_stdlib_socket(end)
    tally = Tally()
    async with trio.open_nursery() as nursery:
        for job in jobs_of(act, apis, tally):
            nursery.start_soon(job)
        nursery.start_soon(tell, pipe, act.id, tally)
        while await pipe.recv(1024):
            pass
        nursery.cancel_scope.cancel()


def jobs_of(act: Act, apis: list[str], tally: Tally) -> list[Job]:
    """One job for each client, or for each node that is flooded."""
    match act.kind:
        case StuckSubscriber(clients):
            return [partial(keep_open, api, SUBSCRIBE, tally) for api in apis * clients]
        case SlowClient(clients):
            return [partial(keep_open, api, HALF_A_REQUEST, tally) for api in apis * clients]
        case RequestFlood(rate_per_s):
            return [partial(flood, api, rate_per_s, tally) for api in apis]
        case kind:
            raise Unfit("not-clients", f"{kind.NAME} is nothing that clients do")


async def keep_open(api: str, words: bytes, tally: Tally) -> None:
    """Connect, say something, and read no answer; again and again."""
    _, _, address = api.partition("//")
    host, _, port = address.partition(":")
    while True:
        try:
            async with await trio.open_tcp_stream(host, int(port)) as stream:
                await stream.send_all(words)
                tally.hits += 1
                await trio.sleep(STAY_S)
        except (OSError, trio.BrokenResourceError):
            await trio.sleep(TRY_AGAIN_S)


async def flood(api: str, rate_per_s: float, tally: Tally) -> None:
    """Ask at a rate; what a node does not answer in time is asked again by the next request."""
    room = trio.CapacityLimiter(FLOODING_MAX)
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=ANSWER_S) as client:

        async def ask(number: int) -> None:
            async with room:
                path = "status" if number % 2 else "blocks/no-such-block"
                try:
                    await client.get(f"{api}/v1/{path}")
                except httpx.HTTPError:
                    await trio.sleep(TRY_AGAIN_S)

        due = 0.0
        async with trio.open_nursery() as nursery:
            while True:
                due += rate_per_s * TURN_S
                while due >= 1:
                    due -= 1
                    if room.statistics().tasks_waiting < FLOODING_MAX:
                        tally.hits += 1
                        nursery.start_soon(ask, tally.hits)
                await trio.sleep(TURN_S)


async def tell(pipe: trio.socket.SocketType, act_id: str, tally: Tally) -> None:
    """Tell the supervisor what has been done."""
    while True:
        await trio.sleep(HITS_EVERY_S)
        await pipe.send(encode_answer(Hits(((act_id, tally.hits),))))
