"""A script: carries out a bench's plan on py-libp2p's GossipSub, in any interpreter that has it.

It is run by its path, with the plan as JSON on standard input, and prints its meters as JSON; it
imports nothing of Cornerstone, so that py-libp2p may live in an environment of its own. Its nodes
talk over TCP, Noise and yamux with Ed25519 identities, and sign and check every message.
"""

import functools
import json
import logging
import math
import resource
import sys
import time
from typing import Any

import multiaddr
import psutil
import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub import gossipsub, pubsub
from libp2p.pubsub.rpc_queue import RpcQueue
from libp2p.tools.anyio_service import background_trio_service

TOPIC = "bench"
DEGREE, DEGREE_LOW, DEGREE_HIGH = 6, 4, 12
HEARTBEAT_S = 1
"""GossipSub's own recommendations, which go-libp2p and js-libp2p follow; py-libp2p has none."""

ENLARGED = 65_536
"""Messages that the queues of a peer and of a subscriber hold when they are enlarged."""

LINKED_S = 60.0
SETTLE_S = 5.0
TAIL_S = 0.5
LEAD_S = 0.2
LOOK_S = 0.05
NUMBER_BYTES = 4
COUNTED = {"bytes": 0, "bodies": 0, "announced": 0}


def meter() -> None:
    """Count what passes the sockets and what gossip receives."""
    socket: Any = trio.SocketStream
    send_all, push = socket.send_all, pubsub.Pubsub.push_msg
    heard = gossipsub.GossipSub.handle_ihave

    async def counted_send(self: Any, data: bytes) -> None:
        COUNTED["bytes"] += len(data)
        await send_all(self, data)

    async def counted_push(self: Any, forwarder: Any, message: Any) -> None:
        COUNTED["bodies"] += forwarder != self.my_id
        await push(self, forwarder, message)

    async def counted_ihave(self: Any, message: Any, sender: Any) -> None:
        COUNTED["announced"] += len(message.messageIDs)
        await heard(self, message, sender)

    socket.send_all = counted_send
    pubsub.Pubsub.push_msg = counted_push
    gossipsub.GossipSub.handle_ihave = counted_ihave


def enlarge() -> None:
    """Queues so long that nothing is dropped for want of room."""
    pubsub.SUBSCRIPTION_CHANNEL_SIZE = ENLARGED
    pubsub.RpcQueue = functools.partial(RpcQueue, max_size=ENLARGED)


class Peer:
    """One node: a host, its GossipSub, and when each message of the phase reached it."""

    def __init__(self, enlarged: bool) -> None:
        listen = [multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]
        self.host = new_host(key_pair=create_new_key_pair(), listen_addrs=listen)
        options: dict[str, Any] = {}
        if enlarged:
            options["max_messages_per_topic_per_second"] = math.inf
        router = gossipsub.GossipSub(
            [gossipsub.PROTOCOL_ID_V12, gossipsub.PROTOCOL_ID_V11],
            DEGREE,
            DEGREE_LOW,
            DEGREE_HIGH,
            heartbeat_interval=HEARTBEAT_S,
            **options,
        )
        self.pubsub = pubsub.Pubsub(self.host, router, cache_size=ENLARGED)
        self.times: list[float] = []
        self.missing = 0

    async def run(self, task_status: Any) -> None:
        """Serve, and note arrivals, until cancelled."""
        async with (
            self.host.run(listen_addrs=[multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]),
            background_trio_service(self.pubsub),
            background_trio_service(self.pubsub.router),
        ):
            await self.pubsub.wait_until_ready()
            subscription = await self.pubsub.subscribe(TOPIC)
            task_status.started()
            while True:
                message = await subscription.get()
                number = int.from_bytes(message.data[:NUMBER_BYTES], "big")
                if number < len(self.times) and math.isnan(self.times[number]):
                    self.times[number] = time.monotonic()
                    self.missing -= 1

    def links(self) -> int:
        """Peers it is connected to."""
        return len(self.host.get_network().connections)


async def publish(peer: Peer, issue: dict[str, Any], size: int, began_s: float) -> list[float]:
    """One issue of a phase; when each of its messages was published."""
    await trio.sleep_until(began_s + issue["at_s"])
    now_s = time.monotonic()
    for number in range(issue["first"], issue["first"] + issue["count"]):
        data = number.to_bytes(NUMBER_BYTES, "big") + bytes(size - NUMBER_BYTES)
        await peer.pubsub.publish(TOPIC, data)
    return [now_s] * issue["count"]


async def spread(peers: list[Peer], phase: dict[str, Any], size: int) -> dict[str, Any]:
    """One phase: publish, wait for everything or for as long as is allowed, read the meters."""
    total = phase["total"]
    for peer in peers:
        peer.times, peer.missing = [math.nan] * total, total
    before, cpu_s = dict(COUNTED), time.process_time()
    published = [math.nan] * total
    began_s = trio.current_time() + LEAD_S

    async def issue_one(issue: dict[str, Any]) -> None:
        first = issue["first"]
        times = await publish(peers[issue["node"]], issue, size, began_s)
        published[first : first + issue["count"]] = times

    with trio.move_on_after(phase["lasts_s"] + phase["patience_s"]):
        async with trio.open_nursery() as nursery:
            for issue in phase["issues"]:
                nursery.start_soon(issue_one, issue)
            while any(peer.missing for peer in peers):  # noqa: ASYNC110 - all alike, and cheap
                await trio.sleep(LOOK_S)
    await trio.sleep(TAIL_S)
    return {
        "cpu_s": time.process_time() - cpu_s,
        **{name: COUNTED[name] - before[name] for name in COUNTED},
        "published": published,
        "accepted": [peer.times for peer in peers],
    }


async def linked(peers: list[Peer], dials: list[list[int]]) -> float:
    """Connect the graph and wait until meshes have formed; how long connecting took, in seconds."""
    began_s = trio.current_time()
    addresses = [peer.host.get_addrs()[0] for peer in peers]
    with trio.fail_after(LINKED_S):
        for peer, others in zip(peers, dials, strict=True):
            for other in others:
                await peer.host.connect(info_from_p2p_addr(addresses[other]))
    linked_s = trio.current_time() - began_s
    await trio.sleep(SETTLE_S)
    return linked_s


async def bench(plan: dict[str, Any]) -> dict[str, Any]:
    """The whole plan."""
    meter()
    if plan["enlarged"]:
        enlarge()
    peers = [Peer(plan["enlarged"]) for _ in plan["dials"]]
    async with trio.open_nursery() as nursery:
        for peer in peers:
            await nursery.start(peer.run)
        linked_s = await linked(peers, plan["dials"])
        links = sum(peer.links() for peer in peers)
        resident = psutil.Process().memory_info().rss
        cpu_s = time.process_time()
        await trio.sleep(plan["idle_s"])
        found = {
            "links": links,
            "linked_s": linked_s,
            "idle_cpu_s": time.process_time() - cpu_s,
            "resident": resident,
            "phases": [await spread(peers, phase, plan["size"]) for phase in plan["phases"]],
            "links_lost": max(0, links - sum(peer.links() for peer in peers)),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024,
        }
        nursery.cancel_scope.cancel()
    return found


def main() -> None:
    """Read the plan, carry it out, print the meters."""
    logging.disable(logging.CRITICAL)
    plan = json.load(sys.stdin)
    json.dump(trio.run(bench, plan), sys.stdout)


if __name__ == "__main__":
    main()
