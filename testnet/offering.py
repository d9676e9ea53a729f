"""The load of a scenario: clients that sign transactions, offer them, and do not give up.

Rules:
- A client stays with its node, and goes to the next one when that does not answer.
- What has not been seen in a block for RENEW_S is offered again, in order of its sequence. *Why:*
  a node that died took its mempool along, and a lane is strictly sequential: one lost transaction
  would hold up all that follow.
- A load begins with the first block. *Why:* no account's key counts before; a client turned away
  then would hold its whole lane up, and every run's slowest inclusion would be that.
- The last client stops when the run does, not when its load does: it wants its answers.
"""

from dataclasses import dataclass
from typing import Protocol

import trio

from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.transactions.document import Purpose
from chain.transactions.envelope import Transaction
from testnet.founding import load_sender
from testnet.observation import BlockJoined, BlockLeft, Seen, TransactionOffered
from testnet.recorder import Recorder
from testnet.scenario.model import Load
from testnet.senders import Sender
from testnet.spec import CURRENCIES, LaunchSpec
from testnet.stage import Stage

TICK_S = 0.25
RENEW_S = 6.0
RENEW_BATCH = 500
EXPIRY_SLOTS = 600
CLIENTS_MAX = 16
"""Enough that no node waits for one client's sequence; few enough to read in a report."""

INCLUDED = "already-included"
SETTLED = ("", INCLUDED)


@dataclass(slots=True)
class _Waiting:
    """A transaction that has not been seen in a block."""

    tx: Transaction
    client: int
    offered_s: float


class Source(Protocol):
    """What a load's clients offer, and when. Clients are numbers from 0 on."""

    clients: int

    def due(self, passed_s: float, slot: int) -> list[tuple[int, Transaction]]:
        """What is to be offered for the first time, so long after the load began, in order."""
        ...

    def see(self, seen: Seen) -> None:
        """A fact of the run."""
        ...


class Clients:
    """Some of the network's funded accounts, each with its own sequence."""

    def __init__(self, spec: LaunchSpec, first: int, count: int, chain: Hash) -> None:
        self._senders: list[Sender] = []
        self.dids: list[bytes] = []
        for name in spec.load_names[first : first + count]:
            party = load_sender(spec, name)
            key: KeyPair = party.key(Purpose.TX)
            did = party.document().id
            self.dids.append(did)
            self._senders.append(Sender(key, did, chain, 0))

    def __len__(self) -> int:
        return len(self._senders)

    def sign(self, client: int, load: Load, expiry: int) -> Transaction:
        """A client's next transaction: a payment to the next client, or what the load says."""
        to = self.dids[(client + 1) % len(self.dids)]
        return self._senders[client].sign(load.kind, to, CURRENCIES[0][0], expiry)


class Payments:
    """Transactions at a rate, by clients in turn. Implements Source."""

    def __init__(self, load: Load, accounts: Clients) -> None:
        self.clients = len(accounts)
        self._load = load
        self._accounts = accounts
        self._made = 0

    def due(self, passed_s: float, slot: int) -> list[tuple[int, Transaction]]:
        """See Source."""
        wanted = round(min(passed_s, self._load.for_ms / 1_000) * self._load.rate)
        fresh: list[tuple[int, Transaction]] = []
        for number in range(self._made, wanted):
            client = number % self.clients
            fresh.append((client, self._accounts.sign(client, self._load, slot + EXPIRY_SLOTS)))
        self._made = max(self._made, wanted)
        return fresh

    def see(self, seen: Seen) -> None:
        """See Source."""


class Offering:
    """One load of a scenario. `run` goes on until it is cancelled."""

    def __init__(
        self, source: Source, targets: tuple[str, ...], stage: Stage, record: Recorder
    ) -> None:
        self._source = source
        self._targets = targets
        self._stage = stage
        self._record = record
        self._waiting: dict[str, _Waiting] = {}
        self._made: dict[str, _Waiting] = {}
        self._blocks: dict[str, tuple[str, ...]] = {}
        self._at = [client % len(targets) for client in range(source.clients)]
        record.watch(self._see)

    async def run(self) -> None:
        """Offer new transactions for the load's time, and old ones until they are in a block."""
        while not self._record.height:
            await self._record.higher.wait()
        start_s = self._record.elapsed_s()
        while True:
            now_s = self._record.elapsed_s()
            slot = self._stage.genesis.slot_at(self._stage.unix_ms())
            due = self._source.due(now_s - start_s, slot)
            await self._offer([self._take(client, tx) for client, tx in due])
            await self._offer(self._overdue(now_s))
            await trio.sleep(TICK_S)

    def _take(self, client: int, tx: Transaction) -> _Waiting:
        waiting = _Waiting(tx, client, self._record.elapsed_s())
        self._waiting[tx.id.hex()] = self._made[tx.id.hex()] = waiting
        return waiting

    def _overdue(self, now_s: float) -> list[_Waiting]:
        late = [w for w in self._waiting.values() if now_s - w.offered_s > RENEW_S]
        late.sort(key=lambda w: (w.client, w.tx.sequence))
        for client in dict.fromkeys(w.client for w in late):
            self._at[client] = (self._at[client] + 1) % len(self._targets)
        return late[:RENEW_BATCH]

    async def _offer(self, batch: list[_Waiting]) -> None:
        by_target: dict[str, list[_Waiting]] = {}
        for waiting in batch:
            by_target.setdefault(self._targets[self._at[waiting.client]], []).append(waiting)
        for target, chosen in by_target.items():
            codes = await self._stage.offer(target, [w.tx.raw for w in chosen])
            now_s = self._record.elapsed_s()
            for place, waiting in enumerate(chosen):
                waiting.offered_s = now_s
                code = "no-answer" if codes is None else codes[place]
                if code == INCLUDED:
                    self._waiting.pop(waiting.tx.id.hex(), None)
                self._tell(target, waiting.tx, "" if code in SETTLED else code)
            if codes is None:
                for client in dict.fromkeys(w.client for w in chosen):
                    self._at[client] = (self._at[client] + 1) % len(self._targets)

    def _tell(self, target: str, tx: Transaction, code: str) -> None:
        self._record.saw(
            TransactionOffered(
                node=target,
                transaction=tx.id.hex(),
                sender=tx.sender.hex(),
                lane=tx.lane,
                sequence=tx.sequence,
                expiry=tx.expiry,
                code=code,
            )
        )

    def _see(self, seen: Seen) -> None:
        self._source.see(seen)
        match seen.fact:
            case BlockJoined() as fact if fact.transactions:
                self._blocks[fact.block] = fact.transactions
                for txid in fact.transactions:
                    self._waiting.pop(txid, None)
            case BlockLeft(block=block):
                for txid in self._blocks.get(block, ()):
                    if txid in self._made:
                        waiting = self._waiting[txid] = self._made[txid]
                        waiting.offered_s = seen.at_s
            case _:
                pass
