"""Discovery: from one bootstrap address to the target number of outbound connections, and back.

Rules:
- Outbound connections are kept at the target, one of each network group where there are contacts of
  others. Inbound ones do not count. *Why:* whom we dial is our choice, who dials us an attacker's.
- After a start the outbound peers of the last run are dialled before anybody else, for ANCHORS_S.
  *Why:* an attacker who has filled our book must not gain by making us restart.
- Bootstrap addresses are dialled only while the book offers nobody else who is due. *Why:* the
  bootstrap node must neither carry everyone nor be needed twice.
- Peers are asked for peers on connecting, then one at a time; often while below target.
- Every `feeler_s` one more contact is dialled although the target is reached: one that a newcomer
  wants the slot of, else one nobody has reached yet; and, while two outbound peers are of one
  group, every DIVERSIFY_S a contact of a group we have nobody of. *Why:* this is how the book
  learns who lives; and after a long partition, when both halves are full of their own, it is what
  finds the other half.
- Of outbound connections beyond the target one is let go after FEELER_STAY_S: whose last news in
  blocks is longest ago, the latest come first; of those that share a group, else of all but the
  older half of the target. *Why:* silent peers give way to those that bring something; but who
  has just come, however quick it is, must not push out those we have known for long.
- What a contact's address leads to must reach as far as our own does; the bootstrap addresses may
  lead anywhere. *Why:* a contact is a stranger's word, and a name of the open internet can resolve
  to our own machine (see `net.names`); the other addresses are the operator's.
- A contact has been reached when somebody who proved to be it answered at the address of its
  record. *Why:* a peer says where it is as it likes, and could otherwise put any address, of
  whatever network, among those that we have reached.
- Attempts back off with jitter (see `backoff`), at most DIALS_MAX at once and DIALS_RATE a second.
  A connection that ends within BRIEF_S backs off like a failed one. *Why:* a full or banning peer
  says so after the hello, and must not be asked again as fast as the line allows.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from p2p.peers.addressbook import AddressBook, Usable
from p2p.peers.bucket import TokenBucket
from p2p.peers.contact import Contact, Reach, group_of
from p2p.peers.peer import PeerId
from p2p.peers.remembered import ANCHORS_MAX
from p2p.peers.score import ScoreBoard
from p2p.peers.usefulness import Usefulness
from p2p.protocol.effects import Count, Dial, Disconnect, Effect
from p2p.protocol.exchange import PeerExchange, Teacher
from p2p.protocol.instant import Now
from p2p.protocol.seeds import Seeds
from p2p.wire.control import Hello
from p2p.wire.discovery import GetPeers, Peers

DIALS_MAX = 8
DIALS_RATE = 10.0  # far fewer are of any use; an address book full of closed ports is this slow
DIALS_BURST = 32.0
FEELER_S = 120.0  # Bitcoin's figure
DIVERSIFY_S = 10.0
FEELER_STAY_S = 20.0  # long enough to compare heads and start a sync
EXCHANGE_S = 60.0
EXCHANGE_HUNGRY_S = 2.0  # while below target with nobody left to dial
BRIEF_S = 2.0  # long enough for a hello and a goodbye over the slowest line
RECONNECT_S = 1.0  # a peer that just left is not dialled before this, with jitter
ANCHORS_S = 60.0  # until anchors that do not answer are contacts like all others
ANCHOR_LASTED_S = 10.0  # a connection this old is worth more than an anchor that does not answer
# Looking for who is due costs about 2 us a contact; a tenth of a core is the most it may take.
LOOK_S = 0.01
LOOK_S_PER_CONTACT = 2e-5


@dataclass(frozen=True, slots=True)
class Connected:
    """A finished handshake: who, by which address, who dialled, and what the hello said.

    `origin` is the network group that an inbound link comes from; an outbound one is of the group
    of its address.
    """

    peer: PeerId
    address: str
    outbound: bool
    hello: Hello
    origin: str = ""

    @property
    def group(self) -> str:
        """The network group of the far end, as far as we can tell by ourselves."""
        return self.origin or group_of(self.address)


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Bootstrap addresses, the number of outbound connections to keep, and the record's parser.

    `parse` verifies a signed record and gives its contact; it raises Refusal. Without `explore`
    the bootstrap addresses are all that is ever dialled: a network wired by hand. `anchors` are the
    outbound peers of the last run; without `feeler_s` there are no feelers; `reach` is how far away
    our own address can be dialled from.
    """

    bootstrap: tuple[str, ...]
    outbound_target: int
    parse: Callable[[bytes], Contact]
    explore: bool = True
    feeler_s: float = FEELER_S
    anchors: tuple[PeerId, ...] = ()
    reach: Reach = Reach.HOST


@dataclass(frozen=True, slots=True)
class _Link:
    address: str
    group: str
    outbound: bool
    since_s: float


@dataclass(frozen=True, slots=True)
class Acquaintances:
    """What discovery works on: the book, and what is known of peers for better and for worse."""

    book: AddressBook
    scores: ScoreBoard
    uses: Usefulness


class Discovery:
    """Keeps the node connected. Deterministic under its rng."""

    def __init__(
        self, settings: DiscoverySettings, known: Acquaintances, rng: random.Random
    ) -> None:
        self._settings = settings
        self._book = known.book
        self._scores = known.scores
        self._uses = known.uses
        self._rng = rng
        self._reach = max(settings.reach, Reach.HOST)
        self._exchange = PeerExchange(known.book, settings.parse, self._reach)
        self._links: dict[PeerId, _Link] = {}
        self._dialing: dict[str, PeerId | None] = {}
        self._seeds = Seeds(settings.bootstrap)
        self._anchors = list(settings.anchors)
        self._anchors_until_s: float | None = None
        self._budget = TokenBucket(DIALS_RATE, DIALS_BURST, 0.0)
        self._exchange_s = 0.0
        self._feeler_s: float | None = None
        self._diversify_s = 0.0
        self._looked_s = -math.inf  # when we last looked for somebody to dial
        self._dial_s = 0.0  # when to look again
        self._due_s = 0.0

    def connected(self, new: Connected, now: Now) -> list[Effect]:
        """Learn the peer's own record and ask it for others."""
        self._links[new.peer] = _Link(new.address, new.group, new.outbound, now.s)
        records = (new.hello.record,) if self._settings.explore else ()
        effects = self._exchange.connected(Teacher(new.peer, new.group), records, now)
        if new.outbound:
            self._reached(new.address, new.peer, now)
        if self._settings.explore:
            effects.append(self._exchange.ask(new.peer))
        self._look_soon(now)
        return effects

    def dial_failed(self, address: str, now: Now) -> list[Effect]:
        """An attempt failed before the hello was through."""
        peer = self._dialing.pop(address, None)
        self._seeds.failed(address, now, self._rng)
        if peer is not None:
            self._book.failed(peer, now.s, self._rng)
        self._look_soon(now)
        return []

    def dialled_known(self, address: str, peer: PeerId, now: Now) -> list[Effect]:
        """The attempt reached a peer already connected: a success without a new link."""
        self._reached(address, peer, now)
        self._look_soon(now)
        return []

    def dialled_self(self, address: str, now: Now) -> list[Effect]:
        """The address is our own: no seed, and whoever claims it is not there."""
        self._seeds.met_ourselves(address)
        self._exchange.met_ourselves(address)
        liar = self._dialing.pop(address, None)
        if liar is not None:
            self._book.forget(liar)
        self._look_soon(now)
        return []

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """A connection ended; retry soon but not at once, in case it was on purpose."""
        link = self._links.pop(peer, None)
        self._exchange.disconnected(peer)
        if link is not None:
            backoff = self._book.backoff(peer)
            brief = link.outbound and now.s - link.since_s < BRIEF_S
            for tried in (backoff, self._seeds.backoff(link.address)):
                if tried is not None and brief:
                    tried.brief(now.s, self._rng)
                elif tried is not None:
                    tried.lasted()
            if backoff is not None:
                backoff.hold(now.s, RECONNECT_S * self._rng.uniform(0.3, 1.0))
        self._look_soon(now)
        return []

    def receive(self, peer: PeerId, message: GetPeers | Peers, now: Now) -> list[Effect]:
        """Serve a sample, or learn from an answer we asked for."""
        if isinstance(message, GetPeers):
            return [self._exchange.asked(peer, message, self._rng, now)]
        self._look_soon(now)
        return self._exchange.answered(peer, message, now)

    def deadline_s(self) -> float | None:
        """When to tick next."""
        return self._due_s

    def tick(self, now: Now) -> list[Effect]:
        """Dial what is missing, explore, let go of surplus, ask for more peers."""
        effects: list[Effect] = []
        if self._anchors_until_s is None:
            self._anchors_until_s = now.s + ANCHORS_S
        if now.s >= self._dial_s:
            self._dial_missing(now, effects)
            self._looked_s, self._dial_s = now.s, self._next_dial_s(now)
        if self._settings.explore:
            self._diversify(now, effects)
            self._feel(now, effects)
            self._trim(now, effects)
            self._ask_around(now, effects)
        self._due_s = self._next_s(now)
        return effects

    def outbound(self) -> int:
        """Established outbound connections."""
        return sum(1 for link in self._links.values() if link.outbound)

    def hungry(self) -> bool:
        """Whether there are fewer outbound connections than wanted."""
        return self.outbound() + len(self._dialing) < self._settings.outbound_target

    def anchors(self, now: Now) -> tuple[PeerId, ...]:
        """Whom to dial first after a restart: outbound peers, those we have had for longest first.

        Anchors of the last run that have not answered yet come after those that have lasted, and
        before those that have only just come: a node that restarts over and over keeps them.
        """
        lasted = [(p, k) for p, k in self._by_age() if now.s - k.since_s >= ANCHOR_LASTED_S]
        order = [peer for peer, _ in lasted] + self._anchors + [peer for peer, _ in self._by_age()]
        return tuple(dict.fromkeys(order))[:ANCHORS_MAX]

    def _by_age(self) -> list[tuple[PeerId, _Link]]:
        outbound = [(peer, link) for peer, link in self._links.items() if link.outbound]
        return sorted(outbound, key=lambda item: (item[1].since_s, item[0]))

    def _usable(self, now: Now) -> Usable:
        def usable(contact: Contact) -> bool:
            return (
                contact.peer not in self._links
                and contact.addresses[0] not in self._dialing
                and not self._scores.banned_for_s(contact.peer, now.s)
            )

        return usable

    def _dial(self, address: str, peer: PeerId | None, effects: list[Effect]) -> None:
        self._dialing[address] = peer
        trusted = address in self._settings.bootstrap
        effects.append(Dial(address, Reach.NOWHERE if trusted else self._reach))

    def _may_dial(self, now: Now) -> bool:
        return len(self._dialing) < DIALS_MAX and self._budget.take(1, now.s)

    def _used(self) -> set[str]:
        """Network groups that have an outbound connection, or are about to."""
        used = {link.group for link in self._links.values() if link.outbound}
        used.update(group_of(address) for address in self._dialing)
        return used

    def _dial_missing(self, now: Now, effects: list[Effect]) -> None:
        usable = self._usable(now)
        for anchor in self._waiting_anchors(now, usable):
            if self.hungry() and self._may_dial(now):
                self._dial(anchor.addresses[0], anchor.peer, effects)
        while self.hungry() and len(self._dialing) < DIALS_MAX:
            contact = self._book.choose(now.s, self._rng, usable, self._used())
            if contact is None or not self._may_dial(now):
                break
            self._dial(contact.addresses[0], contact.peer, effects)
        if not self.hungry():
            return
        for address, due_s in self._seeds.due_s(self._links, self._dialing).items():
            if due_s <= now.s and self._may_dial(now):
                self._dial(address, None, effects)

    def _waiting_anchors(self, now: Now, usable: Usable) -> list[Contact]:
        """Anchors to dial now; those that are connected, and all after a while, are none."""
        assert self._anchors_until_s is not None, "tick has set it"
        if now.s >= self._anchors_until_s:
            self._anchors.clear()
        self._anchors = [peer for peer in self._anchors if peer not in self._links]
        waiting: list[Contact] = []
        for peer in self._anchors:
            contact, backoff = self._book.get(peer), self._book.backoff(peer)
            if contact is not None and backoff is not None and usable(contact):
                waiting += [contact] if backoff.next_s <= now.s else []
        return waiting

    def _diversify(self, now: Now, effects: list[Effect]) -> None:
        """Dial a network group that we have nobody of, while we have two of another."""
        if now.s < self._diversify_s or self.hungry() or not self._crowded_groups():
            return
        self._diversify_s = now.s + DIVERSIFY_S * self._rng.uniform(0.75, 1.25)
        used = self._used()
        contact = self._book.choose(now.s, self._rng, self._usable(now), used)
        if contact is None or group_of(contact.addresses[0]) in used or not self._may_dial(now):
            return
        effects.append(Count("feelers", "for-diversity"))
        self._dial(contact.addresses[0], contact.peer, effects)

    def _feel(self, now: Now, effects: list[Effect]) -> None:
        if not self._settings.feeler_s:
            return
        due = self._feeler_s is not None and now.s >= self._feeler_s
        if due or self._feeler_s is None:
            self._feeler_s = now.s + self._settings.feeler_s * self._rng.uniform(0.75, 1.25)
        if due and not self.hungry() and self._may_dial(now):
            contact = self._book.feel(now.s, self._rng, self._usable(now), self._used())
            if contact is not None:
                effects.append(Count("feelers", "dialled"))
                self._dial(contact.addresses[0], contact.peer, effects)

    def _crowded_groups(self) -> dict[str, int]:
        """Network groups with more than one outbound connection."""
        groups: dict[str, int] = {}
        for link in self._links.values():
            if link.outbound:
                groups[link.group] = groups.get(link.group, 0) + 1
        return {group: count for group, count in groups.items() if count > 1}

    def _trim(self, now: Now, effects: list[Effect]) -> None:
        outbound = self._by_age()
        target = self._settings.outbound_target
        if len(outbound) <= target:
            return
        settled = [(p, k) for p, k in outbound if now.s - k.since_s >= FEELER_STAY_S]
        crowded = self._crowded_groups()
        doubled = [(p, k) for p, k in settled if k.group in crowded]
        candidates = doubled or settled[target // 2 :]
        if not candidates:
            return
        latest_first = reversed(candidates)
        peer, _ = min(latest_first, key=lambda item: self._uses.of(item[0]).block_s)
        reason = f"{len(outbound)} outbound connections, the target is {target}"
        effects.append(Disconnect(peer, "surplus", reason))

    def _trim_times(self, now: Now) -> list[float]:
        """When to look again which of too many outbound connections may be let go."""
        outbound = self._by_age()
        if len(outbound) <= self._settings.outbound_target:
            return []
        settling = (k.since_s + FEELER_STAY_S for _, k in outbound)
        return [min((at_s for at_s in settling if at_s > now.s), default=now.s + BRIEF_S)]

    def _ask_around(self, now: Now, effects: list[Effect]) -> None:
        if now.s < self._exchange_s or not self._links:
            return
        effects.append(self._exchange.ask(self._rng.choice(list(self._links))))
        pause_s = EXCHANGE_HUNGRY_S if self.hungry() else EXCHANGE_S
        self._exchange_s = now.s + pause_s * self._rng.uniform(0.75, 1.25)

    def _next_s(self, now: Now) -> float:
        times = [self._dial_s, self._feeler_s or math.inf, now.s + EXCHANGE_S]
        if self._links and self._settings.explore:
            times += [self._exchange_s, *self._trim_times(now)]
        return max(min(times), now.s + LOOK_S)

    def _next_dial_s(self, now: Now) -> float:
        if not self.hungry() or len(self._dialing) >= DIALS_MAX:
            return math.inf
        times = [now.s + EXCHANGE_S]  # a ban may end, of which nobody tells us
        times += self._seeds.due_s(self._links, self._dialing).values()
        due_s = self._book.next_due_s(self._usable(now))
        times.extend(() if due_s is None else (due_s,))
        pause_s = max(self._pause_s(), self._budget.wait_s(1))
        return max(min(times), now.s + pause_s)

    def _pause_s(self) -> float:
        return max(LOOK_S, LOOK_S_PER_CONTACT * len(self._book))

    def _look_soon(self, now: Now) -> None:
        """Something is new: look for somebody to dial as soon as that may be paid for."""
        self._dial_s = min(self._dial_s, max(now.s, self._looked_s + self._pause_s()))
        self._due_s = min(self._due_s, self._dial_s)

    def _reached(self, address: str, peer: PeerId, now: Now) -> None:
        """Somebody answered at the address; if not whom the book expects there, it failed."""
        expected = self._dialing.pop(address, None)
        self._seeds.reached(address, peer, now)
        contact = self._book.get(peer)
        if contact is not None and contact.addresses[0] == address:
            self._book.succeeded(peer, now.s)
        if expected is not None and expected != peer:
            self._book.failed(expected, now.s, self._rng)
