"""Transactions waiting for a block, in order per sender and lane, bounded, fair, and forgetful.

Rules:
- A lane is kept by sequence number; a number may be ahead of the ledger by `sequence_ahead`, gaps
  and all. *Why:* gossip reorders, so the hole must be allowed to fill; the bound depends on the
  ledger alone and not on what arrived before, so every node admits the same.
- A transaction gives way to another of the same (sender, lane, sequence) only when that one expires
  strictly earlier. *Why:* the owner can always cancel what is stuck; each replacement shortens a
  finite number, so nobody can make the network relay the same slot for ever; and all nodes end
  with the same one whatever they saw first. Equal expiry: the first seen stays.
- Out of room, the sender that takes the most bytes loses the last number of its largest lane, and
  when that is the newcomer itself it is declined. *Why:* a flood displaces only itself, and what
  is left of every lane is still a run that a block can take.
- Registrations wait in a compartment of their own, by the signatures that they bring. *Why:* each
  is a different sender, so a stranger with fresh keys would otherwise be nobody's heaviest sender;
  and however soon they expire, no more have to be checked in a slot than there is room for.
- What has expired is forgotten slot by slot; what a block took, or overtook, leaves; what a lost
  branch had taken comes back.
All operations are O(log n) amortised in what waits. Spec: docs/spec/ledger.md, section 7.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chain.pool.heaviest import Heaviest
from chain.pool.lane import Lane, LaneKey, Pending
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import LANE_MAX, Transaction
from chain.transactions.identity import Register

NextSequence = Callable[[bytes, int], int]
"""(sender, lane) -> the sequence number the ledger expects next."""


@dataclass(frozen=True, slots=True)
class MempoolLimits:
    """How much may wait. A waiting transaction takes about 1.5 KiB of memory beside its bytes."""

    transactions: int = 50_000  # five full blocks: what a reorganisation may bring back at once
    bytes: int = 32 * 1024 * 1024
    proofs: int = 2_048  # signatures that the registrations bring: of four full blocks, 120 ms
    sequence_ahead: int = 20_000  # how far a lane may run ahead of the ledger


@dataclass(frozen=True, slots=True)
class Admission:
    """What an admitted transaction displaced."""

    replaced: Transaction | None
    evicted: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """A transaction that waits no longer, and why: `expired`, `superseded`, `evicted`, ..."""

    tx: Transaction
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reentry:
    """What came of the transactions of a block that is on the chain no more."""

    added: tuple[Transaction, ...]
    dropped: tuple[Drop, ...]


class Mempool:
    """The waiting transactions of one node. Signatures and state are checked before `add`."""

    def __init__(self, limits: MempoolLimits) -> None:
        self.limits = limits
        self.bytes = 0
        self._proofs = 0  # signatures that the registrations bring
        self._pending: dict[Hash, Pending] = {}
        self._by_raw: dict[Hash, Hash] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._heaviest = Heaviest()
        self._expiring: dict[int, dict[Hash, None]] = {}
        self._expiries: list[int] = []

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Transaction]:
        """Every waiting transaction, in order of admission."""
        return (pending.tx for pending in self._pending.values())

    def has(self, txid: Hash) -> bool:
        """Whether a transaction waits here."""
        return txid in self._pending

    def get(self, txid: Hash) -> Transaction | None:
        """A waiting transaction by its id."""
        pending = self._pending.get(txid)
        return None if pending is None else pending.tx

    def by_raw_hash(self, raw_hash: Hash) -> Transaction | None:
        """A waiting transaction by the SHA-256 of the very bytes it came in."""
        txid = self._by_raw.get(raw_hash)
        return None if txid is None else self._pending[txid].tx

    def raw_hashes(self) -> Iterator[Hash]:
        """The SHA-256 of every waiting transaction's bytes, in order of admission."""
        return iter(self._by_raw)

    def lanes(self) -> Iterator[tuple[LaneKey, Lane]]:
        """Every lane in which something waits, the longest unserved first."""
        return iter(self._lanes.items())

    def next_free(self, sender: bytes, lane: int, expected: int) -> int:
        """The first number from `expected` (the ledger's next) under which nothing waits yet."""
        waiting = self._lanes.get((sender, lane))
        return expected if waiting is None else waiting.next_free(expected)

    def check_registrations(self, tx: Transaction) -> None:
        """Raise Declined when it would be one registration too many: before it is checked, which
        costs dozens of signatures, and not only after."""
        self._check_registrations(tx, self._waiting(tx))

    def add(self, tx: Transaction, now_slot: int, next_sequence: NextSequence) -> Admission:
        """Admit a transaction, or raise Declined with the reason; then the same wait as before."""
        self._check(tx, now_slot, next_sequence(tx.sender, tx.lane))
        replaced = self._replaceable(tx)
        victims = self._make_room(tx, replaced)
        if replaced is not None:
            self._remove(replaced)
        self._insert(tx)
        return Admission(replaced, victims)

    def remove(self, txid: Hash) -> Transaction | None:
        """Take a transaction out; None when it does not wait here."""
        pending = self._pending.get(txid)
        if pending is None:
            return None
        self._remove(pending.tx)
        return pending.tx

    def expire(self, now_slot: int) -> list[Drop]:
        """Forget what may no longer be included in `now_slot`."""
        dropped: list[Drop] = []
        while self._expiries and self._expiries[0] < now_slot:
            slot = heapq.heappop(self._expiries)
            for txid in self._expiring.pop(slot):
                tx = self._pending[txid].tx
                self._remove(tx)
                dropped.append(Drop(tx, "expired", f"good until slot {slot}, now is {now_slot}"))
        return dropped

    def on_block_connected(self, txs: Iterable[Transaction]) -> list[Drop]:
        """A block joined the chain: what it took leaves, and with it what can no longer follow.

        Returns only the latter; served lanes go to the end of the line.
        """
        dropped: list[Drop] = []
        for tx in txs:
            key = (tx.sender, tx.lane)
            while (lane := self._lanes.get(key)) is not None and lane.first <= tx.sequence:
                pending = lane.get(lane.first)
                assert pending is not None, "a lane's first is there"
                self._remove(pending.tx)
                if pending.tx.id != tx.id:
                    dropped.append(_superseded(pending.tx, tx))
            if lane is not None:
                self._lanes[key] = self._lanes.pop(key)
        return dropped

    def on_block_disconnected(
        self, txs: Iterable[Transaction], now_slot: int, next_sequence: NextSequence
    ) -> Reentry:
        """A block left the chain: its transactions wait again, under the same rules as any."""
        added: list[Transaction] = []
        dropped: list[Drop] = []
        for tx in txs:
            try:
                admission = self.add(tx, now_slot, next_sequence)
            except Declined as refusal:
                dropped.append(Drop(tx, refusal.code, refusal.reason))
                continue
            added.append(tx)
            dropped.extend(displaced(tx, admission))
        return Reentry(tuple(added), tuple(dropped))

    def _check(self, tx: Transaction, now_slot: int, expected: int) -> None:
        if tx.id in self._pending:
            raise Declined("already-known", f"{tx.id.hex()} waits here already")
        if tx.expiry < now_slot:
            raise Declined("expired", f"good until slot {tx.expiry}, now is {now_slot}")
        if tx.sequence < expected:
            raise Declined(
                "sequence-used",
                f"sequence {tx.sequence} of lane {tx.lane} is used; the next is {expected}",
            )
        if tx.sequence >= expected + self.limits.sequence_ahead:
            raise Declined(
                "sequence-ahead",
                f"sequence {tx.sequence} of lane {tx.lane}, the next is {expected}: at most "
                f"{self.limits.sequence_ahead - 1} ahead are kept; send the earlier ones first",
            )

    def _replaceable(self, tx: Transaction) -> Transaction | None:
        """The transaction that `tx` would replace, or None; Declined when that one stays."""
        before = self._waiting(tx)
        if before is None:
            return None
        if tx.expiry >= before.expiry:
            raise Declined(
                "sequence-taken",
                f"{before.id.hex()} waits under sequence {tx.sequence} of lane {tx.lane} and "
                f"expires in slot {before.expiry}; only an earlier expiry than that replaces "
                f"it, not {tx.expiry}",
            )
        return before

    def _check_registrations(self, tx: Transaction, replaced: Transaction | None) -> None:
        proofs = _proofs(tx)
        less = 0 if replaced is None else _proofs(replaced)
        if proofs and self._proofs - less + proofs > self.limits.proofs:
            raise Declined(
                "mempool-registrations",
                f"registrations wait with {self._proofs} signatures, this one brings {proofs}: at "
                f"most {self.limits.proofs} are kept; send it later",
            )

    def _waiting(self, tx: Transaction) -> Transaction | None:
        """What waits under a transaction's number."""
        lane = self._lanes.get((tx.sender, tx.lane))
        before = None if lane is None else lane.get(tx.sequence)
        return None if before is None else before.tx

    def _make_room(self, tx: Transaction, replaced: Transaction | None) -> tuple[Transaction, ...]:
        """Evict until `tx` fits. Raises Declined, having put back what was taken out."""
        size = len(tx.raw)
        if replaced is not None:
            size -= len(replaced.raw)
        entering = 0 if replaced is not None else 1
        self._check_registrations(tx, replaced)
        # The newcomer is weighed with its sender: who asks for room is no lighter for asking.
        self._heaviest.change(tx.sender, size)
        evicted: list[Transaction] = []
        while (
            len(self._pending) + entering > self.limits.transactions
            or self.bytes + size > self.limits.bytes
        ):
            victim = self._victim(tx, size)
            if victim is None:
                self._heaviest.change(tx.sender, -size)
                for taken in reversed(evicted):
                    self._insert(taken)
                raise self._full(tx)
            self._remove(victim)
            evicted.append(victim)
        self._heaviest.change(tx.sender, -size)
        return tuple(evicted)

    def _victim(self, newcomer: Transaction, size: int) -> Transaction | None:
        """The last of the largest lane of the heaviest sender; None when that is the newcomer.

        The newcomer counts as if it waited already, with `size` more bytes in its lane.
        """
        sender = self._heaviest.top()
        entered = newcomer.lane if sender == newcomer.sender else None
        weights = [
            (size if number == entered else 0) + (lane.bytes if lane is not None else 0)
            for number in range(LANE_MAX + 1)
            for lane in (self._lanes.get((sender, number)),)
        ]
        number = max(range(LANE_MAX + 1), key=lambda n: (weights[n], n))
        lane = self._lanes.get((sender, number))
        if lane is None or (number == entered and lane.last <= newcomer.sequence):
            return None
        last = lane.get(lane.last)
        assert last is not None, "a lane's last is there"
        return last.tx

    def _full(self, tx: Transaction) -> Declined:
        return Declined(
            "mempool-full",
            f"{len(self._pending)} of {self.limits.transactions} transactions and {self.bytes} of "
            f"{self.limits.bytes} bytes wait, and {tx.sender.hex()} with "
            f"{self._heaviest.used(tx.sender)} bytes takes the most room; send it later",
        )

    def _insert(self, tx: Transaction) -> None:
        pending = Pending(tx, sha256(tx.raw))
        key = (tx.sender, tx.lane)
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = Lane(pending)
        else:
            lane.put(pending)
        self._pending[tx.id] = pending
        self._by_raw[pending.raw_hash] = tx.id
        self.bytes += len(tx.raw)
        self._proofs += _proofs(tx)
        self._heaviest.change(tx.sender, len(tx.raw))
        expiring = self._expiring.get(tx.expiry)
        if expiring is None:
            heapq.heappush(self._expiries, tx.expiry)
            self._expiring[tx.expiry] = {tx.id: None}
        else:
            expiring[tx.id] = None

    def _remove(self, tx: Transaction) -> None:
        pending = self._pending.pop(tx.id)
        del self._by_raw[pending.raw_hash]
        key = (tx.sender, tx.lane)
        if self._lanes[key].drop(tx.sequence):
            del self._lanes[key]
        self.bytes -= len(tx.raw)
        self._proofs -= _proofs(tx)
        self._heaviest.change(tx.sender, -len(tx.raw))
        # An emptied slot stays until it passes, for its number is in the heap; one that passes
        # has been taken out already.
        if (expiring := self._expiring.get(tx.expiry)) is not None:
            del expiring[tx.id]


def _proofs(tx: Transaction) -> int:
    return tx.body.signatures if isinstance(tx.body, Register) else 0


def displaced(tx: Transaction, admission: Admission) -> list[Drop]:
    """The drops that admitting `tx` caused."""
    dropped = [
        Drop(evicted, "evicted", f"made room for {tx.id.hex()}") for evicted in admission.evicted
    ]
    if admission.replaced is not None:
        reason = f"{tx.id.hex()} has the same sequence and expires earlier, in slot {tx.expiry}"
        dropped.append(Drop(admission.replaced, "replaced", reason))
    return dropped


def _superseded(tx: Transaction, by: Transaction) -> Drop:
    return Drop(
        tx,
        "superseded",
        f"sequence {tx.sequence} of lane {tx.lane} was used by {by.id.hex()} (sequence "
        f"{by.sequence})",
    )
