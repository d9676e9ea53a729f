"""Who is asked for which id: one peer at a time, elsewhere on failure, never the same pair twice.

After Bitcoin Core's `txrequest.h`, reduced to its laws:
- An id is asked from one peer at a time, and not before its time has come. *Why:* a transaction
  would otherwise arrive from each who announced it, and from an eager link besides.
- A (peer, id) pair is asked at most once, until the peer is forgiven. *Why:* a peer that announces
  and never serves costs one timeout, not one for each time it repeats itself.
- Among those that announced an id, peers that recently let a request time out come last, those we
  dialled before those that dialled us, then chance decides. *Why:* slowness heals by itself; whom
  we dialled an attacker has not chosen; and a place won by haste would be won by him.
- The timeout follows the peer's measured lag, and is for the whole answer. *Why:* under load
  everybody is slow, and a fixed timeout would then ask for everything again and make the load
  worse; but who drips an answer must not hold it.
- At most ASKED_MAX ids are outstanding with a peer, at most PROMISES_MAX of its announcements
  remembered. *Why:* memory is bounded by the number of peers, and a peer that announces a million
  ids can neither fill the table nor take turns from others.
Cost: a few dictionary operations per announcement; nothing iterates over all ids, or all requests.
*Why requests too:* a peer that announces one id at a time and serves none has a thousand of them.
Only when a peer becomes slow are its turns gone through, once. *Why not each time we look:* we look
with every message of anybody, and one that serves nothing has thousands of turns.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet

ASKED_MAX = 1000  # two seconds of 500 transactions a second, about 250 KB of replies
PROMISES_MAX = 5000
BATCH_MAX = 250  # ids in one request: the reply is about 64 KB and takes 20 ms to check
TIMEOUT_S = 2.0
TIMEOUT_MAX_S = 10.0
LAGS = 3.0  # a request times out after so many times the peer's usual time to answer
SLOW_S = 30.0  # how long a peer that timed out stays last in order


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask `peer` for `ids` under this request number."""

    peer: PeerId
    request: int
    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A peer let a request for so many ids pass its time in silence."""

    peer: PeerId
    ids: int


class _Request:
    __slots__ = ("asked_s", "bodies", "deadline_s", "number", "peer", "waiting")

    def __init__(self, number: int, peer: PeerId, asked_s: float, timeout_s: float) -> None:
        self.number = number
        self.peer = peer
        self.waiting: dict[bytes, None] = {}
        self.bodies = 0  # that may still come in answer
        self.asked_s = asked_s
        self.deadline_s = asked_s + timeout_s


class _Wanted:
    """One id: whether its time has come, its request, whether it is here, who else has it."""

    __slots__ = ("arrived", "bearer", "others", "request", "ripe")

    def __init__(self) -> None:
        self.request: _Request | None = None
        self.arrived = False
        self.ripe = False
        self.bearer: PeerId | None = None
        self.others: list[PeerId] = []


class _Peer:
    """A peer's announcements not yet asked, those whose turn it is, and those it failed."""

    __slots__ = ("asked", "failed", "lag_s", "outbound", "promises", "slow_until_s", "turn")

    def __init__(self, outbound: bool) -> None:
        self.outbound = outbound
        self.promises: dict[bytes, None] = {}
        self.turn: deque[bytes] = deque()
        self.failed = RecentSet(PROMISES_MAX)
        self.asked = 0
        self.lag_s = 0.0
        self.slow_until_s = 0.0

    @property
    def timeout_s(self) -> float:
        return min(TIMEOUT_MAX_S, max(TIMEOUT_S, self.lag_s * LAGS))


class RequestTracker:
    """Turns announcements into requests under the laws above. The caller sends what `due` says.

    Ids are any bytes that name one thing: short ids, and full ones where those clash.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._wanted: dict[bytes, _Wanted] = {}
        self._peers: dict[PeerId, _Peer] = {}
        self._requests: dict[int, _Request] = {}
        self._deadlines: list[tuple[float, int]] = []  # a heap; of requests that are over as well
        self._ripening: list[tuple[float, int, Sequence[bytes]]] = []
        self._batches = 0
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._wanted)

    def connected(self, peer: PeerId, *, outbound: bool) -> None:
        """Start accepting announcements from a peer."""
        self._peers[peer] = _Peer(outbound)

    def disconnected(self, peer: PeerId) -> None:
        """Forget a peer; what it was asked for goes to others."""
        for request in [r for r in self._requests.values() if r.peer == peer]:
            self._give_up(request)
        gone = self._peers.pop(peer, None)
        if gone is None:
            return
        for item in gone.promises:
            wanted = self._wanted[item]
            wanted.others.remove(peer)
            if wanted.request is None and not wanted.arrived:
                self._pass_on(item, wanted)

    def announced(self, peer: PeerId, items: Iterable[bytes], due_s: float) -> int:
        """A peer has ids we want, to be asked for from `due_s` on, unless known of already.

        Returns how many were ignored: beyond the peer's allowance, or failed by it before.
        """
        state = self._peers[peer]
        new: list[bytes] = []
        ignored = 0
        for item in items:
            if item in state.promises:
                continue
            wanted = self._wanted.get(item)
            if wanted is not None and wanted.request is not None and wanted.request.peer == peer:
                continue
            if len(state.promises) >= PROMISES_MAX or item in state.failed:
                ignored += 1
                continue
            state.promises[item] = None
            if wanted is None:
                wanted = self._wanted[item] = _Wanted()
                new.append(item)
            elif self._waits_for_slow(wanted, due_s) and state.slow_until_s <= due_s:
                state.turn.append(item)
            wanted.others.append(peer)
        if new:
            self._batches += 1
            heapq.heappush(self._ripening, (due_s, self._batches, new))
        return ignored

    def arrived(self, peer: PeerId, item: bytes, now_s: float) -> bool:
        """Bytes for the id have come and are being checked: nobody is asked meanwhile.

        True if this peer was asked for them, even if the answer is late.
        """
        state = self._peers[peer]
        late = item in state.failed
        wanted = self._wanted.get(item)
        if wanted is None:
            wanted = self._wanted[item] = _Wanted()
            wanted.ripe = True
        request = wanted.request
        asked = request is not None and request.peer == peer
        if request is not None and asked:
            state.lag_s += (now_s - request.asked_s - state.lag_s) / 8
        wanted.arrived = True
        wanted.bearer = None if request is None else request.peer
        self._fulfil(item, wanted)
        return asked or late

    def rejected(self, item: bytes) -> None:
        """The bytes that arrived were wrong: another announcer has its turn."""
        wanted = self._wanted.get(item)
        if wanted is not None and wanted.arrived:
            wanted.arrived = False
            if wanted.bearer in self._peers:
                self._peers[wanted.bearer].failed.add(item)
            wanted.ripe = True
            self._pass_on(item, wanted)

    def put_off(self, peer: PeerId, item: bytes, due_s: float) -> None:
        """Bytes that came cannot be looked at now: their sender may be asked for them later."""
        wanted = self._wanted.pop(item, None)
        if wanted is not None:
            self._fulfil(item, wanted)
            for other in wanted.others:
                del self._peers[other].promises[item]
                self.announced(other, (item,), due_s)
        self.announced(peer, (item,), due_s)

    def forgive(self, peer: PeerId) -> None:
        """A peer may be asked again for what it failed to serve, once it announces it again."""
        self._peers[peer].failed = RecentSet(PROMISES_MAX)

    def settled(self, item: bytes) -> list[PeerId]:
        """The id is no longer wanted: accepted, or of no use. Who announced it."""
        wanted = self._wanted.pop(item, None)
        if wanted is None:
            return []
        for peer in wanted.others:
            del self._peers[peer].promises[item]
        asked = [] if wanted.request is None else [wanted.request.peer]
        self._fulfil(item, wanted)
        return wanted.others + asked

    def open(self, peer: PeerId, number: int) -> bool:
        """Whether this peer still owes us part of the answer to this request."""
        request = self._requests.get(number)
        return request is not None and request.peer == peer

    def answers(self, peer: PeerId, number: int, bodies: int) -> bool:
        """Whether so many bodies can be part of the answer; they count as such."""
        request = self._requests.get(number)
        if request is None or request.peer != peer or request.bodies < bodies:
            return False
        request.bodies -= bodies
        return True

    def finished(self, peer: PeerId, number: int) -> None:
        """The peer has sent all it has for the request: the rest goes to others."""
        if self.open(peer, number):
            self._give_up(self._requests[number])

    def expire(self, now_s: float) -> list[Failure]:
        """Give up requests past their time: who failed."""
        failures: list[Failure] = []
        fallen: list[_Peer] = []  # who is slow from now on
        overdue: list[int] = []
        while self._deadlines and self._deadlines[0][0] <= now_s:
            overdue.append(heapq.heappop(self._deadlines)[1])
        for request in [self._requests[n] for n in sorted(overdue) if n in self._requests]:
            state = self._peers[request.peer]
            if state.slow_until_s <= now_s:
                fallen.append(state)
            state.slow_until_s = now_s + SLOW_S
            state.lag_s = max(state.lag_s, request.deadline_s - request.asked_s)
            failures.append(Failure(request.peer, len(request.waiting)))
            self._give_up(request)
        for state in fallen:
            self._hand_over(state, now_s)
        return failures

    def due(self, now_s: float) -> list[Ask]:
        """What to ask now."""
        while self._ripening and self._ripening[0][0] <= now_s:
            for item in heapq.heappop(self._ripening)[2]:
                wanted = self._wanted.get(item)
                if wanted is not None and not wanted.ripe:
                    wanted.ripe = True
                    self._pass_on(item, wanted, now_s)
        asks: list[Ask] = []
        for slow in (True, False):  # what slow ones have in turn may be the others' to serve
            for peer, state in self._peers.items():
                if not slow or state.slow_until_s > now_s:
                    while state.turn and state.asked < ASKED_MAX:
                        asks.extend(self._ask(peer, state, now_s))
        return asks

    def next_timeout_s(self) -> float | None:
        """When `expire` next has something to do."""
        deadlines = self._deadlines
        while deadlines and deadlines[0][1] not in self._requests:
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else None

    def next_ripe_s(self) -> float | None:
        """When the time of an id comes next."""
        return self._ripening[0][0] if self._ripening else None

    def _hand_over(self, state: _Peer, now_s: float) -> None:
        """Pass the turns of a peer that has become slow to peers that are not, where they announced
        the same id."""
        keep: deque[bytes] = deque()
        for item in state.turn:
            wanted = self._wanted.get(item)
            quick = None if wanted is None else self._quick(wanted, now_s)
            (keep if quick is None else quick.turn).append(item)
        state.turn = keep

    def _quick(self, wanted: _Wanted, now_s: float) -> _Peer | None:
        """One that announced an id and is not slow."""
        states = (self._peers[peer] for peer in wanted.others)
        return next((state for state in states if state.slow_until_s <= now_s), None)

    def _waits_for_slow(self, wanted: _Wanted, now_s: float) -> bool:
        """Whether an id's time has come, and it is the turn of a slow peer that it waits for."""
        waits = wanted.ripe and not wanted.arrived and wanted.request is None
        return waits and self._quick(wanted, now_s) is None

    def _ask(self, peer: PeerId, state: _Peer, now_s: float) -> list[Ask]:
        request = _Request(self._last_number + 1, peer, now_s, state.timeout_s)
        while state.turn and len(request.waiting) < BATCH_MAX and state.asked < ASKED_MAX:
            item = state.turn.popleft()
            wanted = self._wanted.get(item)
            if wanted is None or wanted.request is not None or wanted.arrived:
                continue
            if item not in state.promises:
                continue
            quick = self._quick(wanted, now_s) if state.slow_until_s > now_s else None
            if quick is not None:
                quick.turn.append(item)
                continue
            del state.promises[item]
            wanted.others.remove(peer)
            wanted.request = request
            request.waiting[item] = None
            state.asked += 1
        if not request.waiting:
            return []
        request.bodies = len(request.waiting)
        self._last_number = request.number
        self._requests[request.number] = request
        heapq.heappush(self._deadlines, (request.deadline_s, request.number))
        return [Ask(peer, request.number, tuple(request.waiting))]

    def _give_up(self, request: _Request) -> None:
        """The peer failed what this request still waits for: another announcer has its turn."""
        del self._requests[request.number]
        state = self._peers[request.peer]
        state.asked -= len(request.waiting)
        for item in request.waiting:
            state.failed.add(item)
            wanted = self._wanted[item]
            wanted.request = None
            self._pass_on(item, wanted)

    def _fulfil(self, item: bytes, wanted: _Wanted) -> None:
        request, wanted.request = wanted.request, None
        if request is not None:
            del request.waiting[item]
            self._peers[request.peer].asked -= 1
            if not request.waiting:
                del self._requests[request.number]

    def _pass_on(self, item: bytes, wanted: _Wanted, now_s: float = 0.0) -> None:
        """Give the best of those that announced an id its turn, once the id's time has come."""
        if not wanted.others:
            del self._wanted[item]
        elif wanted.ripe and not wanted.arrived and wanted.request is None:
            self._peers[self._best(wanted.others, now_s)].turn.append(item)

    def _best(self, peers: list[PeerId], now_s: float) -> PeerId:
        if len(peers) == 1:
            return peers[0]
        states = self._peers
        ranks = [(states[p].slow_until_s <= now_s, states[p].outbound) for p in peers]
        best = max(ranks)
        choice = [peer for peer, rank in zip(peers, ranks, strict=True) if rank == best]
        return choice[0] if len(choice) == 1 else self._rng.choice(choice)
