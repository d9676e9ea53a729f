"""A full block over many nodes on real websockets, all in this process.

One interpreter decodes, executes and stores the block for every node, so the time to reach all is
bound by one core; bytes and questions are what they would be anywhere.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import trio

from chain.block import Block
from chain.consensus.engine import Author
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger, LedgerEvent, SealedHeader
from chain.store import MemoryStore
from chain.transactions.document import Purpose
from chain.transactions.envelope import Transaction
from p2p.clock import SystemClock
from p2p.config import NodeConfig
from p2p.net.websocket import WebSocketTransport
from p2p.node import Node, NodeParts
from p2p.observer import Observer
from p2p.verifier import ThreadVerifier
from testnet.bench.plan import GossipPlan
from testnet.engines.study import percentiles
from testnet.founding import author, node_key
from testnet.ports import HOST, PortReservations
from testnet.spec import LaunchSpec
from tests.bench.blocks import NODES, TRANSACTIONS, BlockFigure, founding, minted

SLOT_MS = 45_000  # to link, to gossip and to go quiet in before the block
TAIL_S = 2.0
POLL_S = 0.02
PATIENCE_S = 120.0


class Noting(Ledger):
    """A ledger in memory that notes when the first block came."""

    def __init__(self, genesis: Genesis) -> None:
        super().__init__(genesis, MemoryStore(), engine_of(genesis))
        self.came_s = 0.0

    def import_block(
        self,
        block: Block,
        transactions: Sequence[Transaction],
        slot: int,
        above: Sequence[SealedHeader] = (),
    ) -> list[LedgerEvent]:
        """See Ledger."""
        events = super().import_block(block, transactions, slot, above)
        self.came_s = time.monotonic()
        return events


def measure_live(nodes: int = NODES, transactions: int = TRANSACTIONS) -> BlockFigure:
    """One block in real time."""
    return trio.run(_measure, nodes, transactions)


async def _measure(nodes: int, transactions: int) -> BlockFigure:
    spec, genesis = founding(SLOT_MS, time.time_ns() // 1_000_000, nodes)
    raws = minted(spec, genesis, transactions)
    ledgers = [Noting(genesis) for _ in range(nodes)]
    with closing(PortReservations()) as ports, trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as links, trio.open_nursery() as nursery:
            made = _nodes(spec, ledgers, WebSocketTransport(links), ports)
            for node in made:
                nursery.start_soon(node.run)
            await _until(lambda: all(len(node.peers()) > 1 for node in made))
            for number in range(8):
                await made[number * nodes // 8].submit(raws[number::8])
            await _until(lambda: all(len(led.mempool) == transactions for led in ledgers))
            assert ledgers[0].head.height == 0, "the transactions took longer than the slot"
            await trio.sleep(TAIL_S)
            before = _sent(made)
            await _until(lambda: all(led.head.height == 1 for led in ledgers))
            await trio.sleep(TAIL_S)
            figure = _figure(made, ledgers, before)
            nursery.cancel_scope.cancel()
            links.cancel_scope.cancel()
    return figure


def _figure(made: list[Node], ledgers: list[Noting], before: int) -> BlockFigure:
    start_s = min(ledger.came_s for ledger in ledgers)
    totals = Counter[str]()
    for node in made:
        for (counter, reason), total in node.observer.totals().items():
            if counter == "compact-blocks":
                totals[reason] += total
    rounds = len(made) - 1 - totals["rebuilt"] + totals["round-trips"]
    return BlockFigure(
        nodes=len(made),
        reached=len(ledgers),
        sent_bytes=(_sent(made) - before) / len(made),
        delays=percentiles([ledger.came_s - start_s for ledger in ledgers]),
        unasked=len(made) - 1 - rounds - totals["asked-for"],
        rounds=rounds,
    )


def _sent(made: list[Node]) -> int:
    return sum(peer.bytes_out for node in made for peer in node.peers())


async def _until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110 - thirty nodes, and nobody tells
        await trio.sleep(POLL_S)


def _nodes(
    spec: LaunchSpec,
    ledgers: list[Noting],
    transport: WebSocketTransport,
    ports: PortReservations,
) -> list[Node]:
    names = spec.node_names
    addresses = [f"ws://{HOST}:{ports.reserve(name)}" for name in names]
    dials = GossipPlan(nodes=len(names)).dials()
    verifier = ThreadVerifier()
    made: list[Node] = []
    for number, name in enumerate(names):
        organisation = author(spec, name)
        config = NodeConfig(
            name=name,
            data_dir=Path(),
            genesis=Path(),
            genesis_hash=ledgers[number].chain,
            listen=addresses[number],
            bootstrap=tuple(addresses[other] for other in dials[number]),
            explore=False,
            outbound_target=len(dials[number]),
        )
        made.append(
            Node(
                NodeParts(
                    config=config,
                    identity=node_key(spec, name),
                    author=None
                    if number
                    else Author(organisation.document().id, organisation.key(Purpose.SEAL)),
                    ledger=ledgers[number],
                    transport=transport,
                    clock=SystemClock(),
                    rng=random.Random(name),
                    verifier=verifier,
                    observer=Observer(name),
                )
            )
        )
    return made
