"""States of finality that a window waits for: it goes on, it says why it does not, who votes."""

from collections.abc import Sequence

from p2p.finality_status import NAMES_SHOWN
from testnet.checkers.checker import Ground
from testnet.checkers.finality_kinds import FinalityResumes, HandedOver
from testnet.checkers.liveness import Answer
from testnet.checkers.sight import Sight
from testnet.observation import Confirmed, Glimpse, Seen, SetConfirmed


class FinalRise:
    """See FinalityResumes."""

    def __init__(self, kind: FinalityResumes, sight: Sight) -> None:
        self._blocks = kind.blocks
        self._sight = sight
        self._final: dict[str, int] = {}
        self._from: dict[str, int] | None = None

    def see(self, seen: Seen) -> None:
        """See State."""
        if isinstance(seen.fact, Confirmed) and seen.fact.final:
            self._final[seen.fact.node] = seen.fact.height

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State. The first time is when the window opens."""
        if self._from is None:
            top = max((head.height for head in self._sight.heads().values()), default=0)
            self._from = dict.fromkeys(nodes, top)
        lowest = min(nodes, key=lambda name: self._final.get(name, 0))
        needed = self._from[lowest] + self._blocks
        final = self._final.get(lowest, 0)
        return final >= needed, f"{lowest} holds height {final} final, {needed} is asked for"


class Lateness:
    """See FinalityLate."""

    def __init__(self, ground: Ground, sight: Sight) -> None:
        self._authors = tuple(name for name, _ in ground.authors)
        self._sight = sight
        self._late: dict[str, str] = {}

    def see(self, seen: Seen) -> None:
        """See State."""
        if isinstance(seen.fact, Glimpse):
            self._late[seen.fact.node] = seen.fact.late

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State. The reason ends with the names, see p2p.finality_status."""
        down = [name for name in self._authors if not self._sight.beliefs[name].running]
        for node in nodes:
            late = self._late.get(node, "")
            named = late.rpartition(": ")[2].split(", ")[:NAMES_SHOWN] if late else []
            known = [name for name in down if name in named]
            if not down or not len(known) == len(named) == min(len(down), NAMES_SHOWN):
                return False, f"{node} says {late!r}, down are {', '.join(down) or 'none'}"
        return True, f"{nodes[0]} says {self._late[nodes[0]]!r}"


class Takeover:
    """See HandedOver."""

    def __init__(self, kind: HandedOver) -> None:
        self._sets = kind.sets
        self._confirmed: dict[str, int] = {}

    def see(self, seen: Seen) -> None:
        """See State."""
        if isinstance(seen.fact, SetConfirmed):
            self._confirmed[seen.fact.node] = seen.fact.set

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State."""
        last = min(nodes, key=lambda name: self._confirmed.get(name, 0))
        number = self._confirmed.get(last, 0)
        return number >= self._sets, f"at {last} set {number} makes blocks final"


class Expropriation:
    """See Unseated."""

    def __init__(self, ground: Ground) -> None:
        self._hostile = {did: name for name, did in ground.authors if name in ground.hostile}
        self._seats: dict[str, tuple[str, ...]] = {}

    def see(self, seen: Seen) -> None:
        """See State."""
        if isinstance(seen.fact, SetConfirmed):
            self._seats[seen.fact.node] = seen.fact.seats

    def holds(self, nodes: Sequence[str]) -> Answer:
        """See State."""
        seated = tuple(self._hostile)
        for node in nodes:
            left = [self._hostile[did] for did in self._seats.get(node, seated) if did in seated]
            if left:
                return False, f"at {node} {', '.join(left)} still has a seat"
        return bool(seated), f"{', '.join(self._hostile.values()) or 'nobody'} has lost its seat"
