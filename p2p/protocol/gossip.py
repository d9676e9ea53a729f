"""Gossip of transactions: pushed by a few, announced by the rest, asked for only when missing.

Rules:
- Which peers push to us we choose (`mesh`), to whom we push they choose (`leases`, `offers`); an
  announced id is asked for when the eager links have had their time (`requests`); `reconciliation`
  finds what all of that has missed.
- What comes is judged in `admission`, and only what the mempool accepted is passed on.
- A tick that comes late postpones pulls and timeouts by as much. *Why:* we were busy, and what we
  would ask for, or miss, is likely to wait in our own sockets; nobody is blamed for silence then.
- A peer of whose transactions more than DECLINED_RATE a second come to nothing is heard only when
  asked. *Why:* who made them up signs each well and is to blame for none, and each has cost us a
  check; but a peer that is ahead of us, or whose mempool is larger, looks the same.
- A peer that let request after request run out for UNKEPT_S, and answered none, is let go; it is
  not banned. *Why:* it is of no use, and its place is; but why it is silent we do not know.
Resists: floods of invalid signatures (`turns`, and their number is charged for),
announce-then-never-serve (one timeout per peer and id, rank, a fault token, the connection), floods
of ids and of bodies (`allowances`).
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chain.ledger import Ledger
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_FLOOD, POINTS_UNSERVED
from p2p.protocol.admission import Admission, Workings
from p2p.protocol.allowances import BODY_BYTES_RATE, IDS_RATE, UNKEPT_S, Allowance
from p2p.protocol.effects import Count, Disconnect, Effect, Penalize, Send
from p2p.protocol.holding import Holding
from p2p.protocol.instant import Now
from p2p.protocol.leases import Leases
from p2p.protocol.mesh import Mesh
from p2p.protocol.offers import Offers, Room, boundless
from p2p.protocol.pulls import Pulls
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.reconciliation import ALL_MAX, Reconciliation
from p2p.protocol.serving import Serving
from p2p.protocol.settled import Settled
from p2p.wire.fields import Short
from p2p.wire.messages import (
    SHORT_KEY_BYTES,
    AnnounceShort,
    AnnounceTransactions,
    Differ,
    Eager,
    GetShort,
    GetTransactions,
    Reconcile,
    ShortKey,
    Transactions,
)
from p2p.wire.shorts import Shortener

Talk = (
    AnnounceTransactions
    | GetTransactions
    | Transactions
    | Eager
    | ShortKey
    | AnnounceShort
    | GetShort
    | Reconcile
    | Differ
)


EAGER_MAX = 8  # in-links: every one brings a copy of everything
EAGER = 2


@dataclass(frozen=True, slots=True)
class GossipSettings:
    """How many eager in-links, and what a peer's queue has room for."""

    eager: int = EAGER
    room: Room = boundless


class Gossip:
    """The transactions' engine. `jobs` numbers signature checks uniquely within the node."""

    def __init__(
        self,
        ledger: Ledger,
        settings: GossipSettings,
        jobs: Iterator[int],
        rng: random.Random,
        recent: RecentTransactions,
    ) -> None:
        self._ledger = ledger
        self._key = rng.randbytes(SHORT_KEY_BYTES)
        self._allowances: dict[PeerId, Allowance] = {}
        self._holding = Holding(Shortener(self._key))
        self._settled = Settled()
        self._pulls = Pulls(rng)
        self._mesh = Mesh(settings.eager, rng)
        self._leases = Leases()
        self._offers = Offers(ledger.mempool, settings.room, rng)
        self._workings = Workings(
            ledger,
            self._holding,
            self._settled,
            self._pulls,
            self._mesh,
            self._leases,
            self._offers,
            recent,
        )
        self._admission = Admission(self._workings, jobs)
        self._reconciliation = Reconciliation(self._holding, rng)
        self._serving = Serving(ledger.mempool)

    @property
    def eager(self) -> tuple[PeerId, ...]:
        """The peers asked to push to us."""
        return self._mesh.eager

    def connected(self, peer: PeerId, group: str, now: Now, *, outbound: bool) -> list[Effect]:
        """Say under which key we want to be told, and tell a new peer of what is pending here."""
        allowance = self._allowances[peer] = Allowance(now)
        self._admission.connected(peer, allowance)
        self._pulls.connected(peer, outbound=outbound)
        self._leases.connected(peer, outbound=outbound)
        self._offers.connected(peer)
        effects: list[Effect] = [Send(peer, ShortKey(self._key))]
        effects += self._mesh.connected(peer, now, outbound=outbound, group=group)
        effects += self._reconciliation.connected(peer, now)
        if len(self._holding) <= ALL_MAX:
            self._offers.again(peer, self._holding, now)
        return effects

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """Ask others for what the peer still owed."""
        del self._allowances[peer]
        self._admission.disconnected(peer)
        self._pulls.disconnected(peer)
        self._leases.disconnected(peer)
        self._offers.disconnected(peer)
        self._reconciliation.disconnected(peer)
        return self._mesh.disconnected(peer) + self._asks(now)

    def receive(self, peer: PeerId, message: Talk, now: Now) -> list[Effect]:
        """One gossip message from a peer."""
        match message:
            case Transactions(request, ()):
                self._pulls.finished(peer, request)
                return self._asks(now)
            case Transactions():
                return self._received(peer, message, now)
            case AnnounceShort(shorts):
                return self._announced(peer, shorts, now)
            case AnnounceTransactions(ids):
                return self._announced_in_full(peer, ids, now)
            case GetShort(request, shorts):
                resolve = self._offers.resolve
                return self._serve(peer, request, [resolve(peer, s) for s in shorts], now)
            case GetTransactions(request, ids):
                return self._serve(peer, request, list(ids), now)
            case Eager(lease_s):
                granted = self._leases.asked(peer, lease_s, now.s)
                return [] if granted else [Count("ignored", "lease")]
            case ShortKey(key):
                first = self._offers.shorten(peer, Shortener(key))
                return [] if first else [Count("ignored", "short-key")]
            case Reconcile():
                shortener = self._offers.shortener(peer)
                differing = self._reconciliation.asked(peer, message, shortener, now)
            case Differ():
                if self._reconciliation.awaits(peer):
                    self._pulls.forgive(peer)
                differing = self._reconciliation.told(peer, message, now)
        if differing.ids:
            self._offers.again(peer, differing.ids, now)
        return differing.effects

    def submit(self, ticket: int, raws: Sequence[bytes], now: Now) -> list[Effect]:
        """Take a local client's transactions; one `Answer` follows with all verdicts."""
        return self._admission.submit(ticket, raws, now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """Verdicts of one batch; what is accepted goes on its way at once."""
        return self._admission.signatures_checked(job, verdicts, now) + self._asks(now)

    def included(self, ids: Iterable[Hash]) -> None:
        """Transactions that are in the chain now: no longer wanted, offered or asked for."""
        for txid in ids:
            item = self._workings.item(txid)
            self._holding.remove(txid)
            self._settled.add(txid, item)
            self._pulls.settled(item)

    def returned(self, txid: Hash, now: Now) -> None:
        """A reorganisation put a transaction back into the mempool: peers must hear of it."""
        self._workings.hold(txid)
        self._offers.again_to_all(txid, now)

    def excluded(self) -> None:
        """A block left the chain, so what was included may be wanted again."""
        self._settled.clear()

    def dropped(self, txid: Hash) -> None:
        """The mempool let a transaction go: it may be offered again."""
        self._holding.remove(txid)

    def deadline_s(self) -> float | None:
        """When to tick next."""
        times = (
            self._offers.deadline_s(),
            self._pulls.deadline_s(),
            self._mesh.deadline_s(),
            self._reconciliation.deadline_s(),
        )
        return min([time for time in times if time is not None], default=None)

    def tick(self, now: Now) -> list[Effect]:
        """Announce, ask for what did not come, choose links, compare."""
        deadline_s = self.deadline_s()
        if deadline_s is not None:
            self._pulls.late(now.s - deadline_s, now)
        effects = self._offers.tick(now)
        for peer in self._offers.stuck(now):
            self._leases.end(peer)
        for peer in self._pulls.faults(now):
            effects += self._fault(peer, now)
        effects += self._mesh.tick(now)
        effects += self._reconciliation.tick(now, self._mesh.eager)
        return effects + self._asks(now)

    # What peers announce

    def _announced(self, peer: PeerId, shorts: Sequence[Short], now: Now) -> list[Effect]:
        if not self._allowances[peer].ids.take(len(shorts), now.s):
            return [_flood(peer)]
        lacking: list[bytes] = []
        find, saw, s = self._holding.find, self._mesh.saw, now.s
        for short in shorts:
            saw(peer, short, s)
            txid = find(short)
            if txid is not None:
                self._offers.knows(peer, txid)
            elif self._settled.wants(short, now):
                lacking.append(short)
        return self._want(peer, lacking, now)

    def _announced_in_full(self, peer: PeerId, ids: Sequence[Hash], now: Now) -> list[Effect]:
        if not self._allowances[peer].ids.take(len(ids), now.s):
            return [_flood(peer)]
        lacking: list[bytes] = []
        mempool = self._ledger.mempool
        for txid in ids:
            if mempool.has(txid):
                self._offers.knows(peer, txid)
                self._mesh.saw(peer, self._holding.short(txid), now.s)
                continue
            item = self._workings.item(txid)
            if self._settled.wants(item, now):
                self._pulls.named(item, txid)
                lacking.append(item)
        return self._want(peer, lacking, now)

    def _want(self, peer: PeerId, lacking: list[bytes], now: Now) -> list[Effect]:
        if not lacking:
            return []
        if self._allowances[peer].wearies(now):
            return [Count("ignored", "announcements-mostly-declined", len(lacking))]
        due_s = now.s + self._mesh.patience_s()
        return self._pulls.announced(peer, lacking, due_s) + self._asks(now)

    def _asks(self, now: Now) -> list[Effect]:
        if self._admission.crowded:
            return []
        return self._pulls.due(now, patient=bool(self._mesh.eager))

    def _fault(self, peer: PeerId, now: Now) -> list[Effect]:
        effects: list[Effect] = [Count("unkept", "transactions")]
        if self._allowances[peer].blames(now):
            reason = "an announced transaction was not served, more than three times a minute"
            effects.append(Penalize(peer, POINTS_UNSERVED, "unserved", reason))
        if self._allowances[peer].unkept(now):
            reason = f"nothing it announced was served, {UNKEPT_S:.0f} s long"
            effects.append(Disconnect(peer, "unserving", reason))
        return effects

    def _serve(
        self, peer: PeerId, request: int, ids: Sequence[Hash | None], now: Now
    ) -> list[Effect]:
        allowance = self._allowances[peer]
        if not allowance.ids.take(len(ids), now.s):
            return [_flood(peer)]
        for txid in ids:
            if txid is not None:
                self._offers.knows(peer, txid)
        return self._serving.answer(peer, request, ids, allowance, now)

    def _received(self, peer: PeerId, message: Transactions, now: Now) -> list[Effect]:
        allowance, raws = self._allowances[peer], message.raws
        if not allowance.ids.take(len(raws), now.s):
            return [_flood(peer)]
        if not allowance.body_bytes.take(sum(map(len, raws)), now.s):
            reason = f"more than {BODY_BYTES_RATE} bytes of transactions a second"
            return [Penalize(peer, POINTS_FLOOD, "flood", reason)]
        asked = self._pulls.answers(peer, message.request, len(raws))
        if not asked and allowance.wearies(now):
            return [Count("ignored", "transactions-mostly-declined", len(raws))]
        return self._admission.received(peer, raws, now) + self._asks(now)


def _flood(peer: PeerId) -> Effect:
    return Penalize(peer, POINTS_FLOOD, "flood", f"more than {IDS_RATE} ids a second")
