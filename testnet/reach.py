"""Which lines between nodes a fault of links touches, worked out once when it begins."""

from dataclasses import dataclass

from testnet.faults.link import LinkKind
from testnet.faults.partition import Bridge, Halves, MajorityRing, Partition, PartitionKind
from testnet.scenario.streams import stream
from testnet.stage import Act

Line = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reach:
    """Lines (from, to) that are cut, and those whose dialling alone is; others it may slow."""

    on: frozenset[str]
    to: frozenset[str]
    lines: frozenset[Line]
    no_dial: frozenset[Line] = frozenset()

    def touches(self, src: str, dst: str) -> bool:
        """Whether the fault is between these two at all."""
        return (src in self.on and dst in self.to) or (dst in self.on and src in self.to)

    def cuts(self, src: str, dst: str) -> bool:
        """Whether nothing passes from one to the other."""
        return (src, dst) in self.lines

    def undialable(self, src: str, dst: str) -> bool:
        """Whether one cannot dial the other, though it may talk to it."""
        return (src, dst) in self.no_dial


def reach_of(kind: LinkKind | PartitionKind, act: Act, names: tuple[str, ...]) -> Reach:
    """The lines of a fault among all nodes."""
    on, to = act.on, act.to
    match kind:
        case Partition(shape="cut"):
            return _reach(on, to, both(on, to))
        case Partition(shape="isolate"):
            everybody = tuple(dict.fromkeys((*to, *on)))
            return _reach(on, everybody, both(on, everybody))
        case Partition(shape="one-way"):
            return _reach(on, to, [(a, b) for a in on for b in to])
        case Partition():
            return Reach(
                frozenset(on), frozenset(to), frozenset(), frozenset((b, a) for a in on for b in to)
            )
        case Halves():
            shuffled = list(on)
            stream(act.seed, "halves").shuffle(shuffled)
            middle = len(shuffled) // 2
            return _reach(on, on, both(tuple(shuffled[:middle]), tuple(shuffled[middle:])))
        case Bridge():
            middle = len(on) // 2
            return _reach(on, on, both(on[:middle], on[middle + 1 :]))
        case MajorityRing():
            return _reach(on, on, majority_ring(on))
        case _:
            return _reach(on, to, [])


def both(left: tuple[str, ...], right: tuple[str, ...]) -> list[Line]:
    """All lines between two groups, either way."""
    return [line for a in left for b in right if a != b for line in ((a, b), (b, a))]


def majority_ring(ring: tuple[str, ...]) -> list[Line]:
    """Each node keeps its nearest neighbours on a ring, just enough of them for a majority."""
    count = len(ring)
    near = -(-(count // 2) // 2)  # half of a bare majority's others, on either side
    return [
        (ring[a], ring[b])
        for a in range(count)
        for b in range(count)
        if a != b and min((a - b) % count, (b - a) % count) > near
    ]


def _reach(on: tuple[str, ...], to: tuple[str, ...], lines: list[Line]) -> Reach:
    return Reach(frozenset(on), frozenset(to), frozenset(lines))
