"""Eclipse and Sybil: many identities where there should be one."""

import trio

from chain.block import encode_block
from p2p.protocol.compact import compact, transactions_at
from p2p.wire.messages import (
    Blocks,
    BlockTransactions,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    GetShort,
    GetTransactions,
    Headers,
    Message,
    Transactions,
)
from testnet.faults.byzantine import Eclipse, Sybil
from testnet.rig.aim import is_for
from testnet.rig.behaviour import Host
from testnet.rig.quiet import Quiet
from testnet.rig.strangers import Gang, Stranger

MS = 1_000
ARRIVE_S = 0.02
"""Between two identities' first steps: a machine shakes hands on fifty links a second."""

WAITING_EVERY = 4
SYBIL_LINKS = 3
"""Nodes that one identity joins: together they reach everybody."""

POLITE_BLOCKS = 8
POLITE_HEADERS = 512
"""What an identity gives at once, within what an honest node gives."""

LOOK_S = 0.5


class Meeting(Quiet):
    """A behaviour whose hits are the nodes its identities have met."""

    def _met(self) -> None:
        self.hits += 1


class Eclipsing(Meeting):
    """Eclipse: identities that connect to the victim, stay, and tell it of nobody but each other.

    Every WAITING_EVERYth only waits to be dialled. *Why:* whom the victim dials itself it trusts
    most. They answer pings and relay nothing.
    """

    def __init__(self, kind: Eclipse) -> None:
        super().__init__()
        self._kind = kind

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        host.start(self._surround)

    async def _surround(self) -> None:
        gang = Gang(self.host, _nothing, self._met)
        address = self.host.address_of(self._kind.victim)
        async with trio.open_nursery() as nursery:
            for number in range(1, 1 + self._kind.identities):
                waits = number % WAITING_EVERY == 0
                nursery.start_soon(Stranger(gang).live, [] if waits else [address])
                await trio.sleep(ARRIVE_S)


class Crowding(Meeting):
    """Sybil: identities that join some nodes, behave, leave after a while and come back as others.

    They serve what this node has and relay nothing.
    """

    def __init__(self, kind: Sybil, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._to = to

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        host.start(self._crowd)

    async def _crowd(self) -> None:
        gang = Gang(self.host, self._polite, self._met)
        async with trio.open_nursery() as nursery:
            for _ in range(self._kind.identities):
                nursery.start_soon(self._come_and_go, gang)
                await trio.sleep(ARRIVE_S)

    async def _come_and_go(self, gang: Gang) -> None:
        while True:
            names = [
                name
                for peer in self.host.peers()
                if (name := self.host.name_of(peer)) and is_for(self.host, peer, self._to)
            ]
            if not names:
                await trio.sleep(LOOK_S)
                continue
            chosen = gang.rng.sample(names, min(SYBIL_LINKS, len(names)))
            with trio.move_on_after(self._kind.stay_ms / MS):
                await Stranger(gang).live([self.host.address_of(name) for name in chosen])
            await trio.lowlevel.checkpoint()

    def _polite(self, message: Message) -> Message | None:
        ledger = self.host.ledger
        match message:
            case GetHeaders(request, locator, limit):
                found = ledger.headers_after(list(locator), min(limit, POLITE_HEADERS))
                return Headers(request, tuple((header.raw, seal) for header, seal in found))
            case GetBlocks(request, ids):
                blocks = [ledger.block(block_id) for block_id in ids[:POLITE_BLOCKS]]
                return Blocks(request, tuple(encode_block(b) for b in blocks if b is not None))
            case GetCompactBlock(block_id):
                block = ledger.block(block_id)
                return None if block is None else compact(block, 0, ())
            case GetBlockTransactions(request, block_id, places):
                block = ledger.block(block_id)
                raws = None if block is None else transactions_at(block, places)
                return BlockTransactions(request, tuple(raws or ()))
            case GetTransactions(request, _) | GetShort(request, _):
                return Transactions(request, ())
            case _:
                return None


def _nothing(message: Message) -> None:
    return None
