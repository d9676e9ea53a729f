"""A naive mempool beside the real one: a list, searched from end to end, for the same events."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chain.pool.assembly import FRAMING_BYTES, BlockRoom, select
from chain.pool.mempool import Mempool, MempoolLimits, displaced
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction
from chain.transactions.identity import Register
from tests.chain.pool.waiting import REGISTRATION, TRANSFER, Sequences, waiting

LIMITS = MempoolLimits(transactions=12, bytes=3_000, proofs=7, sequence_ahead=8)
ROOM = BlockRoom(transactions=4, bytes=1_200)


class NaiveMempool:
    """What the rules say, without a thought of speed."""

    def __init__(self) -> None:
        self.txs: list[Transaction] = []

    def add(self, tx: Transaction, slot: int, expected: int) -> str:
        """Admit or leave everything as it was; returns the code of the refusal, or nothing."""
        if tx in self.txs:
            return "already-known"
        if tx.expiry < slot:
            return "expired"
        if tx.sequence < expected:
            return "sequence-used"
        if tx.sequence >= expected + LIMITS.sequence_ahead:
            return "sequence-ahead"
        rivals = [t for t in self.lane(tx) if t.sequence == tx.sequence]
        if rivals and rivals[0].expiry <= tx.expiry:
            return "sequence-taken"
        after = [t for t in self.txs if t not in rivals]
        brought = sum(len(t.body.proofs) for t in (*after, tx) if isinstance(t.body, Register))
        if isinstance(tx.body, Register) and brought > LIMITS.proofs:
            return "mempool-registrations"
        while over([*after, tx]):
            victim = last_of_the_heaviest([*after, tx])
            if victim == tx:
                return "mempool-full"
            after.remove(victim)
        self.txs = [*after, tx]
        return ""

    def lane(self, tx: Transaction) -> list[Transaction]:
        return [t for t in self.txs if (t.sender, t.lane) == (tx.sender, tx.lane)]

    def expire(self, slot: int) -> None:
        self.txs = [tx for tx in self.txs if tx.expiry >= slot]

    def connected(self, block: list[Transaction]) -> None:
        for tx in block:
            gone = [t for t in self.lane(tx) if t.sequence <= tx.sequence]
            self.txs = [t for t in self.txs if t not in gone]


def over(txs: list[Transaction]) -> bool:
    return len(txs) > LIMITS.transactions or sum(len(tx.raw) for tx in txs) > LIMITS.bytes


def last_of_the_heaviest(txs: list[Transaction]) -> Transaction:
    def weight(of: list[Transaction]) -> int:
        return sum(len(tx.raw) for tx in of)

    senders = sorted({tx.sender for tx in txs})
    heaviest = max(senders, key=lambda s: weight([tx for tx in txs if tx.sender == s]))
    own = [tx for tx in txs if tx.sender == heaviest]
    numbers = sorted({tx.lane for tx in own}, reverse=True)
    largest = max(numbers, key=lambda n: weight([tx for tx in own if tx.lane == n]))
    return max((tx for tx in own if tx.lane == largest), key=lambda tx: tx.sequence)


class MempoolBesideModel(RuleBasedStateMachine):
    """Submissions, blocks, reorganisations and the passing of slots, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Mempool(LIMITS)
        self.model = NaiveMempool()
        self.sequences = Sequences()
        self.slot = 10
        self.chain: list[list[Transaction]] = []

    @rule(
        who=st.integers(1, 4),
        ahead=st.integers(-1, 8),
        lane=st.integers(0, 1),
        life=st.integers(-1, 6),
        size=st.sampled_from([150, 200, 700, 3_001]),
        registers=st.booleans(),
    )
    def submit(
        self, who: int, ahead: int, lane: int, life: int, size: int, registers: bool
    ) -> None:
        body = REGISTRATION if registers else TRANSFER
        probe = waiting(who, lane=lane)
        sequence = max(0, self.sequences(probe.sender, lane) + ahead)
        expiry = self.slot + life
        self.add(waiting(who, sequence, lane=lane, expiry=expiry, size=size, body=body))

    def add(self, tx: Transaction) -> None:
        expected = self.model.add(tx, self.slot, self.sequences(tx.sender, tx.lane))
        before = {t.id for t in self.real}
        gone: set[Hash] = set()
        try:
            admission = self.real.add(tx, self.slot, self.sequences)
        except Declined as refusal:
            code = refusal.code
        else:
            code = ""
            gone = {drop.tx.id for drop in displaced(tx, admission)}
            before.add(tx.id)
        assert code == expected
        assert before - gone == {t.id for t in self.real}

    @rule(passed=st.integers(1, 3))
    def pass_slots(self, passed: int) -> None:
        self.slot += passed
        before = {tx.id for tx in self.real}
        dropped = {drop.tx.id for drop in self.real.expire(self.slot)}
        self.model.expire(self.slot)
        assert before - dropped == {tx.id for tx in self.real}

    @rule()
    def extend(self) -> None:
        self.connect(select(self.real, self.sequences, self.slot, ROOM))

    @rule(who=st.integers(1, 4), lane=st.integers(0, 1), count=st.integers(1, 3))
    def extend_by_another(self, who: int, lane: int, count: int) -> None:
        """A block of transactions that never waited here."""
        first = self.sequences(waiting(who).sender, lane)
        self.connect([waiting(who, first + n, lane=lane, size=151) for n in range(count)])

    def connect(self, block: list[Transaction]) -> None:
        for tx in block:
            self.sequences.took(tx)
        self.chain.append(block)
        before = {tx.id for tx in self.real}
        dropped = {drop.tx.id for drop in self.real.on_block_connected(block)}
        self.model.connected(block)
        assert before - dropped - {tx.id for tx in block} == {tx.id for tx in self.real}
        assert not dropped & {tx.id for tx in block}

    @rule(depth=st.integers(1, 3))
    def reorganise(self, depth: int) -> None:
        for _ in range(min(depth, len(self.chain))):
            block = self.chain.pop()
            for tx in reversed(block):
                self.sequences.gave_back(tx)
            reentry = self.real.on_block_disconnected(block, self.slot, self.sequences)
            expected = [
                tx
                for tx in block
                if not self.model.add(tx, self.slot, self.sequences(tx.sender, tx.lane))
            ]
            assert list(reentry.added) == expected

    @invariant()
    def the_same_waits(self) -> None:
        assert {tx.id for tx in self.real} == {tx.id for tx in self.model.txs}
        assert self.real.bytes == sum(len(tx.raw) for tx in self.model.txs)
        assert not over(self.model.txs)

    @invariant()
    def lanes_are_whole(self) -> None:
        listed: list[Hash] = []
        for key, lane in self.real.lanes():
            numbers = [pending.tx.sequence for pending in lane]
            assert numbers == sorted(numbers)
            assert (lane.first, lane.last, len(lane)) == (numbers[0], numbers[-1], len(numbers))
            assert lane.bytes == sum(len(pending.tx.raw) for pending in lane)
            assert {(pending.tx.sender, pending.tx.lane) for pending in lane} == {key}
            listed += [pending.tx.id for pending in lane]
        assert sorted(listed) == sorted(tx.id for tx in self.real)

    @invariant()
    def a_selection_can_be_a_block(self) -> None:
        chosen = select(self.real, self.sequences, self.slot, ROOM)
        assert len(chosen) <= ROOM.transactions
        assert sum(len(tx.raw) + FRAMING_BYTES for tx in chosen) <= ROOM.bytes
        expected = dict[tuple[bytes, int], int]()
        for tx in chosen:
            key = (tx.sender, tx.lane)
            assert tx.sequence == expected.get(key, self.sequences(*key))
            assert tx.expiry >= self.slot
            expected[key] = tx.sequence + 1


MempoolBesideModel.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestMempoolBesideModel = MempoolBesideModel.TestCase
