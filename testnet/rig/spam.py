"""Spam: floods every peer with one kind of thing, at a steady rate."""

from collections.abc import Callable
from itertools import count

import trio

from chain.primitives import cbor
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.keys import KeyPair
from chain.transactions.envelope import TRANSACTION_BYTES_MAX, Transaction
from p2p.net.transport import LinkClosed
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.codec import encode_message
from p2p.wire.messages import (
    BLOCKS_REQUEST_MAX,
    HEADERS_MAX,
    ID_BYTES,
    AnnounceBlock,
    Blocks,
    BlockTransactions,
    CompactBlock,
    GetBlocks,
    GetBlockTransactions,
    GetHeaders,
    GetPeers,
    GetTransactions,
    Headers,
    Peers,
    Transactions,
)
from p2p.wire.records import sign_record
from testnet.faults.byzantine import Spam
from testnet.rig.aim import is_for
from testnet.rig.behaviour import Host, Item
from testnet.rig.byzantine_sync import invented
from testnet.rig.held import HELD_MAX
from testnet.rig.quiet import Quiet
from testnet.rig.strays import SEED_BYTES, forged, newcomer

STEP_S = 0.05
"""Between two bursts: as even as a peer's budgets can tell."""

STOCK = 64
"""Templates of what is costly to make; a flood is not meant to slow down its own node."""

RECORDS = 16
"""Peer records in one message."""

IDS = 256
"""Transactions asked for at once; nobody has them."""

COMPACT_SHARE = 0.5
"""Of orphan blocks, how many come in compact form."""

HALF_OPEN_MAX = 256
"""Links begun and left: four times what one node shakes hands on at once."""

HALF_OPEN_S = 20.0
DIAL_S = 5.0
HELLO_BYTES = 32
"""What a handshake begins with: a public key, or anything that looks like one."""

OWN_REQUESTS = 1 << 31
"""Numbers of requests from here on are the flood's: its node must not see their answers."""

FOREIGN_KIND = 1_000
"""Kinds of message from here on are no protocol's of ours."""

EXPIRY_SLOTS = 1_000
SEAL_BYTES = 64


class Flooding(Quiet):
    """Sends each peer so many messages a second."""

    def __init__(self, kind: Spam, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._to = to

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._numbers = count(OWN_REQUESTS)
        self._owed = 0.0
        self._open = 0
        self._last_s = self._next_s = host.now().s
        self._transactions: list[Transaction] = []
        self._records: list[bytes] = []
        self._make = self._maker(self._kind.what)
        if self._kind.what == "handshakes":
            host.start(self._half_open)

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return [item for item in items if not _answers_the_flood(item)]

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return None if self._make is None else self._next_s

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        if self._make is None or now.s < self._next_s:
            return
        self._owed = min(self._owed + (now.s - self._last_s) * self._kind.rate_per_s, HELD_MAX)
        self._last_s, self._next_s = now.s, now.s + STEP_S
        items = [self._make() for _ in range(int(self._owed))]
        self._owed -= len(items)
        for peer in self.host.peers():
            if is_for(self.host, peer, self._to):
                for item in items:
                    self.host.send(peer, item)
                self.hits += len(items)

    def _maker(self, what: str) -> Callable[[], Item] | None:
        match what:
            case "valid":
                return self._valid
            case "invalid-signature":
                return self._invalid_signature
            case "orphan-blocks":
                return self._orphan
            case "oversized":
                return self._oversized
            case "unknown-kinds":
                return self._unknown_kind
            case "requests":
                return self._request
            case "addresses":
                return self._addresses
            case _:
                return None

    # What is sent

    def _valid(self) -> Item:
        """A registration: it costs its sender nothing but a signature."""
        return Transactions(0, (self._newcomer().raw,))

    def _invalid_signature(self) -> Item:
        if len(self._transactions) < STOCK:
            self._transactions.append(self._newcomer())
        template = self.host.rng.choice(self._transactions)
        return Transactions(0, (forged(template, self.host.rng),))

    def _orphan(self) -> Item:
        ledger, rng = self.host.ledger, self.host.rng
        height = ledger.head.height + rng.randrange(1, IDS)
        header = invented(ledger, rng, height, ledger.head.slot + 1, self._stray())
        seal = rng.randbytes(SEAL_BYTES)
        if rng.random() < COMPACT_SHARE:
            ids = tuple(rng.randbytes(ID_BYTES) for _ in range(IDS))
            return CompactBlock(header.raw, seal, (), rng.getrandbits(64), ids, (), ())
        return AnnounceBlock(header.raw, seal)

    def _oversized(self) -> Item:
        return encode_message(Transactions(0, (bytes(TRANSACTION_BYTES_MAX + 1),)))

    def _unknown_kind(self) -> Item:
        return cbor.encode([self.host.rng.randrange(FOREIGN_KIND, 2 * FOREIGN_KIND), b""])

    def _request(self) -> Item:
        ledger, number = self.host.ledger, next(self._numbers)
        match number % 5:
            case 0:
                return GetPeers(number)
            case 1:
                return GetHeaders(number, (ledger.chain,), HEADERS_MAX)
            case 2:
                top = ledger.head.height
                heights = range(max(0, top - BLOCKS_REQUEST_MAX + 1), top + 1)
                found = (ledger.block_id_at(height) for height in heights)
                return GetBlocks(number, tuple(i for i in found if i is not None))
            case 3:
                return GetBlockTransactions(number, ledger.head.id, tuple(range(IDS)))
            case _:
                return GetTransactions(number, tuple(self._stray() for _ in range(IDS)))

    def _addresses(self) -> Item:
        if len(self._records) < STOCK:
            self._records += [self._record() for _ in range(RECORDS)]
        return Peers(0, tuple(self.host.rng.sample(self._records, RECORDS)))

    def _record(self) -> bytes:
        rng = self.host.rng
        scheme = self.host.address_of(self.host.name).partition("://")[0]
        host = ".".join(str(rng.randrange(1, 255)) for _ in range(4))
        identity = KeyPair.from_seed(rng.randbytes(SEED_BYTES))
        address = f"{scheme}://{host}:{rng.randrange(1_024, 65_536)}"
        return sign_record(identity, self.host.ledger.chain, (address,), 1).raw

    def _newcomer(self) -> Transaction:
        ledger = self.host.ledger
        expiry = ledger.head.slot + min(EXPIRY_SLOTS, ledger.parameters.expiry_slots_max)
        return newcomer(self.host.rng, ledger.chain, expiry)

    def _stray(self) -> Hash:
        return Hash(self.host.rng.randbytes(HASH_BYTES))

    # Handshakes

    async def _half_open(self) -> None:
        """Begin links and leave them there, so many a second to each peer."""
        async with trio.open_nursery() as nursery:
            while True:
                for peer in self.host.peers():
                    name = self.host.name_of(peer)
                    if name and is_for(self.host, peer, self._to) and self._open < HALF_OPEN_MAX:
                        nursery.start_soon(self._begin_one, self.host.address_of(name))
                await trio.sleep(1 / self._kind.rate_per_s)

    async def _begin_one(self, address: str) -> None:
        self._open += 1
        link = None
        try:
            with trio.move_on_after(DIAL_S):
                link = await self.host.transport.dial(address)
            if link is not None:
                self.hits += 1
                if self.host.rng.random() < 0.5:  # the others say nothing at all
                    await link.send(self.host.rng.randbytes(HELLO_BYTES))
                with trio.move_on_after(HALF_OPEN_S):
                    await link.receive()
        except LinkClosed:
            return  # nobody there, or sent away: both are an answer
        finally:
            self._open -= 1
            if link is not None:
                with trio.CancelScope(shield=True):
                    await link.aclose()


def _answers_the_flood(item: Item) -> bool:
    match item:
        case Peers(number, _) | Headers(number, _) | Blocks(number, _) | Transactions(number, _):
            return number >= OWN_REQUESTS
        case BlockTransactions(number, _):
            return number >= OWN_REQUESTS
        case _:
            return False
