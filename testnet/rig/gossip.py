"""Faults of timing and number in gossip: messages that vanish, wait, repeat, or change places."""

from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.messages import Ping, Pong
from testnet.faults.gossip import DelayMessages, Drop, Duplicate, Reorder, Replay
from testnet.rig.aim import Aim, is_for
from testnet.rig.behaviour import Host, Item
from testnet.rig.held import Held, Inbound, Outbound, go_on
from testnet.rig.quiet import Quiet

MS = 1_000


class Dropping(Quiet):
    """Drop: what is hit is gone."""

    def __init__(self, kind: Drop, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._aim = Aim(kind.messages, kind.probability, to)

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return items if self._kind.dir == "in" else self._kept(peer, items)

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return items if self._kind.dir == "out" else self._kept(peer, items)

    def _kept(self, peer: PeerId, items: list[Item]) -> list[Item]:
        height = self.host.ledger.head.height
        if not self._kind.from_height <= height <= self._kind.to_height:
            return items
        kept = [item for item in items if not self._aim.takes(self.host, peer, item)]
        self.hits += len(items) - len(kept)
        return kept


class Delaying(Quiet):
    """DelayMessages: what is hit comes later, past what was sent after it.

    Pings and pongs on their way in are not delayed. *Why:* the connection answers them before the
    node reads anything, so there is nothing to hand them back to.
    """

    def __init__(self, kind: DelayMessages, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._aim = Aim(kind.messages, kind.probability, to)
        self._held = Held()

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._held = Held()

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if self._kind.dir == "in":
            return items
        return [item for item in items if not self._hold(peer, item, Outbound(peer, item))]

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if self._kind.dir == "out":
            return items
        return [item for item in items if not self._hold_in(peer, item)]

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._held.deadline_s()

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        go_on(self.host, self._held.due(now.s))

    def end(self) -> None:
        """See Behaviour."""
        go_on(self.host, self._held.clear())

    def _hold_in(self, peer: PeerId, item: Item) -> bool:
        if isinstance(item, bytes | Ping | Pong):
            return False
        return self._hold(peer, item, Inbound(peer, item))

    def _hold(self, peer: PeerId, item: Item, parcel: Outbound | Inbound) -> bool:
        if not self._aim.takes(self.host, peer, item):
            return False
        jitter_ms = self.host.rng.uniform(0, self._kind.jitter_ms)
        due_s = self.host.now().s + (self._kind.by_ms + jitter_ms) / MS
        held = self._held.put(due_s, parcel)
        self.hits += held
        return held


class Duplicating(Quiet):
    """Duplicate: what is hit comes again at once."""

    def __init__(self, kind: Duplicate, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._aim = Aim(kind.messages, kind.probability, to)

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return items if self._kind.dir == "in" else self._repeated(peer, items)

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return items if self._kind.dir == "out" else self._repeated(peer, items)

    def _repeated(self, peer: PeerId, items: list[Item]) -> list[Item]:
        repeated: list[Item] = []
        for item in items:
            hit = self._aim.takes(self.host, peer, item)
            self.hits += hit
            repeated += [item] * (1 + self._kind.copies if hit else 1)
        return repeated


class Replaying(Quiet):
    """Replay: a copy of what is hit goes out later, to one of the peers there are then."""

    def __init__(self, kind: Replay, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._to = to
        self._aim = Aim(kind.messages, kind.probability, to)
        self._copies = Held()

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._copies = Held()

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        due_s = self.host.now().s + self._kind.by_ms / MS
        for item in items:
            if self._aim.takes(self.host, peer, item):
                self._copies.put(due_s, Outbound(peer, item))
        return items

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._copies.deadline_s()

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        copies = self._copies.due(now.s)
        peers = [peer for peer in self.host.peers() if is_for(self.host, peer, self._to)]
        if not peers:
            return
        for copy in copies:
            if isinstance(copy, Outbound):
                self.host.send(self.host.rng.choice(peers), copy.item)
                self.hits += 1

    def end(self) -> None:
        """See Behaviour: copies are nobody's loss."""
        self._copies.clear()


class Reordering(Quiet):
    """Reorder: what is hit waits until the window is over, and all leave shuffled."""

    def __init__(self, kind: Reorder, to: frozenset[str]) -> None:
        super().__init__()
        self._kind = kind
        self._aim = Aim(kind.messages, kind.probability, to)
        self._window = Held()

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._window = Held()

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        return [item for item in items if not self._hold(peer, item)]

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._window.deadline_s()

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        self._let_go()

    def end(self) -> None:
        """See Behaviour."""
        self._let_go()

    def _hold(self, peer: PeerId, item: Item) -> bool:
        if not self._aim.takes(self.host, peer, item):
            return False
        ends_s = self._window.deadline_s()
        if ends_s is None:
            ends_s = self.host.now().s + self._kind.window_ms / MS
        held = self._window.put(ends_s, Outbound(peer, item))
        self.hits += held
        return held

    def _let_go(self) -> None:
        waiting = self._window.clear()
        self.host.rng.shuffle(waiting)
        go_on(self.host, waiting)
