"""Load on a testnet: signed transactions at a rate, counted from what the nodes' chains contain.

Rules:
- Each sender is pinned to one node, and each node gets one batch at a time. *Why:* a sender's
  sequence then arrives in order, and a slow node slows its own senders instead of growing a queue.
- What a node refuses for now (a full mempool, a gap) is offered again before anything new. *Why:*
  a lane is strictly sequential: a transaction left out would hold up all that follow.
- When a node does not answer, its share moves to the next node and all of it that has not been
  seen in a block is sent again. *Why:* nobody knows what the dead node had passed on; the same
  bytes twice are one transaction.
- Signing happens just before sending. *Why:* it costs tens of microseconds each, and an expiry
  counted from now needs no guess about how long the load will take.
- Included is what the chain that all running nodes share contains in the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import trio

from chain.transactions.envelope import Transaction
from testnet.agreement import agree
from testnet.asking import Nodes, Unanswered
from testnet.chainwatch import ChainWatch
from testnet.errors import LaunchFailure
from testnet.senders import LoadKind, Sender
from testnet.spec import CURRENCIES
from testnet.tally import LoadResult, Tally

TICK_S = 0.1
"""Batches are this far apart: long enough to amortise a request, short beside a block time."""

BATCH_MAX = 2_000
"""Transactions in one request; the API takes 5,000."""

EXPIRY_SLOTS = 600
"""Slots a load transaction stays valid; longer than anybody waits for it."""

TAIL_SLOTS = 20
TAIL_MIN_S = 15.0
"""How long to wait for the last transactions: a few rounds of authors, some of them absent."""

RENEW_S = 5.0
"""A transaction unseen for this long, plus a few slots, is sent again: its node may have died."""
RENEW_SLOTS = 5

RETRY_S = 0.2
GIVE_UP_S = 30.0
"""With no node answering for this long there is no testnet to load."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`rate` transactions a second over all nodes for `seconds`."""

    rate: float
    seconds: float
    kind: LoadKind = LoadKind.TRANSFER

    @property
    def total(self) -> int:
        return max(1, round(self.rate * self.seconds))


@dataclass(slots=True)
class Share:
    """What one node gets: its senders, how much of the plan, what is to be sent again."""

    place: int
    senders: list[Sender]
    total: int
    signed: int = 0
    again: list[Transaction] = field(default_factory=list)
    unseen: dict[bytes, Transaction] = field(default_factory=dict)

    def due(self, progress: float) -> int:
        """How many new ones are to be sent when `progress` (0 to 1) of the time has passed."""
        wanted = int(self.total * progress) - self.signed
        return max(0, min(wanted, BATCH_MAX - len(self.again)))

    @property
    def done(self) -> bool:
        return self.signed >= self.total and not self.again


class Workload:
    """One run of a plan against the nodes at `apis`. `slot` tells the slot of the moment."""

    def __init__(
        self, plan: LoadPlan, slot_ms: int, slot: Callable[[], int], nodes: Nodes, apis: list[str]
    ) -> None:
        self._plan = plan
        self._slot_s = slot_ms / 1_000
        self._slot = slot
        self._nodes = nodes
        self._apis = apis
        self._tally = Tally()
        self._watch = ChainWatch(nodes, self._apis)
        self._shares: list[Share] = []
        self._began = 0.0

    async def run(self, senders: Sequence[Sender], told: Callable[[Tally], None]) -> LoadResult:
        """Sends, waits for the tail, counts; `told` hears how it goes, now and then.

        Raises LaunchFailure when no node answers.
        """
        self._shares = share_out(len(self._apis), senders, self._plan.total)
        async with trio.open_nursery() as nursery:
            await nursery.start(self._watch.run, self._see)
            self._began = trio.current_time()
            nursery.start_soon(self._tell, told)
            async with trio.open_nursery() as feeding:
                for share in self._shares:
                    feeding.start_soon(self._feed, share)
            result = await self._conclude()
            nursery.cancel_scope.cancel()
        return result

    # Sending

    async def _feed(self, share: Share) -> None:
        tail_s = self._tail_s()
        while not share.done:
            elapsed = trio.current_time() - self._began
            if elapsed > self._plan.seconds + tail_s and share.signed >= share.total:
                return  # what is still refused now stays refused
            new = self._sign(share, share.due(min(1.0, elapsed / self._plan.seconds)))
            batch, share.again = share.again + new, []
            if batch:
                await self._deliver(share, batch)
            next_tick = self._began + (elapsed // TICK_S + 1) * TICK_S
            await trio.sleep_until(next_tick)

    def _sign(self, share: Share, count: int) -> list[Transaction]:
        expiry = self._slot() + EXPIRY_SLOTS
        signed = []
        for number in range(share.signed, share.signed + count):
            sender = share.senders[number % len(share.senders)]
            to = share.senders[(number + 1) % len(share.senders)].did
            code = CURRENCIES[number % len(CURRENCIES)][0]
            signed.append(sender.sign(self._plan.kind, to, code, expiry))
        share.signed += count
        self._tally.sent((tx.id for tx in signed), trio.current_time())
        share.unseen.update((tx.id, tx) for tx in signed)
        return signed

    async def _deliver(self, share: Share, batch: list[Transaction]) -> None:
        """Hands a batch to the share's node, or to the next one that answers."""
        give_up_at, why = trio.current_time() + GIVE_UP_S, ""
        while trio.current_time() < give_up_at:
            api = self._apis[share.place % len(self._apis)]
            try:
                verdicts = await self._nodes.submit(api, [tx.raw for tx in batch])
            except Unanswered as error:
                why = str(error)
                share.place += 1
                batch = list(share.unseen.values())[: BATCH_MAX * 2]
                await trio.sleep(RETRY_S)
                continue
            for tx, verdict in zip(batch, verdicts, strict=True):
                self._tally.verdict(tx.id, verdict.code)
                if verdict.code and verdict.again:
                    share.again.append(tx)
            return
        raise LaunchFailure(f"no node has answered for {GIVE_UP_S:.0f} s; the last: {why}")

    # Seeing

    def _see(self, ids: list[bytes]) -> None:
        self._tally.see(ids, trio.current_time())
        for share in self._shares:
            for identity in ids:
                share.unseen.pop(identity, None)

    async def _tell(self, told: Callable[[Tally], None]) -> None:
        while True:
            told(self._tally)
            await trio.sleep(0.5)

    async def _conclude(self) -> LoadResult:
        """Counts when all that was accepted is on the shared chain, or when patience ends.

        Lost ones are sent again; those on a losing branch return by themselves.
        """
        renew_s = RENEW_S + RENEW_SLOTS * self._slot_s
        renew_at = trio.current_time() + renew_s
        give_up_at = trio.current_time() + self._tail_s()
        while trio.current_time() < give_up_at:
            if not self._tally.pending():
                result = await self._count()
                if not result.missing:
                    return result
            await self._watch.wait_block(RENEW_S)
            if trio.current_time() >= renew_at:
                renew_at = trio.current_time() + renew_s
                await self._renew()
        return await self._count()

    async def _renew(self) -> None:
        for share in self._shares:
            lost = list(share.unseen.values())[:BATCH_MAX]
            if lost:
                share.place += 1
                await self._deliver(share, lost)

    def _tail_s(self) -> float:
        return max(TAIL_MIN_S, TAIL_SLOTS * self._slot_s)

    async def _count(self) -> LoadResult:
        witnesses = [self._nodes.witness(api, api) for api in self._apis]
        agreement = await agree(witnesses)
        answering = [api for api in self._apis if agreement.view(api) is not None]
        if not answering:
            raise LaunchFailure("no node answers, so nothing can be counted")
        canonical: set[bytes] = set()
        failed: set[bytes] = set()
        for block in await self._watch.chain(answering[0], agreement.common_height):
            canonical.update(block.transactions)
            failed.update(block.failed)
        return self._tally.result(canonical, failed)


def share_out(nodes: int, senders: Sequence[Sender], total: int) -> list[Share]:
    """Senders dealt to nodes in turn, the plan in proportion to each node's senders."""
    shares = [
        Share(place, list(senders[place::nodes]), 0) for place in range(min(nodes, len(senders)))
    ]
    given = 0
    for number, share in enumerate(shares, start=1):
        share.total = total * number // len(shares) - given
        given += share.total
    return shares
