"""A full block over many nodes on the lines between cities: bytes, questions, time to reach all.

Compactly, and whole: by the same code told to put no compact block together. Computing takes no
virtual time, so the delays are those of the lines alone; `blocks_live` has the other half.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chain.genesis import Genesis
from p2p.peers.peer import PeerId
from p2p.protocol import blocklinks, rebuilding
from p2p.wire.codec import encode_message
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
)
from testnet.bench.plan import GossipPlan
from testnet.bench.sizes import Mint
from testnet.engines.population import EPOCH_MS, Network, Plan, Wires, populate
from testnet.engines.study import LEAD_S, Percentiles, Spread, percentiles
from testnet.founding import make_genesis
from testnet.latency import profile
from testnet.rig.behaviour import Item
from testnet.scenario.casting import BRICS
from testnet.spec import LOAD_SENDERS, LaunchSpec

NODES = 32
TRANSACTIONS = 2_000
SIZE = 250
INBOUND_MAX = 125
SPREAD_S = 5.0  # transactions are everywhere long before
LATE_S = 0.1  # before the block: late ones have not reached the other continents
TAIL_S = 3.0
ABOUT_BLOCKS = (
    AnnounceBlock
    | Blocks
    | BlockTransactions
    | CompactBlock
    | GetBlocks
    | GetBlockTransactions
    | GetCompactBlock
)


@dataclass(frozen=True, slots=True)
class BlockFigure:
    """One block over `nodes`; bytes sent by a node, delays in milliseconds from its making."""

    nodes: int
    reached: int
    sent_bytes: float
    delays: Percentiles
    unasked: int  # receivers that needed no question at all
    rounds: int  # receivers that had to ask for transactions, or for the whole block


@contextmanager
def wholly() -> Iterator[None]:
    """Blocks travel whole: nothing is put together, nobody is preferred."""
    tries, preferred = rebuilding.TRIES_MAX, blocklinks.PREFERRED
    rebuilding.TRIES_MAX = blocklinks.PREFERRED = 0
    try:
        yield
    finally:
        rebuilding.TRIES_MAX, blocklinks.PREFERRED = tries, preferred


def founding(slot_ms: int, genesis_ms: int, nodes: int) -> tuple[LaunchSpec, Genesis]:
    """A network with one producer; the genesis is of that time, the first block a slot later."""
    spec = LaunchSpec("bench", nodes=nodes, authorities=1, block_ms=slot_ms)
    return spec, replace(make_genesis(spec, genesis_ms), genesis_time_ms=genesis_ms)


def minted(spec: LaunchSpec, genesis: Genesis, count: int) -> list[bytes]:
    """Signed transactions of SIZE bytes, the senders in turn."""
    mint = Mint(spec, genesis, SIZE)
    return [mint.make(number % LOAD_SENDERS).raw for number in range(count)]


class Scale:
    """Weighs what a host says about blocks. Implements testnet.engines.host.Seat."""

    def __init__(self) -> None:
        self.bytes = 0
        self.asked = self.lacked = False

    def begin(self) -> None:
        """See Seat."""

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Seat."""
        for item in items:
            if isinstance(item, ABOUT_BLOCKS):
                self.bytes += len(encode_message(item))
            self.lacked |= isinstance(item, GetBlocks | GetBlockTransactions)
            self.asked |= isinstance(item, GetBlocks | GetBlockTransactions | GetCompactBlock)
        return items

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Seat."""
        return items


def measure_cities(
    late: int = 0, nodes: int = NODES, transactions: int = TRANSACTIONS
) -> BlockFigure:
    """One block in virtual time; `late` of its transactions come LATE_S before it is made."""
    block_s = LEAD_S + SPREAD_S
    spec, genesis = founding(round(block_s * 1_000), EPOCH_MS, nodes)
    spread = Spread()
    made = network(spec, genesis, spread)
    scales = [Scale() for _ in made.hosts]
    hosts = list(made.hosts.values())
    for host, scale in zip(hosts, scales, strict=True):
        host.seats["scale"] = scale
        host.start()
    raws = minted(spec, genesis, transactions)
    rng = random.Random(1)
    early = transactions - late
    for at_s, some in ((LEAD_S, raws[:early]), (block_s - LATE_S, raws[early:])):
        made.heap.run(at_s)
        for raw in some:
            (result,) = rng.choice(hosts).submit([raw])
            assert result.accepted, result.reason
    made.heap.run(block_s + TAIL_S)
    (block,) = {host.ledger.head.id: host.ledger.block_at(1) for host in hosts}.values()
    assert block is not None
    assert len(block.transactions) > transactions * 0.9, len(block.transactions)
    delays_s = spread.delays_s(tuple(made.hosts))
    return BlockFigure(
        nodes=nodes,
        reached=len(delays_s),
        sent_bytes=sum(scale.bytes for scale in scales) / nodes,
        delays=percentiles(delays_s),
        unasked=sum(not scale.asked for scale in scales) - 1,
        rounds=sum(scale.lacked for scale in scales),
    )


def network(spec: LaunchSpec, genesis: Genesis, spread: Spread) -> Network:
    """Hosts in the cities, wired as in the bench of gossip."""
    names = spec.node_names
    wired = GossipPlan(nodes=len(names)).dials()
    dials = {names[place]: tuple(names[o] for o in others) for place, others in enumerate(wired)}
    return populate(
        Plan(
            spec=spec,
            genesis=genesis,
            epoch_ms=EPOCH_MS,
            seed=1,
            cities=profile(BRICS).place(names),
            latency=BRICS,
            wires=Wires(dials, False, 0, INBOUND_MAX),
            uplinks_bps={},
        ),
        spread,
    )
