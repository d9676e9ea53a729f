"""Death of process or machine at every point of the store's work, modelled and real."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from chain import tables
from chain.block import Block
from chain.ledger import Ledger
from chain.primitives.errors import StoreFailure
from chain.primitives.hashing import Hash
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.store import Batch, Durability, KeyValueStore, MemoryStore, RocksStore
from chain.transactions.envelope import Transaction
from testnet.simulation.disk import SimDisk
from tests.chain.founding import AUTHORITIES, SUPPLY, decoded, grow, ledger, transfer

ROWS_MAX = 1_000_000
TRUNCATIONS = 30
TRUNCATIONS_LONG = 100


LONG = 40  # blocks of the story that only the slow run plays


@dataclass(frozen=True, slots=True)
class Story:
    """Blocks in the order they arrive: a chain, a fork of it that wins, and its growth."""

    blocks: tuple[tuple[Block, tuple[Transaction, ...]], ...]
    head: Hash


class Dead(BaseException):
    """The process ends here."""


class Mortal:
    """A store whose process dies before or after the n-th write."""

    def __init__(self, inner: KeyValueStore, dies_at: int, *, after: bool) -> None:
        self.inner = inner
        self.writes = 0
        self.dies_at = dies_at
        self.after = after
        self.get = inner.get
        self.get_many = inner.get_many
        self.scan = inner.scan
        self.close = inner.close

    def write(self, batch: Batch, *, durable: bool = False) -> None:
        self.writes += 1
        if self.writes == self.dies_at and not self.after:
            raise Dead
        self.inner.write(batch, durable=durable)
        if self.writes == self.dies_at:
            raise Dead


def pay(on: Ledger, slot: int, count: int) -> tuple[Transaction, ...]:
    payer = slot % len(AUTHORITIES)
    sequence = on.next_sequence(AUTHORITIES[payer].did, 0)
    payee = (payer + 1) % len(AUTHORITIES)
    return tuple(transfer(sequence + n, payer=payer, payee=payee) for n in range(count))


def branch(on: Ledger, slots: range) -> list[tuple[Block, tuple[Transaction, ...]]]:
    made = []
    for slot in slots:
        txs = pay(on, slot, 2)
        made.append((grow(on, slot, *txs), txs))
    return made


@pytest.fixture(scope="module", params=[2, pytest.param(5, marks=pytest.mark.slow)])
def story(request: pytest.FixtureRequest) -> Story:
    """Some forks, each a few blocks longer than what it replaces."""
    trunk, blocks = MemoryStore(), []
    first = ledger(trunk)
    blocks += branch(first, range(1, 6))
    for turn in range(request.param):
        start = first.head.slot + 10
        other = ledger()
        chain = [first.block_at(height) for height in range(1, first.head.height - 1)]
        for block in chain:
            assert block is not None
            other.import_block(block, decoded(other, block), 10**6)
        blocks += branch(first, range(start, start + 2))
        blocks += branch(other, range(start + 3, start + 9 + turn % 2))
        for block, txs in blocks:
            if not first.has_block(block.header.id):
                first.import_block(block, txs, 10**6)
        assert first.head.id == other.head.id, "the longer branch has won"
    return Story(tuple(blocks), first.head.id)


def play(store: KeyValueStore, story: Story) -> list[Hash]:
    """Import what the ledger does not have; the ids of those whose import returned."""
    on = ledger(store)
    done = []
    for block, txs in story.blocks:
        if not on.has_block(block.header.id):
            on.import_block(block, txs, 10**6)
        done.append(block.header.id)
    return done


def check(store: KeyValueStore, story: Story, kept: list[Hash]) -> None:
    """The reopened ledger is whole, has what was promised, and gets to the same end."""
    on = ledger(store)
    rows = store.scan(tables.STATE, limit=ROWS_MAX)
    whole = StateTree(lambda _: None, EMPTY_STATE_ROOT)
    assert whole.update({key[1:]: value for key, value in rows}).root == on.head.header.state
    assert on.supply("CNY") == SUPPLY
    assert [block_id for block_id in kept if not on.has_block(block_id)] == []
    for height in range(on.head.height + 1):
        assert on.block_at(height) is not None
    for block, txs in story.blocks:
        if not on.has_block(block.header.id):
            on.import_block(block, txs, 10**6)
    assert on.head.id == story.head


def writes_of(story: Story) -> int:
    counting = Mortal(MemoryStore(), 0, after=False)
    play(counting, story)
    return counting.writes


@pytest.mark.parametrize("durability", list(Durability))
@pytest.mark.parametrize("end", ["killed", "dark"])
def test_every_write_is_a_place_to_die(story: Story, durability: Durability, end: str) -> None:
    points = 0
    for dies_at in range(1, writes_of(story) + 1):
        for after in (False, True):
            disk = SimDisk(durability)
            mortal = Mortal(disk.open(), dies_at, after=after)
            kept: list[Hash] = []
            try:
                on = ledger(mortal)
                for block, txs in story.blocks:
                    if not on.has_block(block.header.id):
                        on.import_block(block, txs, 10**6)
                    kept.append(block.header.id)
            except Dead:
                points += 1
            if end == "dark":
                lost = disk.power_cut(random.Random(dies_at), torn=0.5)
                if durability is Durability.PROCESS and lost:
                    kept = []  # what was not flushed may be gone, and nobody promised otherwise
            else:
                disk.kill()
            check(disk.open(), story, kept)
    assert points >= 50, f"only {points} points; the story is too short"
    print(f"{durability.value}, {end}: {points} crash points, every restart recovered")


@pytest.mark.parametrize("durability", list(Durability))
def test_a_real_log_cut_at_any_byte(story: Story, tmp_path: Path, durability: Durability) -> None:
    """RocksDB's newest log is truncated: whole blocks may be lost from its end, never parts."""
    origin = tmp_path / "origin"
    store = RocksStore(tmp_path / "open", durability)
    play(store, story)
    shutil.copytree(tmp_path / "open", origin)  # as it is when the machine goes dark
    store.close()
    (log,) = [path for path in origin.glob("*.log") if path.stat().st_size]
    size = log.stat().st_size
    rng = random.Random(7)
    recovered = 0
    said: list[str] = []
    truncations = TRUNCATIONS if len(story.blocks) < LONG else TRUNCATIONS_LONG
    for point in range(truncations):
        copy = tmp_path / f"copy-{point}"
        shutil.copytree(origin, copy)
        with (copy / log.name).open("r+b") as file:
            file.truncate(rng.randrange(size + 1))
        try:
            reopened = RocksStore(copy, durability)
        except StoreFailure as failure:
            said.append(str(failure))
        else:
            check(reopened, story, [])
            reopened.close()
            recovered += 1
        shutil.rmtree(copy)
    print(f"{durability.value}: {recovered} recovered, {len(said)} stopped with a message")
    assert recovered + len(said) == truncations
    assert [text for text in said if str(tmp_path) not in text] == []


def test_rotten_values_are_refused_never_believed(story: Story) -> None:
    said: list[str] = []
    for seed in range(20):
        disk = SimDisk(Durability.PROCESS)
        play(disk.open(), story)
        assert disk.rot(random.Random(seed), 1) == 1
        try:
            check(disk.open(), story, [])
        except StoreFailure as failure:
            said.append(str(failure))
    assert said
    assert [text for text in said if "damaged" not in text] == []
