"""A node that joins late: five thousand blocks of history from three peers, over real websockets.

The peers are processes of their own, forked with the history in memory; the joiner has a store on
disk, real threads for signatures and the real clock.
"""

import os
import random
import tempfile
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import trio

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.keys import KeyPair
from chain.store import MemoryStore, RocksStore
from p2p.clock import SystemClock
from p2p.config import NodeConfig
from p2p.net.websocket import WebSocketTransport
from p2p.node import Node, NodeParts
from p2p.observer import Observer
from p2p.verifier import ThreadVerifier
from tests.bench.founding import World, found, transfers

BLOCKS = 5_000
TRANSACTIONS_A_BLOCK = 4
PEERS = 3
ACCOUNTS = 1_000
TIMEOUT_S = 300.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class CatchUpFigure:
    """What was downloaded, checked and executed, per second."""

    blocks: int
    transactions: int
    blocks_per_s: float
    transactions_per_s: float


def make_history(world: World, ledger: Ledger) -> None:
    """Grow a chain of small blocks on a ledger, as its only authority."""
    pending = transfers(world, BLOCKS * TRANSACTIONS_A_BLOCK, random.Random(3))
    for number in range(BLOCKS):
        slot = number + 1
        first = number * TRANSACTIONS_A_BLOCK
        for tx in pending[first : first + TRANSACTIONS_A_BLOCK]:
            ledger.submit(tx, slot)
        draft = ledger.propose(slot, world.author)
        block = ledger.seal(draft, world.author, range(1))
        assert block is not None
        ledger.import_block(block, draft.transactions, slot)


def node(
    world: World, ledger: Ledger, name: str, bootstrap: tuple[str, ...], nursery: trio.Nursery
) -> Node:
    """A whole node on a websocket transport of loopback."""
    config = NodeConfig(
        name=name,
        data_dir=Path(),
        genesis=Path(),
        genesis_hash=world.genesis.hash,
        listen="ws://127.0.0.1:0",
        bootstrap=bootstrap,
    )
    return Node(
        NodeParts(
            config=config,
            identity=KeyPair.from_seed(name.encode().ljust(32, b".")),
            author=None,
            ledger=ledger,
            transport=WebSocketTransport(nursery),
            clock=SystemClock(),
            rng=random.Random(os.urandom(16)),
            verifier=ThreadVerifier(),
            observer=Observer(name),
        )
    )


def serve(world: World, ledger: Ledger, name: str, pipe: Connection) -> None:
    """A peer with the whole history, until the pipe closes."""

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            peer = node(world, ledger, name, (), nursery)
            pipe.send(await nursery.start(peer.run))
            await trio.to_thread.run_sync(pipe.poll, None)
            nursery.cancel_scope.cancel()

    trio.run(run)


async def join(world: World, folder: Path, addresses: tuple[str, ...]) -> float:
    """Seconds from the joiner's start to the head of the history."""
    ledger = Ledger(world.genesis, RocksStore(folder), engine_of(world.genesis))
    start = time.perf_counter()
    with trio.fail_after(TIMEOUT_S):
        async with trio.open_nursery() as nursery:
            joiner = node(world, ledger, "joiner", addresses, nursery)
            await nursery.start(joiner.run)
            while ledger.head.height < BLOCKS:  # noqa: ASYNC110 - no event is free of cost here
                await trio.sleep(POLL_S)
            took_s = time.perf_counter() - start
            nursery.cancel_scope.cancel()
    return took_s


def measure_catch_up() -> CatchUpFigure:
    """One run; the history is made once and shared by the peers."""
    world = found(ACCOUNTS)
    history = Ledger(world.genesis, MemoryStore(), engine_of(world.genesis))
    make_history(world, history)
    context = get_context("fork")
    pipes = [context.Pipe() for _ in range(PEERS)]
    peers = [
        context.Process(target=serve, args=(world, history, f"peer{number}", theirs))
        for number, (_, theirs) in enumerate(pipes)
    ]
    for peer in peers:
        peer.start()
    try:
        addresses = tuple(str(ours.recv()) for ours, _ in pipes)
        with tempfile.TemporaryDirectory() as folder:
            took_s = trio.run(join, world, Path(folder), addresses)
    finally:
        for peer in peers:
            peer.terminate()
            peer.join()
    count = BLOCKS * TRANSACTIONS_A_BLOCK
    return CatchUpFigure(BLOCKS, count, BLOCKS / took_s, count / took_s)


if __name__ == "__main__":
    print(measure_catch_up())
