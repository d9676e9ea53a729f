"""Receipts from processes whose authorities change while they are under load."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chain.genesis import Genesis
from chain.primitives.did import parse_did
from p2p.api.client import Client
from testnet.observation import BlockJoined, Confirmed, Fact, Seen, SetConfirmed
from testnet.scenario.model import AtTime, Load
from testnet.seat_changes import SeatChanges
from testnet.senders import SEATS_MIN, LoadKind
from testnet.spec import load_spec
from tests.bench.finals import Finals
from tests.bench.receipts import ReceiptFigure, figure_of
from tests.live import cornerstone, loaded, running_testnet, until

NAME = "bench-receipts"
RATE = 50
LOAD_S = 600
STEP_S = 90.0
BLOCKS = 50
CHANGES = ("halved", "one added", "one removed", "one replaced", "three replaced", "all replaced")


@dataclass(frozen=True, slots=True)
class LiveFigure:
    """Receipts made under each set, `compared` final blocks of all nodes, and how many differ.

    `included_per_s` is what the last blocks carried.
    """

    receipts: tuple[ReceiptFigure, ...]
    included_per_s: float
    nodes: int
    compared: int
    disagree: int


class Parliament:
    """Carries changes of the authorities out on running nodes, by one node's word."""

    def __init__(self, genesis: Path, node: Client) -> None:
        spec = load_spec(genesis.with_name("spec.json"))
        chain = Genesis.decode(genesis.read_bytes()).hash
        every_second = Load(AtTime(0), 1_000 * len(CHANGES), 1.0, LoadKind.SEATS)
        self._changes = SeatChanges(every_second, spec, chain)
        self._network = spec.name
        self._node = node
        self._proposal = ""
        self._taken = 0

    def change(self, sets: int) -> bool:
        """Submit what is due, and look at what has come of it; whether that set has taken over."""
        for _, tx in self._changes.due(float(self._taken), self._node.status().slot):
            self._node.submit(tx.raw)
            if tx.body.KIND == "gov.propose":
                self._proposal = tx.id.hex()
        for fact in self._facts():
            self._changes.see(Seen(0.0, fact))
        return self._taken >= sets

    def _facts(self) -> Iterator[Fact]:
        proposal = self._node.transaction(self._proposal)
        if proposal.height is not None:
            yield BlockJoined("", "", "", proposal.height, 0, "", "", (self._proposal,))
            final = self._node.finality()
            yield Confirmed("", final.block, final.height, final.epoch, final.set_id, True)
            current = self._node.authorities().current
            if final.set_id == current.id > self._taken:
                self._taken = current.id
                seats = tuple(parse_did(s.did, self._network).hex() for s in current.seats)
                yield SetConfirmed("", current.id, seats)


def measure_live_receipts() -> LiveFigure:
    """Eight authorities at first, fifty transfers a second, a payment under each set."""
    with running_testnet(NAME, SEATS_MIN) as up, ExitStack() as opened:
        clients = {n["name"]: opened.enter_context(Client(n["api"])) for n in up["nodes"]}
        node, finals, genesis = clients["n1"], Finals(clients), Path(up["genesis"])
        finals.until(lambda: node.finality().height > 3, "final blocks", STEP_S)
        opened.enter_context(loaded(NAME, RATE, LOAD_S))
        parliament, paid = Parliament(genesis, node), [_payment()]
        for place, name in enumerate(CHANGES, start=1):
            finals.until(lambda sets=place: parliament.change(sets), name, STEP_S)  # type: ignore[misc]
            paid.append(_payment())
        until("the last is final", lambda: bool(node.transaction(paid[-1]).finalized), STEP_S)
        names = ("before", *(f"after {name}" for name in CHANGES))
        receipts = [node.receipt(txid) for txid in paid]
        compared, disagree = finals.compare()
        blocks = node.blocks(BLOCKS)
    raw = genesis.read_bytes()
    figures = [figure_of(name, receipt, raw) for name, receipt in zip(names, receipts, strict=True)]
    carried = sum(block.transaction_count for block in blocks)
    per_s = carried / (blocks[0].slot - blocks[-1].slot)
    return LiveFigure(tuple(figures), per_s, len(clients), compared, disagree)


def _payment() -> str:
    done = cornerstone(
        *("tx", "transfer", "--testnet", NAME, "--from", "alice", "--to", "bob"),
        *("--amount", "3", "--wait"),
    )
    return str(done["id"])
