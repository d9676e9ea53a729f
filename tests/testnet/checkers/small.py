"""A network of three real ledgers without wires, and the facts it gives: what checkers are fed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chain.block import Block, encode_block
from chain.genesis import Genesis
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    BlockFinalized,
    BlockJustified,
    Ledger,
    LedgerEvent,
    TransactionAdded,
    TransactionDropped,
)
from chain.parameters import Consensus
from chain.primitives.errors import Invalid
from chain.transactions.envelope import Transaction
from testnet import observation as seen
from testnet.checkers.catalogue import CHECKS
from testnet.checkers.checker import Ending, FinalNode, Ground
from testnet.checkers.panel import panel
from testnet.confirming import confirmed
from testnet.observation import Fact, Seen
from testnet.outcome import Violation
from testnet.scenario.model import Expectation, NetPlan, Scenario
from tests.chain.founding import AUTHORITIES, MINING, decoded, genesis, ledger

NODES = ("n1", "n2", "n3")
GENESIS = genesis()


def expected(name: str, **parameters: str) -> Expectation:
    """An expectation of that check, in the mode it has."""
    given = tuple((key.replace("_", "-"), text) for key, text in parameters.items())
    return Expectation(CHECKS[name].MODE, name, within_ms=30_000, parameters=given)


def ground(
    *expectations: Expectation, hostile: tuple[str, ...] = (), founding: Genesis = GENESIS
) -> Ground:
    """Three authors, blocks every second."""
    scenario = Scenario(
        "small", "", 60_000, net=NetPlan(nodes=3, block_ms=1_000), expectations=expectations
    )
    authors = tuple((n, p.did.hex()) for n, p in zip(NODES, AUTHORITIES, strict=True))
    return Ground(scenario, founding, NODES, authors, hostile)


class Small:
    """The network: blocks go where the test hands them. `seen` is what has been seen of it."""

    def __init__(self, consensus: Consensus = Consensus.AUTHORITY) -> None:
        self.genesis = genesis(consensus)
        self.now_s = 0.0
        self.seen: list[Seen] = []
        self.rejected: list[tuple[str, bytes]] = []
        self.ledgers: dict[str, Ledger] = {}
        for name in NODES:
            self.ledgers[name] = ledger(founding=self.genesis)
            self.start(name)

    def saw(self, fact: Fact) -> None:
        """Something is seen now."""
        self.seen.append(Seen(self.now_s, fact))

    def start(self, node: str) -> None:
        """A node serves (again), with the ledger it has."""
        self.saw(seen.NodeStarted(node))
        head = self.ledgers[node].head
        self.saw(self._joined(node, head.id, ()))

    def stop(self, node: str) -> None:
        """A node is killed."""
        self.saw(seen.NodeStopped(node, "killed"))

    def offer(self, node: str, tx: Transaction, slot: int = 0) -> None:
        """A client gives a node a transaction."""
        events = self.ledgers[node].submit(tx, slot)
        self.saw(
            seen.TransactionOffered(
                node, tx.id.hex(), tx.sender.hex(), tx.lane, tx.sequence, tx.expiry
            )
        )
        self._tell(node, events)

    def make(self, slot: int, by: str = "") -> Block:
        """The block of a slot, by its author; nobody has it yet."""
        author = AUTHORITIES[slot % 3] if not by else AUTHORITIES[NODES.index(by)]
        on = self.ledgers[by or NODES[slot % 3]]
        self.now_s = max(self.now_s, float(slot))
        block = on.seal(on.propose(slot, author.author), author.author, MINING)
        assert block is not None
        return block

    def give(self, block: Block, *nodes: str) -> None:
        """Hand a block to nodes, the first at once and each further one 0.1 s later."""
        for place, node in enumerate(nodes or NODES):
            if place:
                self.now_s += 0.1
            on = self.ledgers[node]
            try:
                events = on.import_block(block, decoded(on, block), block.header.slot)
            except Invalid:
                self.rejected.append((node, encode_block(block)))
                continue
            self._tell(node, events)

    def grow(self, slots: Iterable[int], *nodes: str) -> None:
        """Blocks for these slots, each made and handed to the nodes."""
        for slot in slots:
            self.give(self.make(slot), *nodes)

    def ending(self) -> Ending:
        """What is read out at the end."""
        return Ending(
            self.now_s, tuple(self._final(name) for name in NODES), 0.0, tuple(self.rejected)
        )

    def ground(self, *expectations: Expectation, hostile: tuple[str, ...] = ()) -> Ground:
        """Its ground."""
        return ground(*expectations, hostile=hostile, founding=self.genesis)

    def _final(self, name: str) -> FinalNode:
        on = self.ledgers[name]
        blocks = [on.block_at(height) for height in range(on.head.height + 1)]
        return FinalNode(
            name,
            True,
            True,
            tuple(encode_block(block) for block in blocks if block is not None),
            on.head.header.state.hex(),
            tuple(tx.id.hex() for tx in on.mempool),
            (("CNY", on.supply("CNY")),),
        )

    def _tell(self, node: str, events: Sequence[LedgerEvent]) -> None:
        for event in events:
            match event:
                case BlockConnected():
                    self.saw(self._joined(node, event.block_id, event.transactions))
                case BlockDisconnected():
                    self.saw(seen.BlockLeft(node, event.block_id.hex(), event.height))
                case BlockJustified() | BlockFinalized():
                    self.saw(confirmed(node, event))
                case TransactionAdded():
                    self.saw(seen.TransactionSeen(node, event.txid.hex()))
                case TransactionDropped():
                    self.saw(
                        seen.TransactionDropped(node, event.txid.hex(), event.code, event.reason)
                    )
                case _:
                    pass

    def _joined(
        self, node: str, block_id: bytes, transactions: Sequence[bytes]
    ) -> seen.BlockJoined:
        header = next(
            header
            for header in (on.header(block_id) for on in self.ledgers.values())  # type: ignore[arg-type]
            if header is not None
        )
        return seen.BlockJoined(
            node,
            header.id.hex(),
            header.parent.hex(),
            header.height,
            header.slot,
            header.author.hex(),
            header.state.hex(),
            tuple(txid.hex() for txid in transactions),
        )


def joined(
    node: str, block: str, parent: str, height: int, *transactions: str, slot: int = 0
) -> seen.BlockJoined:
    """A made-up block in a chain; its author is nobody in particular."""
    return seen.BlockJoined(node, block, parent, height, slot or height, "", "", transactions)


def branch(
    node: str, name: str, heights: Iterable[int], on: str = "g", at_s: float = 0.0
) -> list[Seen]:
    """A made-up branch, one block a second, on some block."""
    facts: list[Seen] = []
    for height in heights:
        block = f"{name}{height}"
        facts.append(Seen(at_s + len(facts), joined(node, block, on, height)))
        on = block
    return facts


def judged(
    facts: Iterable[Seen],
    *expectations: Expectation,
    hostile: tuple[str, ...] = (),
    on: Ground | None = None,
    ending: Ending | None = None,
) -> list[Violation]:
    """What the whole panel finds in these facts, in order of time, and in the ending if given."""
    checkers = panel(on or ground(*expectations, hostile=hostile))
    found: list[Violation] = []
    for each in sorted(facts, key=lambda each: each.at_s):
        for checker in checkers:
            found += checker.see(each)
    for checker in checkers if ending is not None else ():
        assert ending is not None
        found += checker.finish(ending)
    return found


def names(found: Iterable[Violation]) -> tuple[str, ...]:
    """Which checks spoke, each once."""
    return tuple(dict.fromkeys(violation.check for violation in found))


def verdicts(net: Small, *expectations: Expectation) -> tuple[str, ...]:
    """Which checks speak about a network as it is."""
    return names(judged(net.seen, on=net.ground(*expectations), ending=net.ending()))


def doctored(ending: Ending, node: int, **fields: object) -> Ending:
    """An ending in which one node's reading was changed."""
    nodes = list(ending.nodes)
    nodes[node] = replace(nodes[node], **fields)  # type: ignore[arg-type]
    return replace(ending, nodes=tuple(nodes))
