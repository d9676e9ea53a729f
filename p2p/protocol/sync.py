"""Headers first: learn which blocks there are before asking for any of them.

Rules:
- A peer's head is known from its hello and its announcements. A head that is neither in the ledger
  nor wanted is asked for by locator, from the highest claim first, HEADER_REQUESTS_MAX at once.
- An announced header whose parent is in the ledger or wanted is checked (seal, slot, difficulty)
  before anything is asked for. *Why:* a forged header must cost its sender, and us one signature
  check.
- Headers of one answer must link: to a block we have or want, and each to the one before; each
  must be sealed as its place demands. *Why:* an invented chain must cost what a real one costs, or
  anybody could keep us asking for it. What needs the state is checked on import.
- Headers of an authority set that is not known yet wait until the bodies before them have brought
  it. *Why:* whose seals they must bear is decided in those bodies.
- An unknown parent, a header from the near future, an answer that no longer fits after a
  reorganisation are nobody's fault. Early headers wait for their slot, EARLY_MAX at most; beyond
  that whoever has shown most of them loses the one that is due last. *Why:* their seals are not
  checked yet, so anyone can invent some, or show another's under a wrong seal.
- A peer that claims more height than its own headers come to, by more than LOWER_MAX, is blamed a
  little. *Why:* its two statements contradict each other; but a heavier chain, or one that has
  become justified, may be lower than the one it takes the place of. A block passed on in compact
  form is no such claim. *Why:* its sender has not executed it yet, and lists no more than it has.
- A request without an answer for STALL_S goes to the next peer; the silent one comes last for
  SLOW_S, and so does one whose answer took LONG_S. *Why:* the first message under a request's
  number is its whole answer, so nobody can drip one; but a peer that answers just before each stall
  would otherwise set the pace, be it asked first for the height it claims.
- Whoever more than VAIN_FREE times in a row brought nothing towards the head it had shown comes
  after those that did not, however high it claims to be. *Why:* heads can be invented, each time
  another one before the last is found out; two peers that do would otherwise always be asked first,
  and nobody else ever.
- While one that dialled us is being asked, those that we dialled come first. *Why:* identities are
  free, and of whoever comes anew nothing is known: two at a time could keep us waiting for ever.
- A peer is asked for as many headers as `wanted` lacks of it.
Serving: at most HEADERS_MAX headers an answer, from what the locator shares with our chain.
"""

from collections import Counter
from dataclasses import replace

from chain.block import Header, decode_header
from chain.consensus.engine import HeaderNode
from chain.ledger import Ledger
from chain.primitives.errors import Declined, Refusal
from chain.primitives.hashing import Hash
from chain.validation import SLOTS_AHEAD_MAX
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.score import (
    POINTS_BROKEN_PROMISE,
    POINTS_INVALID_HEADER,
    POINTS_MALFORMED,
    POINTS_UNREQUESTED,
)
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.protocol.wanted import Wanted
from p2p.wire.messages import AnnounceBlock, CompactBlock, GetHeaders, Headers

HEADERS_MAX = 128  # so many seals take 10 ms, during which the loop stands still
HEADER_REQUESTS_MAX = 2  # two forks can be explored at once; more only repeats the same headers
STALL_S = 4.0
LONG_S = 2.0  # for 32 kB at most: half a stall, longer than any line that is of use takes
SLOW_S = 30.0
EARLY_MAX = 64
EARLY_RETRY_S = 0.5
SERVE_RATE = 16.0  # answers a second and peer: 2,000 headers, faster than bodies can follow
SERVE_BURST = 64.0
LOWER_MAX = 64  # blocks by which a heavier chain is lower; nobody profits from so small a lie
VAIN_FREE = 3  # an answer can come too late to be of use, or after its sender changed branches
TIPS_MAX = 16  # in a locator, beside our own chain's ids

Shown = AnnounceBlock | CompactBlock
"""What shows a header and its seal."""


class _Peer:
    __slots__ = (
        "asked_for",
        "awaits",
        "budget",
        "limit",
        "outbound",
        "passed_on",
        "request",
        "since_s",
        "slow_until_s",
        "useless",
        "vain",
    )

    def __init__(self, now: Now, outbound: bool) -> None:
        self.outbound = outbound
        self.request = 0
        self.limit = 0  # headers that the request is for
        self.asked_for: Hash | None = None
        self.passed_on: Hash | None = None  # the last block shown in compact form
        self.since_s = 0.0
        self.slow_until_s = 0.0
        self.useless: Hash | None = None
        self.vain = 0  # requests in a row that brought nothing
        self.awaits: Hash | None = None  # an authority set: headers beyond its start came too early
        self.budget = TokenBucket(SERVE_RATE, SERVE_BURST, now.s)

    def standing(self, now: Now) -> tuple[int, bool]:
        """How often it was asked in vain, beyond what can happen to anybody; if it was slow."""
        return max(0, self.vain - VAIN_FREE), self.slow_until_s > now.s


class HeaderSync:
    """The headers' engine: turns claims and announcements into wanted blocks."""

    def __init__(self, ledger: Ledger, wanted: Wanted) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._peers: dict[PeerId, _Peer] = {}
        self._asked: dict[PeerId, _Peer] = {}  # those who owe us headers
        self._early: dict[tuple[Hash, PeerId], tuple[Shown, Header]] = {}
        self._early_s = 0.0
        self._last_request = 0

    def connected(
        self, peer: PeerId, height: int, head: Hash, now: Now, *, outbound: bool
    ) -> list[Effect]:
        """A new peer and the head its hello named."""
        self._peers[peer] = _Peer(now, outbound)
        self._wanted.claim(peer, height, head)
        return self._ask(now)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """What it was asked goes to others."""
        del self._peers[peer]
        self._asked.pop(peer, None)
        self._wanted.claims.pop(peer, None)
        return self._ask(now)

    def receive(
        self, peer: PeerId, message: Shown | GetHeaders | Headers, now: Now
    ) -> list[Effect]:
        """One message about headers from a peer; of a compact block its header and seal."""
        match message:
            case AnnounceBlock() | CompactBlock():
                return self._announced(peer, message, now) + self._ask(now)
            case GetHeaders():
                return self._serve(peer, message, now)
            case Headers():
                return self._received(peer, message, now) + self._ask(now)

    @property
    def asking(self) -> bool:
        """Whether a peer owes us headers."""
        return bool(self._asked)

    def deadline_s(self) -> float | None:
        """When a request stalls, or an early header may have become timely."""
        times = [state.since_s + STALL_S for state in self._asked.values()]
        if self._early:
            times.append(self._early_s)
        return min(times, default=None)

    def tick(self, now: Now) -> list[Effect]:
        """Give up stalled requests, retry early headers, ask for what is unknown."""
        effects: list[Effect] = []
        for peer, state in list(self._asked.items()):
            if now.s >= state.since_s + STALL_S:
                self._answered(peer)
                state.vain += 1
                state.slow_until_s = now.s + SLOW_S
                effects.append(Count("stalled", "headers"))
        if now.s >= self._early_s:
            early, self._early = self._early, {}
            for (_, peer), (message, header) in early.items():
                if peer in self._peers:
                    effects += self._consider(peer, message, header, now)
        return effects + self._ask(now)

    def _announced(self, peer: PeerId, message: Shown, now: Now) -> list[Effect]:
        try:
            header = decode_header(message.header)
        except Refusal as refusal:
            return [Penalize(peer, POINTS_MALFORMED, refusal.code, refusal.reason)]
        if header.chain != self._ledger.chain:
            reason = f"header of chain {header.chain.hex()}, ours is {self._ledger.chain.hex()}"
            return [Penalize(peer, POINTS_INVALID_HEADER, "wrong-chain", reason)]
        return self._consider(peer, message, header, now)

    def _consider(self, peer: PeerId, message: Shown, header: Header, now: Now) -> list[Effect]:
        self._peers[peer].passed_on = header.id if isinstance(message, CompactBlock) else None
        if header.id in self._wanted.rejected:
            if isinstance(message, CompactBlock):  # passed on before its sender could know
                return [Count("ignored", "known-invalid")]
            reason = f"block {header.id.hex()} was found invalid"
            return [Penalize(peer, POINTS_INVALID_HEADER, "known-invalid", reason)]
        if self._ledger.has_block(header.id) or self._wanted.knows(header.id):
            self._wanted.claim(peer, header.height, header.id)
            return []
        slot = self._ledger.genesis.slot_at(now.unix_ms)
        if not self._ledger.has_block(header.parent):
            self._wanted.claim(peer, header.height, header.id)
            return self._link(peer, [(header, message.seal)], slot)[1]
        try:
            self._ledger.check_header(header, message.seal, slot)
        except Declined as declined:
            if declined.code == "future-slot":
                self._keep_early(peer, message, header, now)
            return [Count("declined", declined.code)]
        except Refusal as refusal:
            if isinstance(message, CompactBlock) and refusal.code == "invalid-parent":
                return [Count("ignored", "known-invalid")]
            return [Penalize(peer, POINTS_INVALID_HEADER, refusal.code, refusal.reason)]
        self._wanted.claim(peer, header.height, header.id)
        parent = self._node(header.parent)
        assert parent is not None, "its place has been checked"
        self._wanted.add(self._placed(header, message.seal, parent), peer)
        return []

    def _keep_early(self, peer: PeerId, message: Shown, header: Header, now: Now) -> None:
        """Keep a header until its slot begins."""
        if isinstance(message, CompactBlock):
            message = replace(message, certificates=(), short_ids=(), places=(), prefilled=())
        if not self._early:
            self._early_s = now.s + EARLY_RETRY_S
        self._early[header.id, peer] = message, header
        if len(self._early) > EARLY_MAX:
            of = Counter(shower for _, shower in self._early)
            early = self._early
            del early[max(early, key=lambda i: (of[i[1]], early[i][1].slot, i))]

    def _serve(self, peer: PeerId, message: GetHeaders, now: Now) -> list[Effect]:
        if not self._peers[peer].budget.take(1, now.s):
            return [Count("refused", "headers-rate")]
        limit = min(message.limit, HEADERS_MAX)
        found = self._ledger.headers_after(list(message.locator), limit)
        headers = tuple((header.raw, seal) for header, seal in found)
        return [Send(peer, Headers(message.request, headers))]

    def _received(self, peer: PeerId, message: Headers, now: Now) -> list[Effect]:
        state = self._peers[peer]
        if not state.request or message.request != state.request:
            if message.request <= self._last_request:
                return [Count("late", "headers")]
            reason = f"headers for request {message.request}, last was {self._last_request}"
            return [Penalize(peer, POINTS_UNREQUESTED, "unrequested", reason)]
        self._answered(peer)
        if now.s - state.since_s >= LONG_S:
            state.slow_until_s = now.s + SLOW_S
        state.awaits = None
        try:
            headers = [(decode_header(raw), seal) for raw, seal in message.headers]
        except Refusal as refusal:
            return [Penalize(peer, POINTS_MALFORMED, refusal.code, refusal.reason)]
        added, effects = self._link(peer, headers, self._ledger.genesis.slot_at(now.unix_ms))
        if not added:
            state.useless = state.asked_for
        led = state.asked_for is not None and not self._unknown(state.asked_for)
        full = bool(added) and len(headers) >= state.limit
        state.vain = 0 if led or full or state.awaits else state.vain + 1
        return effects or self._false_claim(peer, headers)

    def _false_claim(self, peer: PeerId, headers: list[tuple[Header, bytes]]) -> list[Effect]:
        """Blame for a claim of more height than the peer's own headers, all of them, come to."""
        claim, state = self._wanted.claims.get(peer), self._peers[peer]
        if claim is None or claim[1] != state.asked_for or len(headers) >= state.limit:
            return []
        height, head = claim
        if head == state.passed_on:
            return []
        top = headers[-1][0].height if headers else self._top()
        if height <= top + LOWER_MAX or not self._unknown(head):
            return []
        reason = f"claims height {height}, its headers end at {top}"
        return [Penalize(peer, POINTS_BROKEN_PROMISE, "false-claim", reason)]

    def _top(self) -> int:
        return max(self._ledger.head.height, self._wanted.top())

    def _link(
        self, peer: PeerId, headers: list[tuple[Header, bytes]], slot: int
    ) -> tuple[int, list[Effect]]:
        """Add linked headers to the wanted ones; how many were new, and blame if they do not."""
        added = 0
        previous: Header | None = None
        for header, seal in headers[:HEADERS_MAX]:
            fault = self._fault(header, previous)
            if fault:
                return added, [Penalize(peer, POINTS_INVALID_HEADER, "bad-headers", fault)]
            previous = header
            if self._ledger.has_block(header.id) or header.id in self._wanted:
                continue
            parent = self._node(header.parent)
            if parent is None or header.slot > slot + SLOTS_AHEAD_MAX:
                break
            fault = _misplaced(header, parent.header)
            if fault:
                return added, [Penalize(peer, POINTS_INVALID_HEADER, "bad-headers", fault)]
            node = self._placed(header, seal, parent)
            try:
                self._ledger.check_linked(header, seal, parent, node.target)
            except Declined as declined:
                if declined.code == "unknown-set":
                    self._peers[peer].awaits = header.set_hash
                return added, [Count("declined", declined.code)]
            except Refusal as refusal:
                blame = Penalize(peer, POINTS_INVALID_HEADER, refusal.code, refusal.reason)
                return added, [blame]
            if not self._wanted.add(node, peer):
                break
            added += 1
        return added, []

    def _node(self, block_id: Hash) -> HeaderNode | None:
        """A block that is in the ledger or wanted, in its place."""
        wanted = self._wanted.get(block_id)
        return self._ledger.node(block_id) if wanted is None else wanted.node

    def _placed(self, header: Header, seal: bytes, parent: HeaderNode) -> HeaderNode:
        """A header on its parent, with what the engine demands there."""

        def ancestry(block_id: Hash) -> HeaderNode:
            node = self._node(block_id)
            assert node is not None, "whatever is wanted stands on the ledger"
            return node

        engine = self._ledger.engine
        target = engine.target(parent, ancestry)
        return HeaderNode(header, seal, parent.weight + engine.weight(target), target)

    def _fault(self, header: Header, previous: Header | None) -> str:
        if header.chain != self._ledger.chain:
            return f"header of chain {header.chain.hex()}, ours is {self._ledger.chain.hex()}"
        if header.id in self._wanted.rejected:
            return f"block {header.id.hex()} was found invalid"
        if previous is None:
            return ""
        if header.parent != previous.id:
            return f"parent {header.parent.hex()} after header {previous.id.hex()}"
        return _misplaced(header, previous)

    def _unknown(self, head: Hash) -> bool:
        return not (
            self._wanted.knows(head)
            or self._ledger.has_block(head)
            or any(head == early for early, _ in self._early)
        )

    def _ask(self, now: Now) -> list[Effect]:
        """Ask for headers towards unknown claims, highest first, useful and quick peers before."""
        if len(self._asked) >= HEADER_REQUESTS_MAX:
            return []
        asked_for = [state.asked_for for state in self._asked.values()]
        shown = dict.fromkeys([head for _, head in self._wanted.claims.values()])
        heads = {head for head in shown if head not in asked_for and self._unknown(head)}
        if not heads:
            return []
        guest = any(not state.outbound for state in self._asked.values())
        claims = [
            (guest and not state.outbound, state.standing(now), -self._wanted.claims[peer][0], peer)
            for peer, state in self._peers.items()
            if not state.request
            and peer in self._wanted.claims
            and self._wanted.lacks(peer, HEADERS_MAX, now.s)
            and (state.useless != self._wanted.claims[peer][1] or self._set_came(state))
            and self._wanted.claims[peer][1] in heads
        ]
        if not claims:
            return []
        *_, peer = min(claims)
        return [self._request(peer, now), *self._ask(now)]

    def _set_came(self, state: _Peer) -> bool:
        """Whether the authority set is known by now that its last headers wanted."""
        awaits = state.awaits
        return awaits is not None and self._ledger.finality.sets.find(awaits) is not None

    def _request(self, peer: PeerId, now: Now) -> Send:
        state = self._asked[peer] = self._peers[peer]
        self._last_request += 1
        state.request, state.since_s = self._last_request, now.s
        state.asked_for = self._wanted.claims[peer][1]
        state.limit = self._wanted.lacks(peer, HEADERS_MAX, now.s)
        return Send(peer, GetHeaders(self._last_request, self._locator(), state.limit))

    def _answered(self, peer: PeerId) -> None:
        """The peer owes us nothing any more."""
        self._asked.pop(peer).request = 0

    def _locator(self) -> tuple[Hash, ...]:
        """Our chain's locator, headed by the last wanted headers so that batches follow on.

        The last of each source: a branch that only one peer knows must not hide where we are on
        the branch of all others.
        """
        return (*self._wanted.tips()[:TIPS_MAX], *self._ledger.locator())


def _misplaced(header: Header, parent: Header) -> str:
    """What is wrong with a header's place on its parent; empty if nothing is."""
    if header.height == parent.height + 1 and header.slot > parent.slot:
        return ""
    return (
        f"height {header.height} slot {header.slot} after height {parent.height} slot {parent.slot}"
    )
