"""One router and its peers, played by a test: say this, see exactly those effects."""

import random

from chain.block import Block
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.primitives.keys import verify_all
from chain.store import MemoryStore
from chain.transactions.envelope import decode_transaction
from p2p.peers.addressbook import AddressBook
from p2p.peers.contact import Contact
from p2p.peers.peer import PeerId
from p2p.protocol.discovery import Connected, DiscoverySettings
from p2p.protocol.effects import CheckSignatures, Count, Effect, Notify
from p2p.protocol.gossip import GossipSettings
from p2p.protocol.instant import Now
from p2p.protocol.router import Router, RouterParts
from p2p.wire.messages import GetPeers, Hello, Message
from tests.p2p.founding import GENESIS_TIME_MS, Founding, found
from tests.parties import Party

ANN, BOB, CAT = (PeerId(name * 32) for name in (b"a", b"b", b"c"))
FOUNDING = found(authorities=4)
SLOT_NOW = 1000


def parse(raw: bytes) -> Contact:
    return Contact(PeerId(raw.ljust(32, b".")), (f"mem://{raw.decode()}",), 1, raw)


def make_ledger(founding: Founding = FOUNDING) -> Ledger:
    return Ledger(founding.genesis, MemoryStore(), engine_of(founding.genesis))


def extend(ledger: Ledger, count: int, founding: Founding = FOUNDING) -> list[Block]:
    """Blocks in the next slots, each by its authority; the ledger has them afterwards."""
    made: list[Block] = []
    slot = ledger.head.slot
    while len(made) < count:
        slot += 1
        block = propose(ledger, slot, founding.authorities)
        if block is not None:
            made.append(block)
    return made


def propose(ledger: Ledger, slot: int, authorities: tuple[Party, ...]) -> Block | None:
    for party in authorities:
        try:
            draft = ledger.propose(slot, party.author)
        except Declined:
            continue
        block = ledger.seal(draft, party.author, range(1))
        assert block is not None
        ledger.import_block(block, draft.transactions, slot)
        return block
    return None


class Conversation:
    """A router without an author under test, its clock, and what it has asked to be done."""

    def __init__(
        self,
        founding: Founding = FOUNDING,
        author: Party | None = None,
        gossip: GossipSettings = GossipSettings(),  # noqa: B008 - a frozen value
    ) -> None:
        self.founding = founding
        self.ledger = make_ledger(founding)
        self.s = 100.0
        self.router = Router(
            RouterParts(
                ledger=self.ledger,
                author=None if author is None else author.author,
                book=AddressBook(PeerId(b"." * 32), bytes(32)),
                discovery=DiscoverySettings((), 8, parse),
                rng=random.Random(1),
                gossip=gossip,
            )
        )

    def now(self) -> Now:
        since_ms = round((self.s - 100.0) * 1000)
        return Now(self.s, GENESIS_TIME_MS + SLOT_NOW * 1000 + since_ms)

    def connect(
        self,
        peer: PeerId,
        height: int = 0,
        head: Hash | None = None,
        capabilities: tuple[str, ...] = (),
        *,
        outbound: bool = False,
        address: str = "mem://x",
        origin: str = "",
    ) -> list[Effect]:
        hello = Hello(
            version_min=1,
            version_max=1,
            network="test",
            genesis=self.founding.genesis.hash,
            capabilities=capabilities,
            record=peer[:1],
            height=height,
            head=head or self.ledger.head.id,
            finalized_height=0,
            finalized=self.founding.genesis.hash,
            agent="test",
        )
        new = Connected(peer, address, outbound, hello, origin)
        return shown(self.router.connected(new, self.now()))

    def say(self, peer: PeerId, message: Message) -> list[Effect]:
        return shown(self.router.receive(peer, message, self.now()))

    def wait(self, seconds: float) -> list[Effect]:
        """Time passes; ticks happen when the router wants them."""
        end = self.s + seconds
        effects: list[Effect] = []
        while True:
            deadline = self.router.deadline_s()
            if deadline is None or deadline > end:
                self.s = end
                return shown(effects)
            self.s = max(self.s + 0.0001, deadline)
            effects += self.router.tick(self.now())

    def verify(self, effects: list[Effect]) -> list[Effect]:
        """Carry out the signature checks among the effects; what the router then wants."""
        after: list[Effect] = []
        for effect in effects:
            if isinstance(effect, CheckSignatures):
                verdicts = verify_all(effect.checks)
                after += self.router.signatures_checked(effect.job, verdicts, self.now())
        return shown(after)


def shown(effects: list[Effect]) -> list[Effect]:
    """Without figures, notices and the small talk of discovery."""
    return [
        effect
        for effect in effects
        if not isinstance(effect, Count | Notify)
        and not isinstance(getattr(effect, "message", None), GetPeers)
    ]


def txids(block: Block, founding: Founding = FOUNDING) -> list[Hash]:
    return [decode_transaction(raw, founding.genesis.hash).id for raw in block.transactions]
