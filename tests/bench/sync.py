"""A node joins late: twenty thousand blocks from good and bad peers, over real websockets.

Laid out so that what serves does not share a core's time with what syncs beyond need: each peer is
a process of its own with a copy of the history (a checkpoint: hard links), the joiner is this
process, with a store on disk, real threads for signatures and the real clock. On two cores the
serving still costs the joiner part of the second; the figures say how much processor time the
joiner itself took.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import trio

from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.hashing import Hash
from chain.store import RocksStore
from p2p.net.websocket import WebSocketTransport
from p2p.node import Node
from p2p.process import SWITCH_INTERVAL_S
from testnet.bench.machine import measure_verify_limit
from tests.bench.founding import World, found
from tests.bench.history import Shape, make_history
from tests.bench.sync_peers import Kind, Served, make_node, serve

SHAPE = Shape(20_000, 10)
ACCOUNTS = 1_000
PEERS = (*[Kind.HONEST] * 3, Kind.STALLING, Kind.LYING, Kind.SLOW)
TIMEOUT_S = 1_200.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Joined:
    """How a node got to the head: wall seconds, processor seconds, who was blamed for what.

    By how much the loop was late at most, and for how much of that it was at work itself: the rest
    is other processes' time.
    """

    took_s: float
    cpu_s: float
    loop_cpu_s: float
    lag_max_s: float
    lag_cpu_max_s: float
    totals: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class SyncFigure:
    """What was downloaded, checked and executed, beside the limit measured before and after."""

    shape: Shape
    made_s: float
    joined: Joined
    limit: float  # raw verifications a second on two threads

    @property
    def blocks_per_s(self) -> float:
        """Blocks a second."""
        return self.shape.blocks / self.joined.took_s

    @property
    def transactions_per_s(self) -> float:
        """Transactions a second."""
        return self.shape.transactions / self.joined.took_s

    @property
    def ratio(self) -> float:
        """Of what two threads could verify if they did nothing else."""
        return self.transactions_per_s / self.limit


async def join(
    world: World, folder: Path, addresses: tuple[str, ...], height: int, head: Hash
) -> Joined:
    """Sync a new node from these peers; it must end on the head that was made."""
    store = RocksStore(folder)
    with trio.fail_after(TIMEOUT_S):
        async with trio.open_nursery() as nursery:
            parts = make_node(world, store, "joiner", WebSocketTransport(nursery), addresses)
            start, cpu, loop_cpu = time.perf_counter(), time.process_time(), time.thread_time()
            await nursery.start(Node(parts).run)
            lag_max_s = lag_cpu_max_s = 0.0
            while parts.ledger.head.height < height:
                before, cpu_before = time.perf_counter(), time.thread_time()
                await trio.sleep(POLL_S)
                lag_max_s = max(lag_max_s, time.perf_counter() - before - POLL_S)
                lag_cpu_max_s = max(lag_cpu_max_s, time.thread_time() - cpu_before - POLL_S)
            joined = Joined(
                time.perf_counter() - start,
                time.process_time() - cpu,
                time.thread_time() - loop_cpu,
                lag_max_s,
                lag_cpu_max_s,
                parts.observer.totals(),
            )
            assert parts.ledger.head.id == head, "another chain than the one that was made"
            nursery.cancel_scope.cancel()
    return joined


def measure_sync(
    shape: Shape = SHAPE, kinds: tuple[Kind, ...] = PEERS, made: Path | None = None
) -> SyncFigure:
    """One run; `made` is where the history is, or is to be kept for the next run."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # as in a node of its own process
    world = found(ACCOUNTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        history = made or folder / "history"
        if not history.exists():
            make_history(world, shape, history)
        made_s = time.perf_counter() - start
        head, copies = copy_history(world, history, folder, kinds)
        before = measure_verify_limit().two_threads
        with serving(copies) as addresses:
            joined = trio.run(join, world, folder / "joiner", addresses, shape.blocks, head)
        after = measure_verify_limit().two_threads
    return SyncFigure(shape, made_s, joined, (before + after) / 2)


def copy_history(
    world: World, history: Path, folder: Path, kinds: tuple[Kind, ...]
) -> tuple[Hash, list[Served]]:
    """The history's head, and a copy of it for each peer: hard links, on one file system."""
    store = RocksStore(history)
    copies = [
        Served(f"{kind.name.lower()}-{number}", kind, folder / f"peer{number}")
        for number, kind in enumerate(kinds)
    ]
    for copy in copies:
        store.checkpoint(copy.folder)
    head = Ledger(world.genesis, store, engine_of(world.genesis)).head.id
    store.close()
    return head, copies


@contextmanager
def serving(copies: Sequence[Served]) -> Iterator[tuple[str, ...]]:
    """Peers in processes of their own, spawned: a store's threads do not survive a fork."""
    context = get_context("spawn")
    pipes = [context.Pipe() for _ in copies]
    peers = [
        context.Process(target=serve, args=(ACCOUNTS, copy, theirs))
        for copy, (_, theirs) in zip(copies, pipes, strict=True)
    ]
    for peer in peers:
        peer.start()
    try:
        yield tuple(str(ours.recv()) for ours, _ in pipes)
    finally:
        for peer in peers:
            peer.terminate()
            peer.join()


if __name__ == "__main__":
    print(measure_sync())
