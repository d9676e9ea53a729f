"""A network without nodes: one chain that all fake nodes share, a block a second, all in trio time.

Like the real one it orders each sender's transactions strictly, keeps those that are ahead, and
forgets what a node had not passed on when the node dies.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import trio

from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import Transaction, decode_transaction
from testnet.agreement import ChainView, Witness
from testnet.asking import BlockContent, Unanswered, Verdict

CHAIN = Hash(bytes(32))
GENESIS = BlockContent("g", "", 0, (), ())
BLOCK_S = 1.0


@dataclass
class FakeNode:
    """`hoards`: passes nothing on, so that its death loses what it took."""

    alive: bool = True
    hoards: bool = False
    full: int = 0  # so many more transactions are refused
    pool: dict[bytes, Transaction] = field(default_factory=dict)
    requests: int = 0


class FakeNetwork:
    """Implements testnet.asking.Nodes; `run` makes the blocks."""

    def __init__(self, *apis: str) -> None:
        self.nodes = {api: FakeNode() for api in apis}
        self.blocks = [GENESIS]
        self._next: dict[bytes, int] = {}
        self._grown = trio.Event()

    async def run(self) -> None:
        while True:
            await trio.sleep(BLOCK_S)
            self._make_block()

    def kill(self, api: str) -> None:
        node = self.nodes[api]
        node.alive = False
        node.pool.clear()
        self._grown.set()
        self._grown = trio.Event()

    def _make_block(self) -> None:
        chosen: list[bytes] = []
        pooled = {i: tx for n in self.nodes.values() if n.alive for i, tx in n.pool.items()}
        for tx in sorted(pooled.values(), key=lambda tx: tx.sequence):
            if tx.sequence == self._next.get(tx.sender, 0):
                self._next[tx.sender] = tx.sequence + 1
                chosen.append(tx.id)
        for node in self.nodes.values():
            for identity in chosen:
                node.pool.pop(identity, None)
        parent = self.blocks[-1]
        name = sha256(parent.id.encode()).hex()
        self.add(BlockContent(name, parent.id, parent.height + 1, tuple(chosen), ()))

    def add(self, block: BlockContent) -> None:
        """A block that every node now has for its head."""
        self.blocks.append(block)
        self._grown.set()
        self._grown = trio.Event()

    async def _ask(self, api: str) -> FakeNode:
        await trio.sleep(0.001)
        node = self.nodes[api]
        node.requests += 1
        if not node.alive:
            raise Unanswered(api)
        return node

    async def head(self, api: str) -> str:
        await self._ask(api)
        return self.blocks[-1].id

    async def block(self, api: str, key: str | int) -> BlockContent:
        await self._ask(api)
        for block in self.blocks:
            if key in (block.id, block.height):
                return block
        raise Unanswered(f"no block {key}")

    async def submit(self, api: str, raws: Sequence[bytes]) -> list[Verdict]:
        node = await self._ask(api)
        verdicts = []
        for raw in raws:
            tx = decode_transaction(raw, CHAIN)
            if node.full:
                node.full -= 1
                verdicts.append(Verdict("mempool-full", again=True))
                continue
            if tx.sequence >= self._next.get(tx.sender, 0):
                holders = [node] if node.hoards else list(self.nodes.values())
                for holder in holders:
                    holder.pool[tx.id] = tx
            verdicts.append(Verdict("", again=False))
        return verdicts

    async def follow(self, api: str, heard: Callable[[str], Awaitable[None]]) -> None:
        while True:
            grown = self._grown
            await heard(await self.head(api))
            await grown.wait()

    def witness(self, name: str, api: str) -> Witness:
        async def view() -> ChainView | None:
            try:
                await self._ask(api)
            except Unanswered:
                return None
            head = self.blocks[-1]
            return ChainView(name, head.height, head.id, 0, 1, 0, "")

        async def block_id(height: int) -> str | None:
            return self.blocks[height].id if height < len(self.blocks) else None

        return Witness(name, view, block_id)
