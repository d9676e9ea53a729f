"""Which peers push transactions to us: a few eager in-links that we choose by their measured lag.

Rules:
- `eager` links are asked to push whole transactions, by a lease of LEASE_S renewed every PLAN_S;
  all other peers announce. *Why the receiver chooses:* it alone sees who is first; and nobody can
  be made to receive what it did not ask for.
- Peers are ranked by how far behind the first sight of a transaction they show it, announcements
  and pushes alike; what one never shows counts ABSENT_S. *Why announcements:* links that are not
  eager are measured for nothing. *Why absence:* a peer that is silent must not look quick.
- A transaction counts once the mempool has taken it; what peers had shown of it by then counts from
  when they did. *Why:* ids can be invented, and whoever announces them has always shown them first.
- Of two or more links the last is drawn anew with every plan. *Why:* who was slow may be quick now,
  and an attacker who is quick everywhere still does not hold every link.
- One link at least is one we dialled, and two network groups are among them, where there are such.
  *Why:* who dials us, and from where, an attacker chooses.
- A link that ends is replaced at once, and so is the drawn one when a pull from another peer
  succeeded, but not more than once in REPLAN_S. *Why:* that peer had what our eager links did not
  bring; under load, which delays everybody, this must not become a storm.
Bounds: FIRST_MAX ids whose first sight is remembered, CLAIMED_MAX ids and a handful of numbers for
each peer; whoever invents more ids only loses its own.
"""

import random

from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentMap
from p2p.protocol.effects import Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.fields import Short
from p2p.wire.messages import Eager

LEASE_S = 30
PLAN_S = 10.0
REPLAN_S = 1.0
ABSENT_S = 0.25  # more than the slowest of the world's links takes to show a transaction first
FIRST_MAX = 8_192  # a generation: sixteen seconds at 500 a second
CLAIMED_MAX = 2_048  # a generation: four seconds, and a pull is over in two
PATIENCE_MIN_S = 0.05
PATIENCE_MAX_S = 1.0
PATIENCE_LAGS = 2.0


class _Link:
    """A peer as a possible eager link."""

    __slots__ = (
        "claimed",
        "draw",
        "group",
        "lag_s",
        "outbound",
        "rank_s",
        "seen",
        "since",
        "sum_s",
    )

    def __init__(self, outbound: bool, group: str, draw: float, since: int) -> None:
        self.outbound = outbound
        self.group = group
        self.draw = draw  # breaks ties between peers that have shown nothing
        self.rank_s = ABSENT_S
        self.lag_s = 0.0  # of what it did show
        self.since = since
        self.seen = 0
        self.sum_s = 0.0
        self.claimed: RecentMap[Short, float] = RecentMap(CLAIMED_MAX)  # when it showed what

    def showed(self, lag_s: float) -> None:
        """It showed a transaction so long after the first."""
        self.seen += 1
        self.lag_s += (lag_s - self.lag_s) / 16
        self.sum_s += min(lag_s, ABSENT_S)


class Mesh:
    """The choice of eager in-links; `eager` is how many, 0 for announcements and requests alone."""

    def __init__(self, eager: int, rng: random.Random) -> None:
        self.wanted = eager
        self._rng = rng
        self._links: dict[PeerId, _Link] = {}
        self._eager: dict[PeerId, None] = {}
        self._firsts: dict[Short, float] = {}
        self._firsts_before: dict[Short, float] = {}
        self._total = 0
        self._plan_s: float | None = None
        self._replan_s = 0.0

    @property
    def eager(self) -> tuple[PeerId, ...]:
        """The peers asked to push, best first."""
        return tuple(self._eager)

    def patience_s(self) -> float:
        """How long an announced id may still come by an eager link before it is asked for."""
        if not self._eager:
            return 0.0
        lag_s = sum(self._links[peer].lag_s for peer in self._eager) / len(self._eager)
        return min(PATIENCE_MAX_S, max(PATIENCE_MIN_S, PATIENCE_LAGS * lag_s))

    def connected(self, peer: PeerId, now: Now, *, outbound: bool, group: str) -> list[Effect]:
        """One more to choose from; eager at once while there are too few."""
        self._links[peer] = _Link(outbound, group, self._rng.random(), self._total)
        if self._plan_s is None:
            self._plan_s = now.s + PLAN_S
        return self._replace() if len(self._eager) < self.wanted else []

    def disconnected(self, peer: PeerId) -> list[Effect]:
        """One less; an eager link is replaced at once."""
        del self._links[peer]
        if peer not in self._eager:
            return []
        del self._eager[peer]
        return self._replace()

    def saw(self, peer: PeerId, item: Short, now_s: float) -> None:
        """A peer showed that it has a transaction: announced or sent it."""
        link = self._links[peer]
        first_s = self._first_s(item)
        if first_s is not None:
            link.showed(now_s - first_s)
        elif link.claimed.get(item) is None:
            link.claimed.put(item, now_s)

    def took(self, item: Short) -> None:
        """The mempool has taken a transaction: it counts, if a peer has shown it."""
        shown = [(link, link.claimed.get(item)) for link in self._links.values()]
        times = [(link, at_s) for link, at_s in shown if at_s is not None]
        if not times or self._first_s(item) is not None:
            return
        first_s = min(at_s for _, at_s in times)
        self._first(item, first_s)
        for link, at_s in times:
            link.showed(at_s - first_s)

    def pulled(self, peer: PeerId, now: Now) -> list[Effect]:
        """A peer that is not eager brought what it was asked for."""
        if peer in self._eager or not self.wanted or now.s < self._replan_s:
            return []
        self._replan_s = now.s + REPLAN_S
        kept = list(self._eager)[: self.wanted - 1]
        if peer not in self._apt(kept, [other for other in self._links if other not in kept]):
            return []
        return self._change([*kept, peer])

    def tick(self, now: Now) -> list[Effect]:
        """Rank, draw and renew when it is time."""
        if self._plan_s is None or now.s < self._plan_s:
            return []
        self._plan_s = now.s + PLAN_S if self._links else None
        self._rank()
        ranked = self._ranked()
        drawn = 1 if self.wanted > 1 else 0
        kept = ranked[: max(0, self.wanted - drawn)]
        return self._change(self._filled(kept, ranked, drawing=bool(drawn)), renew=True)

    def deadline_s(self) -> float | None:
        """When to tick next."""
        return self._plan_s

    def _first_s(self, item: Short) -> float | None:
        first_s = self._firsts.get(item)
        return self._firsts_before.get(item) if first_s is None else first_s

    def _first(self, item: Short, at_s: float) -> None:
        self._total += 1
        self._firsts[item] = at_s
        if len(self._firsts) >= FIRST_MAX:
            self._firsts_before, self._firsts = self._firsts, {}

    def _rank(self) -> None:
        """Half of a peer's rank is what it showed since the last plan, half what was before."""
        for link in self._links.values():
            total = self._total - link.since
            if total:
                missed = max(0, total - link.seen)
                fresh_s = (link.sum_s + missed * ABSENT_S) / max(total, link.seen)
                link.rank_s = (link.rank_s + fresh_s) / 2
            link.since, link.seen, link.sum_s = self._total, 0, 0.0

    def _ranked(self) -> list[PeerId]:
        links = self._links
        return sorted(links, key=lambda peer: (links[peer].rank_s, links[peer].draw))

    def _replace(self) -> list[Effect]:
        """Fill up what is missing with the best there are."""
        return self._change(self._filled(list(self._eager), self._ranked(), drawing=False))

    def _filled(self, kept: list[PeerId], ranked: list[PeerId], *, drawing: bool) -> list[PeerId]:
        """`kept` and as many more as are wanted, minding who dialled and network groups."""
        chosen = kept[: self.wanted]
        while len(chosen) < self.wanted:
            rest = [peer for peer in ranked if peer not in chosen]
            if not rest:
                break
            apt = self._apt(chosen, rest)
            chosen.append(self._rng.choice(apt) if drawing else apt[0])
        return chosen

    def _apt(self, chosen: list[PeerId], rest: list[PeerId]) -> list[PeerId]:
        """Those of the rest that give the chosen what they still lack, or else all."""
        links = self._links
        apt = rest
        if not any(links[peer].outbound for peer in chosen):
            apt = [peer for peer in apt if links[peer].outbound] or apt
        groups = [links[peer].group for peer in chosen]
        if len(groups) == 1:
            apt = [peer for peer in apt if links[peer].group != groups[0]] or apt
        return apt

    def _change(self, chosen: list[PeerId], *, renew: bool = False) -> list[Effect]:
        """Ask the chosen to push and tell the others to stop."""
        before, self._eager = self._eager, dict.fromkeys(chosen)
        asked = [peer for peer in chosen if renew or peer not in before]
        effects: list[Effect] = [Send(peer, Eager(LEASE_S)) for peer in asked]
        gone = [peer for peer in before if peer not in self._eager]
        return effects + [Send(peer, Eager(0)) for peer in gone]
