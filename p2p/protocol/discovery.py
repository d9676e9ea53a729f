"""Discovery: from one bootstrap address to the target number of outbound connections, and back.

Rules:
- Outbound connections are kept at the target, diverse by network group. Inbound ones do not count.
  *Why:* whom we dial is our choice, who dials us is an attacker's.
- Bootstrap addresses are dialled only while the book offers nobody else who is due. *Why:* the
  bootstrap node must neither carry everyone nor be needed twice.
- Peers are asked for peers on connecting, then one at a time; often while below target.
- Every FEELER_S one more contact is dialled although the target is reached, and the surplus is let
  go later. *Why:* after a long partition both halves are full of their own; the feeler is what
  finds the other half. It also keeps the book's knowledge of who lives fresh.
- A peer that asks gets a sample, at most PEX_RATE times a second. *Why:* the book is private.
- Attempts back off with jitter (see `backoff`), at most DIALS_MAX at once. A connection that ends
  within BRIEF_S backs off like a failed one. *Why:* a full or banning peer says so after the hello,
  and must not be asked again as fast as the line allows.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from chain.primitives.errors import Refusal
from p2p.peers.addressbook import AddressBook, Contact, group_of
from p2p.peers.backoff import Backoff
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_MALFORMED, POINTS_UNREQUESTED, ScoreBoard
from p2p.protocol.effects import Count, Dial, Disconnect, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.wire.messages import GetPeers, Hello, Peers

DIALS_MAX = 8
FEELER_S = 15.0
FEELER_STAY_S = 20.0  # long enough to compare heads and start a sync
EXCHANGE_S = 60.0
EXCHANGE_HUNGRY_S = 2.0  # while below target with nobody left to dial
PEX_RATE = 0.5
PEX_BURST = 8
BRIEF_S = 2.0  # long enough for a hello and a goodbye over the slowest line
RECONNECT_S = 1.0  # a peer that just left is not dialled before this, with jitter


@dataclass(frozen=True, slots=True)
class Connected:
    """A finished handshake: who, by which address, who dialled, and what the hello said."""

    peer: PeerId
    address: str
    outbound: bool
    hello: Hello


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Bootstrap addresses, the number of outbound connections to keep, and the record's parser.

    `parse` verifies a signed record and gives its contact; it raises Refusal. Without `explore`
    the bootstrap addresses are all that is ever dialled: a network wired by hand.
    """

    bootstrap: tuple[str, ...]
    outbound_target: int
    parse: Callable[[bytes], Contact]
    explore: bool = True


class _Link:
    __slots__ = ("address", "budget", "outbound", "request", "since_s")

    def __init__(self, connected: Connected, now: Now) -> None:
        self.address = connected.address
        self.outbound = connected.outbound
        self.since_s = now.s
        self.request = 0
        self.budget = TokenBucket(PEX_RATE, PEX_BURST, now.s)


class Discovery:
    """Keeps the node connected. Deterministic under its rng."""

    def __init__(
        self,
        settings: DiscoverySettings,
        book: AddressBook,
        scores: ScoreBoard,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._book = book
        self._scores = scores
        self._rng = rng
        self._links: dict[PeerId, _Link] = {}
        self._dialing: dict[str, PeerId | None] = {}
        self._seeds = {address: Backoff() for address in settings.bootstrap}
        self._last_request = 0
        self._exchange_s = 0.0
        self._feeler_s: float | None = None
        self._due_s: float | None = 0.0

    def connected(self, new: Connected, now: Now) -> list[Effect]:
        """Learn the peer's own record and ask it for others."""
        self._links[new.peer] = _Link(new, now)
        effects = self._learn(new.peer, (new.hello.record,))
        if new.outbound:
            self._reached(new.address, new.peer, now)
        if self._settings.explore:
            effects.append(self._ask(new.peer))
        self._due_s = now.s
        return effects

    def dial_failed(self, address: str, now: Now) -> list[Effect]:
        """An attempt failed before the hello was through."""
        peer = self._dialing.pop(address, None)
        if address in self._seeds:
            self._seeds[address].failed(now.s, self._rng)
        backoff = None if peer is None else self._book.backoff(peer)
        if backoff is not None:
            backoff.failed(now.s, self._rng)
        self._due_s = now.s
        return []

    def dialled_known(self, address: str, peer: PeerId, now: Now) -> list[Effect]:
        """The attempt reached a peer already connected: a success without a new link."""
        self._reached(address, peer, now)
        self._due_s = now.s
        return []

    def dialled_self(self, address: str, now: Now) -> list[Effect]:
        """The address is our own: no seed, and whoever claims it is not there."""
        self._seeds.pop(address, None)
        return self.dial_failed(address, now)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """A connection ended; retry soon but not at once, in case it was on purpose."""
        link = self._links.pop(peer, None)
        if link is not None:
            backoff = self._book.backoff(peer)
            brief = link.outbound and now.s - link.since_s < BRIEF_S
            for tried in (backoff, self._seeds.get(link.address)):
                if tried is not None and brief:
                    tried.brief(now.s, self._rng)
                elif tried is not None:
                    tried.lasted()
            if backoff is not None:
                backoff.hold(now.s, RECONNECT_S * self._rng.uniform(0.3, 1.0))
        self._due_s = now.s
        return []

    def receive(self, peer: PeerId, message: GetPeers | Peers, now: Now) -> list[Effect]:
        """Serve a sample, or learn from an answer we asked for."""
        link = self._links[peer]
        if isinstance(message, GetPeers):
            if not link.budget.take(1, now.s):
                return [Count("refused", "peer-exchange-rate")]
            return [Send(peer, Peers(message.request, self._book.sample(self._rng)))]
        if not link.request or message.request != link.request:
            if 0 < message.request <= self._last_request:
                return [Count("late", "peers")]
            return [
                Penalize(
                    peer,
                    POINTS_UNREQUESTED,
                    "unrequested",
                    f"peers for request {message.request}, asked {link.request}",
                )
            ]
        link.request = 0
        self._due_s = now.s
        return self._learn(peer, message.records)

    def deadline_s(self) -> float | None:
        """When to tick next."""
        return self._due_s

    def tick(self, now: Now) -> list[Effect]:
        """Dial what is missing, explore, let go of surplus, ask for more peers."""
        effects: list[Effect] = []
        self._dial_missing(now, effects)
        if self._settings.explore:
            self._feel(now, effects)
            self._trim(now, effects)
            self._exchange(now, effects)
        self._due_s = self._next_s(now)
        return effects

    def outbound(self) -> int:
        """Established outbound connections."""
        return sum(1 for link in self._links.values() if link.outbound)

    def hungry(self) -> bool:
        """Whether there are fewer outbound connections than wanted."""
        return self.outbound() + len(self._dialing) < self._settings.outbound_target

    def _usable(self, now: Now) -> Callable[[Contact], bool]:
        def usable(contact: Contact) -> bool:
            return (
                contact.peer not in self._links
                and contact.addresses[0] not in self._dialing
                and not self._scores.banned_for_s(contact.peer, now.s)
            )

        return usable

    def _dial(self, address: str, peer: PeerId | None, effects: list[Effect]) -> None:
        self._dialing[address] = peer
        effects.append(Dial(address))

    def _dial_missing(self, now: Now, effects: list[Effect]) -> None:
        used = {group_of(link.address) for link in self._links.values() if link.outbound}
        while self.hungry() and len(self._dialing) < DIALS_MAX:
            contact = self._book.choose(now.s, self._rng, self._usable(now), used)
            if contact is None:
                break
            used.add(group_of(contact.addresses[0]))
            self._dial(contact.addresses[0], contact.peer, effects)
        if not self.hungry():
            return
        for address in self._idle_seeds():
            if self._seeds[address].next_s <= now.s and len(self._dialing) < DIALS_MAX:
                self._dial(address, None, effects)

    def _idle_seeds(self) -> list[str]:
        """Bootstrap addresses nobody we know of is at: known contacts are dialled from the book."""
        held = {link.address for link in self._links.values()} | set(self._dialing)
        for peer in self._links:
            contact = self._book.get(peer)
            held.update(() if contact is None else contact.addresses)
        return [address for address in self._seeds if address not in held]

    def _feel(self, now: Now, effects: list[Effect]) -> None:
        due = self._feeler_s is not None and now.s >= self._feeler_s
        if due or self._feeler_s is None:
            self._feeler_s = now.s + FEELER_S * self._rng.uniform(0.75, 1.25)
        if due and not self.hungry() and len(self._dialing) < DIALS_MAX:
            contact = self._book.choose(now.s, self._rng, self._usable(now), set())
            if contact is not None:
                self._dial(contact.addresses[0], contact.peer, effects)

    def _trim(self, now: Now, effects: list[Effect]) -> None:
        outbound = [(peer, link) for peer, link in self._links.items() if link.outbound]
        target = self._settings.outbound_target
        if len(outbound) <= target:
            return
        settled = [(peer, link) for peer, link in outbound if now.s - link.since_s >= FEELER_STAY_S]
        if settled:
            peer, _ = self._rng.choice(settled)
            reason = f"{len(outbound)} outbound connections, the target is {target}"
            effects.append(Disconnect(peer, "surplus", reason))

    def _exchange(self, now: Now, effects: list[Effect]) -> None:
        if now.s < self._exchange_s or not self._links:
            return
        effects.append(self._ask(self._rng.choice(list(self._links))))
        hungry = self.hungry()
        pause_s = EXCHANGE_HUNGRY_S if hungry else EXCHANGE_S
        self._exchange_s = now.s + pause_s * self._rng.uniform(0.75, 1.25)

    def _next_s(self, now: Now) -> float:
        times = [] if self._feeler_s is None else [self._feeler_s]
        if self._links and self._settings.explore:
            times.append(self._exchange_s)
        if self.hungry() and len(self._dialing) < DIALS_MAX:
            times.extend(self._seeds[address].next_s for address in self._idle_seeds())
            due_s = self._book.next_due_s(self._usable(now))
            times.extend(() if due_s is None else (due_s,))
        return max(min(times, default=now.s + EXCHANGE_S), now.s + 0.01)

    def _ask(self, peer: PeerId) -> Send:
        self._last_request += 1
        self._links[peer].request = self._last_request
        return Send(peer, GetPeers(self._last_request))

    def _reached(self, address: str, peer: PeerId, now: Now) -> None:
        """Somebody answered at the address; if not whom the book expects there, it failed."""
        expected = self._dialing.pop(address, None)
        if address in self._seeds:
            self._seeds[address].succeeded(now.s)
        backoff = self._book.backoff(peer)
        if backoff is not None:
            backoff.succeeded(now.s)
        absent = None if expected in (None, peer) else self._book.backoff(expected)
        if absent is not None:
            absent.failed(now.s, self._rng)

    def _learn(self, source: PeerId, records: tuple[bytes, ...]) -> list[Effect]:
        if not self._settings.explore:
            return []
        for record in records:
            if self._book.has_record(record):
                continue
            try:
                contact = self._settings.parse(record)
            except Refusal as refusal:
                return [Penalize(source, POINTS_MALFORMED, refusal.code, refusal.reason)]
            self._book.add(contact, source if contact.peer != source else None)
        return []
