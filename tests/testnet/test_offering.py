"""Clients that sign, offer, and do not give up: in virtual time, on a stage that takes notes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
import trio.testing

from chain.genesis import Genesis
from chain.transactions.envelope import Transaction, decode_transaction
from testnet.checkers.checker import Ending
from testnet.founding import make_genesis
from testnet.observation import BlockJoined, BlockLeft, TransactionOffered
from testnet.offering import RENEW_S, Clients, Offering, Payments
from testnet.recorder import Recorder
from testnet.scenario.model import AtTime, Load
from testnet.spec import LaunchSpec
from testnet.stage import Act, Standing, Undone

SPEC = LaunchSpec(name="offering", nodes=2)
GENESIS = make_genesis(SPEC, 1_000_000)
LOAD = Load(AtTime(0), 2_000, 4.0)
ENOUGH_S = 2.5


@dataclass
class NotingStage:
    """Implements testnet.stage.Stage as far as clients see it; nodes in `deaf` do not answer."""

    genesis: Genesis = GENESIS
    names: tuple[str, ...] = ("n1", "n2")
    deaf: list[str] = field(default_factory=list)
    answer: Callable[[Transaction], str] = lambda tx: ""
    offers: list[tuple[float, str, Transaction]] = field(default_factory=list)

    async def begin(self, act: Act) -> None:
        raise AssertionError("clients break nothing")

    async def end(self, act_id: str) -> Undone:
        raise AssertionError("clients break nothing")

    async def offer(self, node: str, raws: Sequence[bytes]) -> list[str] | None:
        await trio.lowlevel.checkpoint()
        txs = [decode_transaction(raw, self.genesis.hash) for raw in raws]
        self.offers += [(trio.current_time(), node, tx) for tx in txs]
        return None if node in self.deaf else [self.answer(tx) for tx in txs]

    async def look(self) -> tuple[Standing, ...]:
        return ()

    def unix_ms(self) -> int:
        return 1_000_000 + round(trio.current_time() * 1_000)

    async def finish(self) -> Ending:
        raise AssertionError("clients do not end a run")

    def ids(self) -> list[bytes]:
        return [tx.id for _, _, tx in self.offers]


def block(name: str, height: int, *txids: bytes) -> BlockJoined:
    return BlockJoined("n1", name, "", height, height, "", "", tuple(txid.hex() for txid in txids))


@asynccontextmanager
async def offering(stage: NotingStage, clients: int = 2) -> AsyncIterator[Recorder]:
    record = Recorder()
    accounts = Clients(SPEC, 0, clients, GENESIS.hash)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Offering(Payments(LOAD, accounts), stage.names, stage, record).run)
        yield record
        nursery.cancel_scope.cancel()


async def test_a_load_begins_with_the_first_block(autojump_clock: trio.testing.MockClock) -> None:
    stage = NotingStage()
    async with offering(stage) as record:
        await trio.sleep(5.0)
        assert stage.offers == []
        record.saw(block("a", 1))
        await trio.sleep(ENOUGH_S)
    assert len(stage.offers) == 8, "four a second for two seconds"
    assert min(at_s for at_s, _, _ in stage.offers) >= 5.0
    told = [seen.fact for seen in record.seen if isinstance(seen.fact, TransactionOffered)]
    assert [fact.transaction for fact in told] == [txid.hex() for txid in stage.ids()]


async def test_each_client_stays_with_its_node_and_leaves_no_gap(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = NotingStage()
    async with offering(stage) as record:
        record.saw(block("a", 1))
        await trio.sleep(ENOUGH_S)
    by_sender: dict[bytes, list[tuple[str, int]]] = {}
    for _, node, tx in stage.offers:
        by_sender.setdefault(tx.sender, []).append((node, tx.sequence))
    assert len(by_sender) == 2
    assert all([n for _, n in made] == [0, 1, 2, 3] for made in by_sender.values())
    assert all(len({node for node, _ in made}) == 1 for made in by_sender.values())


async def test_what_is_in_no_block_is_offered_again_elsewhere_in_order(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = NotingStage()
    async with offering(stage, clients=1) as record:
        record.saw(block("a", 1))
        await trio.sleep(ENOUGH_S)
        first = list(stage.offers)
        record.saw(block("b", 2, first[0][2].id))
        await trio.sleep(RENEW_S + 1.0)
    again = stage.offers[len(first) :]
    assert [tx.sequence for _, _, tx in again] == list(range(1, 8))
    assert {node for _, node, _ in first} == {"n1"}
    assert again[0][1] == "n2"


async def test_what_a_block_gave_up_is_offered_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = NotingStage()
    async with offering(stage, clients=1) as record:
        record.saw(block("a", 1))
        await trio.sleep(ENOUGH_S)
        made = stage.ids()
        record.saw(block("b", 2, *made))
        await trio.sleep(2 * RENEW_S)
        assert len(stage.offers) == len(made), "all are in a block"
        record.saw(BlockLeft("n1", "b", 2))
        await trio.sleep(RENEW_S - 1.0)
        assert len(stage.offers) == len(made), "its node returns them by itself"
        await trio.sleep(2.0)
    assert stage.ids() == [*made, *made]


async def test_a_node_that_does_not_answer_loses_its_clients(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = NotingStage(deaf=["n1"])
    async with offering(stage, clients=1) as record:
        record.saw(block("a", 1))
        await trio.sleep(ENOUGH_S)
    assert [node for _, node, _ in stage.offers][:2] == ["n1", "n2"]
    told = [seen.fact for seen in record.seen if isinstance(seen.fact, TransactionOffered)]
    assert [fact.code for fact in told][:2] == ["no-answer", ""]
