"""What we tell peers we have: whole transactions to some, short ids to the others, never the known.

Rules:
- A fresh transaction goes at once to those that hold a lease, our own clients' to every peer; all
  others hear its id within FLUSH_MAX_S, together with others. *Why together:* a frame costs the
  same for one id as for fifty. *Why random:* neighbours that got an id at the same moment would
  otherwise all announce it to each other. *Why our own to all:* whoever publishes must not
  depend on who has chosen it.
- Where more than PROMPT_MAX peers are to be told, that many are drawn, anew each time, and the rest
  hear within ROUND_MAX_S. *Why:* among n nodes that are all linked, an id would travel in n * n / 2
  frames, nearly all of them news to nobody. *Why the rest at all:* whoever all the drawn keep
  silent to must not have to wait for the comparison of mempools.
- A peer whose queue has no room for a body is told the id instead, and what there is no room to
  tell waits here. *Why:* a slow peer may cost itself time, never a transaction.
- What waits for a peer is dropped when it turns out to have it already.
- Ids that would look alike to the peer are told in full. *Why:* it can then ask for the second one.
Bounds: KNOWN_MAX ids known and ANNOUNCED_MAX announced per peer (3 MB at most); what waits to be
told is part of the mempool.
"""

import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chain.pool.mempool import Mempool
from chain.primitives.hashing import Hash
from chain.transactions.envelope import Transaction
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentMap, RecentSet
from p2p.peers.requests import PROMISES_MAX
from p2p.protocol.effects import Count, Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.fields import SHORT_BYTES, Short
from p2p.wire.messages import AnnounceShort, AnnounceTransactions, Transactions
from p2p.wire.shorts import Shortener

FLUSH_MIN_S = 0.01
FLUSH_MAX_S = 0.05  # what a hop may add to the way of a transaction
PROMPT_MAX = (
    8  # as many as a node dials; each id so reaches everybody in a few hops, without leases
)
ROUND_MIN_S = 2.0
ROUND_MAX_S = 4.0  # by then most of the rest have shown that they have it, and hear of many at once
ANNOUNCE_MAX = 1000  # ids in one message: 8 KB
KNOWN_MAX = 16_384  # a generation of ids known to one peer: 30 s at 500 a second
ANNOUNCED_MAX = PROMISES_MAX  # a generation; nobody remembers more of our announcements
STUCK_S = 10.0  # so long without room a peer loses its lease
ITEM_BYTES = 16  # around a body or a list of ids: kinds, lengths

Room = Callable[[PeerId], int]
"""Bytes that a peer's queue of transactions would still take."""


def boundless(peer: PeerId) -> int:
    """The room of a queue that is never full."""
    return sys.maxsize


@dataclass(slots=True)
class Told:
    """How many peers have been pushed a fresh transaction, will be announced it, and cannot be."""

    pushed: int = 0
    announced: int = 0
    queued: int = 0


class _Peer:
    """What a peer knows, what it was announced, what it is still to be told."""

    __slots__ = ("announced", "known", "shortener", "stuck_s", "telling")

    def __init__(self) -> None:
        self.known = RecentSet(KNOWN_MAX)
        self.announced: RecentMap[Short, Hash] = RecentMap(ANNOUNCED_MAX)
        self.shortener: Shortener | None = None
        self.telling: dict[Hash, None] = {}
        self.stuck_s: float | None = None


class Offers:
    """Who knows of what, and what everybody is still to be told."""

    def __init__(self, mempool: Mempool, room: Room, rng: random.Random) -> None:
        self._mempool = mempool
        self._room = room
        self._rng = rng
        self._peers: dict[PeerId, _Peer] = {}
        self._flush_s: float | None = None
        self._round_s: float | None = None  # when also those are told that were not drawn

    @property
    def peers(self) -> tuple[PeerId, ...]:
        """Everybody who is told things, in order of connection."""
        return tuple(self._peers)

    def connected(self, peer: PeerId) -> None:
        """A new peer knows nothing yet."""
        self._peers[peer] = _Peer()

    def disconnected(self, peer: PeerId) -> None:
        """Forget what a peer knows."""
        del self._peers[peer]

    def shorten(self, peer: PeerId, shortener: Shortener) -> bool:
        """How a peer wants to be told of short ids; False if it has said so before."""
        state = self._peers[peer]
        if state.shortener is not None:
            return False
        state.shortener = shortener
        return True

    def shortener(self, peer: PeerId) -> Shortener | None:
        """The short ids of a peer, once it has said its key."""
        return self._peers[peer].shortener

    def resolve(self, peer: PeerId, short: Short) -> Hash | None:
        """What was announced to the peer under this short id."""
        return self._peers[peer].announced.get(short)

    def knows(self, peer: PeerId, txid: Hash) -> None:
        """The peer has the transaction: it said so, or sent it."""
        state = self._peers.get(peer)
        if state is not None:
            state.known.add(txid)
            state.telling.pop(txid, None)

    def fresh(
        self, txs: Sequence[Transaction], to: Iterable[PeerId], now: Now
    ) -> tuple[list[Effect], dict[Hash, Told]]:
        """Push new transactions to these peers, and announce them to the rest with the next flush.

        Peers that lack the same share one message value, which is then encoded once.
        """
        effects: list[Effect] = []
        told = {tx.id: Told() for tx in txs}
        pushing = dict.fromkeys(to)
        messages: dict[tuple[Hash, ...], Transactions] = {}
        pushes = 0
        for peer, state in self._peers.items():
            lacking = [tx for tx in txs if tx.id not in state.known]
            pushed = self._fitting(peer, lacking) if peer in pushing else []
            if pushed:
                ids = tuple([tx.id for tx in pushed])
                message = messages.get(ids)
                if message is None:
                    message = messages[ids] = Transactions(0, tuple([tx.raw for tx in pushed]))
                effects.append(Send(peer, message))
                state.known.update(ids)
                pushes += len(ids)
                for txid in ids:
                    told[txid].pushed += 1
                    state.telling.pop(txid, None)
            if len(pushed) < len(lacking):
                self._queue(peer, state, lacking[len(pushed) :], told, now)
        if pushes:
            effects.append(Count("gossip", "pushed", pushes))
        return effects, told

    def _queue(
        self,
        peer: PeerId,
        state: _Peer,
        txs: Sequence[Transaction],
        told: dict[Hash, Told],
        now: Now,
    ) -> None:
        """Let ids wait for the next flush, or for room."""
        free = self._room(peer) // SHORT_BYTES - len(state.telling)
        for place, tx in enumerate(txs):
            state.telling[tx.id] = None
            if place < free:
                told[tx.id].announced += 1
            else:
                told[tx.id].queued += 1
        self._flush_soon(now)

    def again(self, peer: PeerId, ids: Iterable[Hash], now: Now) -> None:
        """Tell a peer of ids, whatever it is thought to know."""
        self._peers[peer].telling.update(dict.fromkeys(ids))
        self._flush_s = now.s

    def again_to_all(self, txid: Hash, now: Now) -> None:
        """Tell everybody, also those that knew of it once."""
        for state in self._peers.values():
            state.known.discard(txid)
            state.telling[txid] = None
        self._flush_soon(now)

    def deadline_s(self) -> float | None:
        """When to tick next."""
        if self._flush_s is None or self._round_s is None:
            return self._round_s if self._flush_s is None else self._flush_s
        return min(self._flush_s, self._round_s)

    def tick(self, now: Now) -> list[Effect]:
        """Announce what waits, as far as there is room."""
        effects: list[Effect] = []
        for peer, state in self._turn(now):
            effects += self._announce(peer, state)
            if not state.telling:
                state.stuck_s = None
                continue
            self._flush_s = now.s + FLUSH_MAX_S
            if state.stuck_s is None:
                state.stuck_s = now.s
        return effects

    def _turn(self, now: Now) -> list[tuple[PeerId, _Peer]]:
        """Who is told now: everybody when a round is due, else as many as are told promptly."""
        round_due = self._round_s is not None and self._round_s <= now.s
        if not round_due and (self._flush_s is None or now.s < self._flush_s):
            return []
        self._flush_s = None
        waiting = [(peer, state) for peer, state in self._peers.items() if state.telling]
        if round_due:
            self._round_s = None
        elif len(waiting) > PROMPT_MAX:
            waiting = [waiting[place] for place in self._drawn(len(waiting))]
            if self._round_s is None:
                self._round_s = now.s + self._rng.uniform(ROUND_MIN_S, ROUND_MAX_S)
        return waiting

    def _drawn(self, count: int) -> list[int]:
        return sorted(self._rng.sample(range(count), PROMPT_MAX))

    def stuck(self, now: Now) -> list[PeerId]:
        """Peers whose queue has had no room for STUCK_S."""
        return [
            peer
            for peer, state in self._peers.items()
            if state.stuck_s is not None and now.s - state.stuck_s > STUCK_S
        ]

    def _flush_soon(self, now: Now) -> None:
        if self._flush_s is None:
            self._flush_s = now.s + self._rng.uniform(FLUSH_MIN_S, FLUSH_MAX_S)

    def _fitting(self, peer: PeerId, txs: list[Transaction]) -> list[Transaction]:
        """As many, from the first, as the peer's queue has room for."""
        room = self._room(peer)
        for count, tx in enumerate(txs):
            room -= len(tx.raw) + ITEM_BYTES
            if room < 0:
                return txs[:count]
        return txs

    def _announce(self, peer: PeerId, state: _Peer) -> list[Effect]:
        size = SHORT_BYTES if state.shortener is not None else len(next(iter(state.telling)))
        room = (self._room(peer) - ITEM_BYTES) // (size + 1)
        has = self._mempool.has
        ids: list[Hash] = []
        for txid in list(state.telling):
            if len(ids) >= room:
                break
            del state.telling[txid]
            if has(txid):
                ids.append(txid)
        if not ids:
            return []
        state.known.update(ids)
        effects: list[Effect] = [Count("gossip", "announced", len(ids))]
        shorts, full = self._shortened(state, ids)
        for start in range(0, len(shorts), ANNOUNCE_MAX):
            effects.append(Send(peer, AnnounceShort(tuple(shorts[start : start + ANNOUNCE_MAX]))))
        for start in range(0, len(full), ANNOUNCE_MAX):
            part = tuple(full[start : start + ANNOUNCE_MAX])
            effects.append(Send(peer, AnnounceTransactions(part)))
        return effects

    def _shortened(self, state: _Peer, ids: list[Hash]) -> tuple[list[Short], list[Hash]]:
        """The ids as the peer wants them, and those that must be told in full."""
        if state.shortener is None:
            return [], ids
        shorts: list[Short] = []
        full: list[Hash] = []
        for txid in ids:
            short = state.shortener.of(txid)
            before = state.announced.get(short)
            if before is not None and before != txid and self._mempool.has(before):
                full.append(txid)
                continue
            state.announced.put(short, txid)
            shorts.append(short)
        return shorts, full
