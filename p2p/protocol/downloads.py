"""Which peer is asked for which wanted body, and what happens when it does not come.

Rules:
- The first wanted blocks, WINDOW of them, fewer when blocks have lately been large, are asked for,
  spread over the peers whose claimed height covers them; of each peer that told us of some, its
  share. *Why:* what waits is bounded in blocks and in bytes, one slow peer must not hold up what
  others have, nor headers without bodies what has some.
- A peer gets its share at a time and has two requests outstanding. The share starts at
  SHARE_BLOCKS, doubles when an answer took less than QUICK_S and halves when it took longer than
  LONG_S or stalled. *Why:* each peer then holds a second of its own pace, whatever that is.
- Who has nothing left to do takes over the blocks that hold up the import, if they were asked for
  STEAL_S ago: whichever answer comes first counts, and a block is asked of two peers at most.
  *Why:* the slowest peer's last answer would otherwise set the pace of all.
- A request without progress for STALL_S is asked elsewhere and the peer comes last for SLOW_S; each
  stall doubles that peer's patience up to STALL_MAX_S, and what comes late is still taken. *Why:*
  under load everybody is slow, and asking for everything again would make it worse.
- So is a request that is not answered in whole within WHOLE_S, or the peer's patience if that is
  longer, since the answer before it was. *Why:* whoever sends a block just before each stall could
  hold up the import for as long as it has blocks, and a second one could be the helper.
- Who has served nothing for UNSERVED_S since it was asked, while others served, is sent away
  without blame. *Why:* it takes the place of somebody who would serve, and may only be overloaded.
  Bodies that it was not asked for are no service, and no progress.
- When everyone was asked in vain the round starts again after ROUND_S, ROUNDS_MAX times; then the
  block and all that build on it are forgotten. *Why:* a chain of headers that nobody has bodies for
  must not be chased for ever.
- A peer may send as many bodies as it was asked for and has not said that it lacks, DUE_MAX at
  most, and only under a number that was given out. *Why:* a body has to be decoded before it can be
  told whether it is wanted; and whoever lets request after request run out must not save up for a
  flood. *Why no time:* what is late is taken, however late; DUE_MAX decodings are cheap, once.
- A peer that says it has none of the blocks whose headers it sent is blamed; silence is not.
"""

import math
from collections import Counter
from collections.abc import Callable

from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId, short
from p2p.peers.score import POINTS_BROKEN_PROMISE, POINTS_UNREQUESTED
from p2p.protocol.effects import Count, Disconnect, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.wanted import Wanted, WantedBlock
from p2p.wire.messages import GetBlocks

WINDOW = 512  # a second of the fastest import: enough that no peer waits for another's answer
WINDOW_BYTES = 32 * 1024 * 1024
WINDOW_MIN = 4
SHARE_BLOCKS = 8
SHARE_BLOCKS_MAX = 32  # a tenth of a second of import; more would only arrive in larger lumps
REQUEST_BYTES = 2 * 1024 * 1024
SIZE_GUESS = 512 * 1024  # of a body, before any has come
QUICK_S = 0.5
LONG_S = 2.0
DUE_MAX = 4 * SHARE_BLOCKS_MAX  # two requests, and as much that stalled: a share halves each time
STEAL_S = 0.5  # several round trips: who takes longer is slow, or asked for more than it can send
STALL_S = 4.0
STALL_MAX_S = 32.0
WHOLE_S = 20.0  # for a share that is cut to what takes LONG_S
SLOW_S = 15.0
UNSERVED_S = 60.0  # the largest block takes 40 s at 50 kB/s
ROUND_S = 1.0
ROUNDS_MAX = 8


class _Request:
    __slots__ = ("deadline_s", "delivered", "moved", "patience_s", "peer", "sent_s", "waiting")

    def __init__(self, peer: PeerId, ids: list[Hash], patience_s: float, now: Now) -> None:
        self.peer = peer
        self.delivered = False
        self.moved = False  # part of the answer has come since it was last looked at
        self.waiting = dict.fromkeys(ids)
        self.patience_s = patience_s
        self.sent_s = now.s
        self.deadline_s = now.s + patience_s


class _Peer:
    __slots__ = (
        "due",
        "free_s",
        "outstanding",
        "patience_s",
        "share",
        "slow_until_s",
        "unserved_s",
    )

    def __init__(self) -> None:
        self.due = 0  # bodies that it was asked for and may still send
        self.outstanding = 0
        self.share = SHARE_BLOCKS
        self.free_s = 0.0  # when its last answer was complete
        self.patience_s = STALL_S
        self.slow_until_s = 0.0
        self.unserved_s: float | None = None  # since when it owes an answer and has sent nothing

    def begun_s(self, request: _Request) -> float:
        """Since when the peer has had nothing else to send than the answer to a request."""
        return max(request.sent_s, self.free_s)

    def answered(self, request: _Request, now_s: float) -> None:
        """A whole answer has come: the next share follows from how long it took."""
        took_s = now_s - self.begun_s(request)
        self.free_s = now_s
        if took_s < QUICK_S:
            self.share = min(2 * self.share, SHARE_BLOCKS_MAX)
        elif took_s > LONG_S:
            self.share = max(self.share // 2, 1)


class Downloads:
    """Requests for bodies of wanted blocks."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._peers: dict[PeerId, _Peer] = {}
        self._requests: dict[int, _Request] = {}
        self._last_request = 0
        self._retry_s: float | None = None
        self._served_s = -math.inf  # when anybody last served
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

    def unrequested(self, peer: PeerId, number: int) -> list[Effect]:
        """Blame for bodies under a number that was never given out."""
        if 0 < number <= self._last_request:
            return []
        reason = f"blocks for request {number}, which nobody made"
        return [Penalize(peer, POINTS_UNREQUESTED, "unrequested", reason)]

    def is_due(self, peer: PeerId) -> bool:
        """Whether one more body may come from a peer, which then counts as one it was asked for."""
        state = self._peers[peer]
        if not state.due:
            return False
        state.due -= 1
        return True

    def arrived(self, peer: PeerId, number: int, block_id: Hash, size: int) -> bool:
        """A body has come. True if it is wanted and the peer was asked for it, in time or not."""
        request, state = self._requests.get(number), self._peers[peer]
        if request is not None and request.peer == peer and block_id in request.waiting:
            self._body_bytes += (size - self._body_bytes) // 8  # of those asked for, no others
            del request.waiting[block_id]
            request.delivered = request.moved = True
            state.outstanding -= 1
            state.patience_s = max(STALL_S, state.patience_s - STALL_S / 8)
            state.unserved_s = None
        wanted = self._wanted.get(block_id)
        if wanted is None:
            return False
        if wanted.asked == peer:
            wanted.asked, wanted.helper = wanted.helper, None
            wanted.tried.append(peer)
        elif wanted.helper == peer:
            wanted.helper = None
            wanted.tried.append(peer)
        if peer not in wanted.tried:
            return False
        state.unserved_s = None
        return True

    def progressed(self, peer: PeerId, number: int, now: Now) -> None:
        """Part of an answer has come: the rest has its time again, within that of the whole."""
        request = self._requests.get(number)
        if request is None or request.peer != peer or not request.moved:
            return
        request.moved = False
        state = self._peers[peer]
        whole_s = state.begun_s(request) + max(WHOLE_S, request.patience_s)
        request.deadline_s = min(now.s + request.patience_s, whole_s)
        self._served_s = now.s
        if not request.waiting:
            del self._requests[number]
            state.answered(request, now.s)

    def ended(self, peer: PeerId, number: int) -> list[Effect]:
        """The peer ends its answer: it was long enough, or it has none of the rest."""
        request = self._requests.get(number)
        if request is None or request.peer != peer:
            return []
        state = self._peers[peer]
        state.unserved_s = None
        state.due = max(state.due - len(request.waiting), 0)
        rest = [self._wanted.get(block_id) for block_id in request.waiting]
        self._give_up(number, vain=not request.delivered)
        promised = (w for w in rest if w is not None and w.source == peer and not w.passed_on)
        broken = sum(1 for _ in promised)
        if request.delivered or not broken:
            return []
        reason = f"{short(peer)} sent {broken} headers and has none of their blocks"
        return [Penalize(peer, POINTS_BROKEN_PROMISE, "broken-promise", reason)]

    def expire(self, now: Now) -> list[Effect]:
        """Give up stalled requests, and peers that serve nothing."""
        effects: list[Effect] = []
        for number in [n for n, r in self._requests.items() if r.deadline_s <= now.s]:
            request = self._requests[number]
            state = self._peers[request.peer]
            if state.unserved_s is None and not request.delivered:
                state.unserved_s = request.sent_s
            state.slow_until_s = now.s + SLOW_S
            state.patience_s = min(STALL_MAX_S, state.patience_s * 2)
            state.share = max(state.share // 2, 1)
            self._give_up(number)
            effects.append(Count("stalled", "blocks"))
        return effects + self._unserved(now)

    def _unserved(self, now: Now) -> list[Effect]:
        effects: list[Effect] = []
        for peer, state in self._peers.items():
            since_s = state.unserved_s
            if since_s is None or now.s < since_s + UNSERVED_S or self._served_s < since_s:
                continue
            state.unserved_s = None
            reason = f"no block came for {now.s - since_s:.0f} s since one was asked for"
            effects.append(Disconnect(peer, "unserved", reason))
        return effects

    def fetch(self, held: Callable[[Hash], bool], now: Now) -> list[Effect]:
        """Ask for what is missing in the window; bodies that are `held` have come already."""
        self._retry_s = None
        if not len(self._wanted):
            return []
        free = [peer for peer, state in self._peers.items() if self._has_room(state)]
        if not free:
            return []  # whatever gives a peer room again comes back here
        chosen: dict[PeerId, list[Hash]] = {}
        missing, late = self._missing(held, now)
        for wanted in missing:
            peer = self._candidate(wanted, free, now)
            if peer is not None:
                wanted.asked, wanted.asked_s = peer, now.s
                state = self._peers[peer]
                state.outstanding += 1
                chosen.setdefault(peer, []).append(wanted.header.id)
                if not self._has_room(state):
                    free.remove(peer)
                    if not free:
                        break
        effects = self._steal(late, chosen, now) if late else []
        for peer, ids in chosen.items():
            share = self._share(self._peers[peer])
            for start in range(0, len(ids), share):
                effects.append(self._request(peer, ids[start : start + share], now))
        return effects

    def abandoned(self) -> list[WantedBlock]:
        """Blocks that nobody had in any round; they are wanted no more."""
        dead = [wanted for wanted in self._wanted if wanted.rounds >= ROUNDS_MAX]
        return [gone for wanted in dead for gone in self._wanted.reject(wanted.header.id)]

    def _missing(
        self, held: Callable[[Hash], bool], now: Now
    ) -> tuple[list[WantedBlock], list[WantedBlock]]:
        """Blocks of the window to ask for; and those at its front that are asked for already."""
        window = max(WINDOW_MIN, min(WINDOW, WINDOW_BYTES // max(self._body_bytes, 1)))
        missing: list[WantedBlock] = []
        late: list[WantedBlock] = []
        late_max = max(1, SHARE_BLOCKS_MAX // max(1, self._wanted.sources))
        helpable: Counter[PeerId] = Counter()
        for wanted in self._wanted.first(window):
            if held(wanted.header.id):
                continue
            if wanted.asked is not None:
                if wanted.helper is None and helpable[wanted.source] < late_max:
                    helpable[wanted.source] += 1
                    late.append(wanted)
            elif wanted.not_before_s > now.s:
                self._retry_at(wanted.not_before_s)
            else:
                missing.append(wanted)
        return missing, late

    def _steal(
        self, late: list[WantedBlock], chosen: dict[PeerId, list[Hash]], now: Now
    ) -> list[Effect]:
        """Have idle peers take over the blocks that hold up the import."""
        first = late[0]
        if self._wanted.get(first.header.parent) is not None:
            return []  # the import waits for something before it, which has come
        if first.asked_s + STEAL_S > now.s:
            self._retry_at(first.asked_s + STEAL_S)
            return []
        stolen = 0
        for wanted in late:
            if wanted.asked_s + STEAL_S > now.s:
                continue
            idle = [
                (-state.share, len(chosen.get(peer, ())), peer)
                for peer, state in self._peers.items()
                if self._may_help(peer, state, wanted, len(chosen.get(peer, ())), now)
            ]
            if not idle:
                break
            peer = min(idle)[2]
            wanted.helper = peer
            self._peers[peer].outstanding += 1
            chosen.setdefault(peer, []).append(wanted.header.id)
            stolen += 1
        return [Count("stolen", "blocks", stolen)] if stolen else []

    def _may_help(
        self, peer: PeerId, state: _Peer, wanted: WantedBlock, chosen: int, now: Now
    ) -> bool:
        """Whether a peer with that many blocks chosen for it just now is idle but for them."""
        return (
            chosen == state.outstanding
            and chosen < self._share(state)
            and state.slow_until_s <= now.s
            and peer != wanted.asked
            and peer not in wanted.tried
            and self._should_have(peer, wanted)
        )

    def _candidate(self, wanted: WantedBlock, free: list[PeerId], now: Now) -> PeerId | None:
        """The least busy peer that should have the block and was not asked in this round.

        It is one of the `free` ones: those with room for more.
        """
        able = [peer for peer in free if self._may_serve(peer, wanted)]
        if able:
            return min(able, key=lambda peer: self._rank(peer, now))
        if not any(self._may_serve(peer, wanted) for peer in self._peers):
            wanted.tried.clear()
            wanted.rounds += 1
            wanted.not_before_s = now.s + ROUND_S
            self._retry_at(wanted.not_before_s)
        return None

    def _rank(self, peer: PeerId, now: Now) -> tuple[bool, int, PeerId]:
        """The order in which peers are asked: the least is asked first."""
        state = self._peers[peer]
        return state.slow_until_s > now.s, state.outstanding // self._share(state), peer

    def _may_serve(self, peer: PeerId, wanted: WantedBlock) -> bool:
        return peer not in wanted.tried and self._should_have(peer, wanted)

    def _has_room(self, state: _Peer) -> bool:
        return state.outstanding < 2 * self._share(state)

    def _should_have(self, peer: PeerId, wanted: WantedBlock) -> bool:
        claim = self._wanted.claims.get(peer)
        return peer == wanted.source or (claim is not None and claim[0] >= wanted.header.height)

    def _share(self, state: _Peer) -> int:
        """Blocks in one request: at most REQUEST_BYTES by what blocks lately weighed."""
        return max(1, min(state.share, REQUEST_BYTES // max(self._body_bytes, 1)))

    def _retry_at(self, when_s: float) -> None:
        if self._retry_s is None or when_s < self._retry_s:
            self._retry_s = when_s

    def _request(self, peer: PeerId, ids: list[Hash], now: Now) -> Send:
        self._last_request += 1
        state = self._peers[peer]
        state.due = min(state.due + len(ids), DUE_MAX)
        self._requests[self._last_request] = _Request(peer, ids, state.patience_s, now)
        return Send(peer, GetBlocks(self._last_request, tuple(ids)))

    def _give_up(self, number: int, *, vain: bool = True) -> None:
        request = self._requests.pop(number)
        self._peers[request.peer].outstanding -= len(request.waiting)
        for block_id in request.waiting:
            wanted = self._wanted.get(block_id)
            if wanted is None or request.peer not in (wanted.asked, wanted.helper):
                continue
            if wanted.asked == request.peer:
                wanted.asked = wanted.helper
            wanted.helper = None
            if vain:
                wanted.tried.append(request.peer)
