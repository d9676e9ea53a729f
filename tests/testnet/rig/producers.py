"""A dishonest producer's node, and an honest router that hears what it says."""

from dataclasses import dataclass

from chain.block import Block
from chain.ledger import Ledger
from chain.transactions.envelope import Transaction, decode_transaction
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Penalize, Send
from p2p.wire.messages import AnnounceBlock, CompactBlock, Message
from testnet.faults.byzantine import ByzantineKind
from testnet.rig.behaviour import Behaviour
from testnet.rig.behaviours import behaviour_of
from tests.p2p.founding import GENESIS_TIME_MS
from tests.p2p.protocol.conversation import FOUNDING, Conversation, extend, make_ledger
from tests.testnet.rig.fake_host import ANN, BOB, FakeHost

LIAR = PeerId(b"l" * 32)


@dataclass
class Stage:
    """The liar's node with its behaviour, and the last block it has made."""

    host: FakeHost
    behaviour: Behaviour
    block: Block

    @property
    def announcement(self) -> AnnounceBlock:
        """What the node itself says of its block."""
        return AnnounceBlock(self.block.header.raw, self.block.seal)

    def announce(self, *peers: PeerId) -> dict[PeerId, list[Message]]:
        """The node announces its block; what each of these peers hears."""
        for peer in peers:
            for item in self.behaviour.outgoing(peer, [self.announcement]):
                self.host.send(peer, item)
        return self.heard()

    def heard(self) -> dict[PeerId, list[Message]]:
        """What has been sent since the last call, by peer."""
        heard: dict[PeerId, list[Message]] = {}
        for peer, item in self.host.sent:
            assert not isinstance(item, bytes)
            heard.setdefault(peer, []).append(item)
        self.host.sent.clear()
        return heard

    def asked(self, peer: PeerId, message: Message) -> list[Message]:
        """A peer asks something; what the behaviour answers by itself."""
        self.behaviour.incoming(peer, [message])
        return self.heard().get(peer, [])


def stage(kind: ByzantineKind, *to: str, height: int = 5, transactions: int = 0) -> Stage:
    """A node that has made the newest of `height` blocks, with transactions in the last two."""
    ledger = make_ledger()
    extend(ledger, height - 2)
    pay(ledger, 0, transactions)
    block = pay(ledger, transactions, transactions)
    author = next(p.author for p in FOUNDING.authorities if p.did == block.header.author)
    host = FakeHost(ledger=ledger, author=author, connected=[ANN, BOB], unix_ms=GENESIS_TIME_MS)
    behaviour = behaviour_of(kind, to)
    behaviour.begin(host)
    return Stage(host, behaviour, block)


Shown = AnnounceBlock | CompactBlock
FORMS: tuple[type[Shown], ...] = (AnnounceBlock, CompactBlock)


def showing(
    form: type[Shown], kind: ByzantineKind, *to: str, height: int = 5, transactions: int = 0
) -> tuple[Stage, dict[PeerId, list[Message]]]:
    """A liar that happens to show its block in this form, and what its peers hear."""
    for seed in range(64):
        liar = stage(kind, *to, height=height, transactions=transactions)
        liar.host.rng.seed(seed)
        liar.behaviour.begin(liar.host)
        heard = liar.announce(ANN, BOB)
        lies = [said for all_ in heard.values() for said in all_ if said != liar.announcement]
        if all(isinstance(lie, form) for lie in lies):
            return liar, heard
    raise AssertionError(f"no seed shows a {form.__name__}")


def pay(ledger: Ledger, first: int, count: int) -> Block:
    """One more block, with this many transfers of Ann's."""
    for sequence in range(first, first + count):
        ledger.submit(FOUNDING.transfer(sequence), ledger.head.slot + 1)
    (block,) = extend(ledger, 1)
    return block


def honest(of: Stage, *, behind: int = 1) -> Conversation:
    """An honest node whose chain ends that many blocks below the liar's; the liar is a peer."""
    listener = Conversation()
    chain = of.host.ledger
    for height in range(1, chain.head.height + 1 - behind):
        block = chain.block_at(height)
        assert block is not None
        listener.ledger.import_block(block, decoded(block), block.header.slot)
    listener.connect(LIAR)
    listener.wait(0.1)
    return listener


def decoded(block: Block) -> list[Transaction]:
    """A block's transactions."""
    return [decode_transaction(raw, FOUNDING.genesis.hash) for raw in block.transactions]


def converse(of: Stage, listener: Conversation, as_peer: PeerId, said: list[Message]) -> list[str]:
    """Everything said to the honest node, its questions answered; the codes of its penalties."""
    codes: list[str] = []

    def follow(effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Penalize):
                codes.append(effect.code)
            if isinstance(effect, Send) and effect.peer == LIAR:
                for answer in of.asked(as_peer, effect.message):
                    heard(answer)

    def heard(message: Message) -> None:
        effects = listener.say(LIAR, message)
        follow(effects)
        follow(listener.verify(effects))
        follow(listener.wait(0.01))

    for message in said:
        heard(message)
    return codes
