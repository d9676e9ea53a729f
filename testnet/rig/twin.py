"""Twin and SharedKey: the producer's keys a second time, in a whole second node.

Twins in the sense of Diem's tests (Bano et al. 2020): what a node does whose operator has started
it twice is Byzantine, and nothing in either of the two knows it.
"""

import random
from pathlib import Path

import trio

from chain.ledger import BlockConnected, Ledger
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.store import Batch, KeyValueStore, MemoryStore
from p2p.config import NodeConfig, VotePolicy
from p2p.net.transport import LinkClosed
from p2p.node import Node, NodeParts
from p2p.observer import Observer
from p2p.protocol.instant import Now
from p2p.verifier import InlineVerifier
from testnet.rig.aim import is_for
from testnet.rig.behaviour import Host
from testnet.rig.quiet import Quiet
from testnet.rig.strays import SEED_BYTES, newcomer

LOOK_S = 0.2
"""How often a twin looks whether its host has peers that it could begin with."""

ROWS = 1_000
"""Copied at a time."""


class HostClock:
    """The host's clocks, wrong where they are. Implements p2p.clock.Clock."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def now(self) -> Now:
        """See Clock."""
        return self._host.now()

    async def running(self) -> None:
        """See Clock."""


class Doubling(Quiet):
    """Runs the second node, with the host's author, on a copy of its store: chain and guards.

    *Why a copy:* this is what is cloned with a machine; a key without its guard would not vote.

    The twin always has one transaction that nobody else knows. *Why:* two nodes with one key and
    the same transactions make the same block, and it would take a race for them to differ.
    Hits are the blocks by the author's key on the twin's chain that the first node does not have
    when they appear: those that the twin has made.
    """

    def __init__(self, to: frozenset[str], *, same_identity: bool) -> None:
        super().__init__()
        self._to = to
        self._same_identity = same_identity

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._secret: Hash | None = None
        host.start(self._live)

    async def _live(self) -> None:
        while not (bootstrap := self._bootstrap()):  # noqa: ASYNC110 - nobody tells of peers
            await trio.sleep(LOOK_S)
        node = self._node(bootstrap)
        async with node.subscribe() as events, trio.open_nursery() as nursery:
            try:
                await nursery.start(node.run)
            except LinkClosed:
                return  # no port is left on this machine
            self.hits += 1
            async for event in events:
                if isinstance(event, BlockConnected):
                    self._connected(event)
                    self._differ(node.ledger, event.slot)

    def _differ(self, twin: Ledger, slot: int) -> None:
        """See that the twin has a transaction of its own."""
        if self._secret is None or not twin.mempool.has(self._secret):
            lasts = twin.parameters.expiry_slots_max
            secret = newcomer(self.host.rng, twin.chain, slot + lasts)
            twin.submit(secret, slot)
            self._secret = secret.id

    def _connected(self, event: BlockConnected) -> None:
        author = self.host.author
        own = author is not None and event.author == author.did
        self.hits += own and not self.host.ledger.has_block(event.block_id)

    def _bootstrap(self) -> tuple[str, ...]:
        names = (
            self.host.name_of(peer)
            for peer in self.host.peers()
            if is_for(self.host, peer, self._to)
        )
        return tuple(self.host.address_of(name) for name in names if name)

    def _node(self, bootstrap: tuple[str, ...]) -> Node:
        host = self.host
        rng = random.Random(host.rng.getrandbits(64))
        stranger = KeyPair.from_seed(rng.randbytes(SEED_BYTES))
        name = f"{host.name}-twin"
        config = NodeConfig(
            name=name,
            data_dir=Path(),
            genesis=Path(),
            genesis_hash=host.ledger.chain,
            listen=f"{host.address_of(host.name).rpartition(':')[0]}:0",
            bootstrap=bootstrap,
            vote=VotePolicy.IF_SAFE,
        )
        return Node(
            NodeParts(
                config=config,
                identity=host.identity if self._same_identity else stranger,
                author=host.author,
                ledger=Ledger(host.ledger.genesis, copy_of(host.ledger.store), host.ledger.engine),
                transport=host.transport,
                clock=HostClock(host),
                rng=rng,
                verifier=InlineVerifier({}),
                observer=Observer(name),
            )
        )


def copy_of(store: KeyValueStore) -> MemoryStore:
    """All rows of a store. Raises StoreFailure."""
    copied, start = MemoryStore(), b""
    while rows := store.scan(b"", start, limit=ROWS):
        copied.write(Batch(dict(rows)))
        start = rows[-1][0] + b"\0"
    return copied
