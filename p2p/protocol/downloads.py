"""Which peer is asked for which wanted body, and what happens when it does not come.

Rules:
- The first wanted blocks, WINDOW of them, are asked for, spread over the peers whose claimed height
  covers them, REQUEST_BLOCKS at a time and twice that outstanding with one; fewer of each when
  blocks have lately been large. *Why:* one slow peer then holds up at most its share, and what
  waits is bounded in bytes as well.
- A request without progress for STALL_S is asked elsewhere and the peer comes last for SLOW_S; each
  stall doubles that peer's patience up to STALL_MAX_S, and what comes late is still taken. *Why:*
  under load everybody is slow, and asking for everything again would make it worse.
- When everyone was asked in vain the round starts again after ROUND_S, ROUNDS_MAX times; then the
  block and all that build on it are forgotten. *Why:* a chain of headers that nobody has bodies for
  must not be chased for ever.
- A peer that says it has none of the blocks whose headers it sent is blamed; silence is not.
"""

from collections.abc import Callable

from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId, short
from p2p.peers.score import POINTS_BROKEN_PROMISE
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.wanted import Wanted, WantedBlock
from p2p.wire.messages import GetBlocks

WINDOW = 64
WINDOW_BYTES = 32 * 1024 * 1024
WINDOW_MIN = 4
REQUEST_BLOCKS = 8
REQUEST_BYTES = 2 * 1024 * 1024
SIZE_GUESS = 512 * 1024  # of a body, before any has come
STALL_S = 4.0
STALL_MAX_S = 32.0
SLOW_S = 15.0
ROUND_S = 1.0
ROUNDS_MAX = 8


class _Request:
    __slots__ = ("deadline_s", "delivered", "patience_s", "peer", "waiting")

    def __init__(self, peer: PeerId, ids: list[Hash], patience_s: float, now: Now) -> None:
        self.peer = peer
        self.delivered = False
        self.waiting = dict.fromkeys(ids)
        self.patience_s = patience_s
        self.deadline_s = now.s + patience_s


class _Peer:
    __slots__ = ("outstanding", "patience_s", "slow_until_s")

    def __init__(self) -> None:
        self.outstanding = 0
        self.patience_s = STALL_S
        self.slow_until_s = 0.0


class Downloads:
    """Requests for bodies of wanted blocks."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._peers: dict[PeerId, _Peer] = {}
        self._requests: dict[int, _Request] = {}
        self._last_request = 0
        self._retry_s: float | None = None
        self._body_bytes = SIZE_GUESS

    def connected(self, peer: PeerId) -> None:
        """A peer that may be asked."""
        self._peers[peer] = _Peer()

    def disconnected(self, peer: PeerId) -> None:
        """What it was asked for goes to others."""
        for number in [n for n, r in self._requests.items() if r.peer == peer]:
            self._give_up(number)
        del self._peers[peer]

    def deadline_s(self) -> float | None:
        """When a request stalls or a round starts again."""
        times = [request.deadline_s for request in self._requests.values()]
        if self._retry_s is not None:
            times.append(self._retry_s)
        return min(times, default=None)

    def arrived(self, peer: PeerId, number: int, block_id: Hash, size: int) -> bool:
        """A body has come. True if it is wanted and the peer was asked for it, in time or not."""
        self._body_bytes += (size - self._body_bytes) // 8
        request = self._requests.get(number)
        if request is not None and request.peer == peer and block_id in request.waiting:
            del request.waiting[block_id]
            request.delivered = True
            state = self._peers[peer]
            state.outstanding -= 1
            state.patience_s = max(STALL_S, state.patience_s - STALL_S / 8)
        wanted = self._wanted.get(block_id)
        if wanted is None:
            return False
        if wanted.asked == peer:
            wanted.asked = None
            wanted.tried.append(peer)
        return peer in wanted.tried

    def progressed(self, peer: PeerId, number: int, now: Now) -> None:
        """Part of an answer has come: the rest has its time again."""
        request = self._requests.get(number)
        if request is None or request.peer != peer:
            return
        request.deadline_s = now.s + request.patience_s
        if not request.waiting:
            del self._requests[number]

    def ended(self, peer: PeerId, number: int) -> list[Effect]:
        """The peer ends its answer: it was long enough, or it has none of the rest."""
        request = self._requests.get(number)
        if request is None or request.peer != peer:
            return []
        rest = [self._wanted.get(block_id) for block_id in request.waiting]
        self._give_up(number, vain=not request.delivered)
        broken = sum(1 for wanted in rest if wanted is not None and wanted.source == peer)
        if request.delivered or not broken:
            return []
        reason = f"{short(peer)} sent {broken} headers and has none of their blocks"
        return [Penalize(peer, POINTS_BROKEN_PROMISE, "broken-promise", reason)]

    def expire(self, now: Now) -> list[Effect]:
        """Give up stalled requests."""
        effects: list[Effect] = []
        for number in [n for n, r in self._requests.items() if r.deadline_s <= now.s]:
            state = self._peers[self._requests[number].peer]
            state.slow_until_s = now.s + SLOW_S
            state.patience_s = min(STALL_MAX_S, state.patience_s * 2)
            self._give_up(number)
            effects.append(Count("stalled", "blocks"))
        return effects

    def fetch(self, held: Callable[[Hash], bool], now: Now) -> list[Effect]:
        """Ask for what is missing in the window; bodies that are `held` have come already."""
        self._retry_s = None
        chosen: dict[PeerId, list[Hash]] = {}
        for wanted in self._missing(held, now):
            peer = self._candidate(wanted, now)
            if peer is not None:
                wanted.asked = peer
                self._peers[peer].outstanding += 1
                chosen.setdefault(peer, []).append(wanted.header.id)
        share = self._share()
        return [
            self._request(peer, ids[start : start + share], now)
            for peer, ids in chosen.items()
            for start in range(0, len(ids), share)
        ]

    def abandoned(self) -> list[WantedBlock]:
        """Blocks that nobody had in any round; they are wanted no more."""
        dead = [wanted for wanted in self._wanted if wanted.rounds >= ROUNDS_MAX]
        return [gone for wanted in dead for gone in self._wanted.reject(wanted.header.id)]

    def _missing(self, held: Callable[[Hash], bool], now: Now) -> list[WantedBlock]:
        window = max(WINDOW_MIN, min(WINDOW, WINDOW_BYTES // max(self._body_bytes, 1)))
        missing: list[WantedBlock] = []
        for index, wanted in enumerate(self._wanted):
            if index >= window:
                break
            if wanted.asked is not None or held(wanted.header.id):
                continue
            if wanted.not_before_s > now.s:
                self._retry_at(wanted.not_before_s)
            else:
                missing.append(wanted)
        return missing

    def _candidate(self, wanted: WantedBlock, now: Now) -> PeerId | None:
        """The least busy peer that should have the block and was not asked in this round."""
        untried = [
            (peer, state)
            for peer, state in self._peers.items()
            if peer not in wanted.tried and self._should_have(peer, wanted)
        ]
        if not untried:
            wanted.tried.clear()
            wanted.rounds += 1
            wanted.not_before_s = now.s + ROUND_S
            self._retry_at(wanted.not_before_s)
            return None
        share = self._share()
        free = [
            (state.slow_until_s > now.s, state.outstanding // share, peer)
            for peer, state in untried
            if state.outstanding < 2 * share
        ]
        return min(free)[2] if free else None

    def _should_have(self, peer: PeerId, wanted: WantedBlock) -> bool:
        claim = self._wanted.claims.get(peer)
        return peer == wanted.source or (claim is not None and claim[0] >= wanted.header.height)

    def _share(self) -> int:
        """Blocks in one request: about REQUEST_BYTES by what blocks lately weighed."""
        return max(1, min(REQUEST_BLOCKS, REQUEST_BYTES // max(self._body_bytes, 1)))

    def _retry_at(self, when_s: float) -> None:
        if self._retry_s is None or when_s < self._retry_s:
            self._retry_s = when_s

    def _request(self, peer: PeerId, ids: list[Hash], now: Now) -> Send:
        self._last_request += 1
        patience_s = self._peers[peer].patience_s
        self._requests[self._last_request] = _Request(peer, ids, patience_s, now)
        return Send(peer, GetBlocks(self._last_request, tuple(ids)))

    def _give_up(self, number: int, *, vain: bool = True) -> None:
        request = self._requests.pop(number)
        self._peers[request.peer].outstanding -= len(request.waiting)
        for block_id in request.waiting:
            wanted = self._wanted.get(block_id)
            if wanted is not None and wanted.asked == request.peer:
                wanted.asked = None
                if vain:
                    wanted.tried.append(request.peer)
