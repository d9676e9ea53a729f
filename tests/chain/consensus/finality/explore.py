"""Every schedule of a bounded family, not a sample: four authorities, one of whom lies.

In each slot its leader makes a block on any block there is, or none, with any of the certificates
that fit; a liar makes up to two. Then any certificates are signed that a quorum may sign: the liar
signs everything, and of the three honest ones any two whose guards allow it.

What is left out loses nothing: an honest vote that no certificate comes of only raises its voter's
guard, so a schedule without it allows whatever the one with it did; who votes third in a quorum is
the same. Situations that differ only in which honest voter has which guard are one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import NamedTuple

from chain.consensus.finality.duty import NEVER_VOTED, Guard
from chain.consensus.finality.standing import Pending, Place, Standing, base
from chain.consensus.finality.vote import Vote
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from tests.chain.consensus.finality.model import Rules, Tree

AUTHORITIES = 4
HONEST = 3

Guards = tuple[tuple[Guard, ...], ...]
"""By set, those of its honest members, in ascending order."""


class Family(NamedTuple):
    """Which schedules: so many slots, whose blocks may be two, whether a set is about to end."""

    slots: int
    liar: int  # the liar leads the slots with this remainder by four
    ends: bool = False  # the first block has decided a second set, which has no member of the first


@dataclass(slots=True)
class Explored:
    """How many situations were looked at, and blocks final against each other, if any are."""

    situations: int = 0
    conflict: tuple[Hash, Hash] | None = None


class Exploration:
    """A walk through a family."""

    def __init__(self, family: Family, rules: Rules) -> None:
        self._family, self._rules = family, rules
        self._tree = Tree()
        begin = base(0, _set_hash(0), Hash(b"\0\0"), 0)
        first = rules.standing(begin.set_id, begin.set_hash, begin.justified)
        if family.ends:
            first = replace(first, pending=Pending(Hash(b"\0\0"), 0, _set_hash(1)))
        self._tree.add(Hash(b""), Place(0, 0, first), root=True)
        self._seen: set[tuple[object, ...]] = set()
        self.explored = Explored()

    def run(self) -> Explored:
        """Walk until a conflict is found, or to the end."""
        sets = 2 if self._family.ends else 1
        self._slot(1, (), ((NEVER_VOTED,) * HONEST,) * sets)
        return self.explored

    def _slot(self, slot: int, signed: tuple[Vote, ...], guards: Guards) -> None:
        if slot > self._family.slots or self.explored.conflict is not None:
            return
        if not self._new(slot, signed, guards):
            return
        for made in self._blocks(slot, signed):
            for parent, place in made:
                self._tree.add(parent, place)
            self._votes(slot, signed, guards)
            for _ in made:
                self._drop()

    def _new(self, slot: int, signed: tuple[Vote, ...], guards: Guards) -> bool:
        tree = self._tree
        key = (slot, tuple(tree.parents.values()), tuple(tree.places.values()), signed, guards)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _drop(self) -> None:
        block, _ = self._tree.places.popitem()
        del self._tree.parents[block], self._tree.above[block]

    def _blocks(self, slot: int, signed: tuple[Vote, ...]) -> list[tuple[tuple[Hash, Place], ...]]:
        """What the leader may make."""
        single = [
            (parent, Place(above.height + 1, slot, standing))
            for parent, above in self._tree.places.items()
            for standing in self._standings(slot, parent, signed)
        ]
        most = 2 if slot % AUTHORITIES == self._family.liar else 1
        return list(chain.from_iterable(combinations(single, n) for n in range(most + 1)))

    def _standings(self, slot: int, parent: Hash, signed: tuple[Vote, ...]) -> Iterator[Standing]:
        """How a child of `parent` may stand, by the certificates it carries."""
        found = {self._tree.places[parent].standing: None}
        for vote in signed:
            for standing in list(found):
                try:
                    standing.judge(vote, slot, parent, self._tree)
                except Invalid:
                    continue
                found[standing.justify(vote)] = None
        return iter(found)

    def _votes(self, slot: int, signed: tuple[Vote, ...], guards: Guards) -> None:
        """Any certificates of this slot, and then the slots that follow."""
        self.explored.situations += 1
        self._slot(slot + 1, signed, guards)
        links = {
            self._rules.link(block, place.standing, slot): None
            for block, place in self._tree.places.items()
        }
        for vote in links:
            if vote in signed or vote.set_id >= len(guards) or vote.source.epoch >= slot:
                continue
            for after in self._signed_by(vote, guards[vote.set_id]):
                now = tuple(sorted((*signed, vote), key=_order))
                if self._conflicts(now):
                    return
                rest = (*guards[: vote.set_id], after, *guards[vote.set_id + 1 :])
                self._votes(slot, now, rest)

    def _signed_by(self, vote: Vote, guards: tuple[Guard, ...]) -> list[tuple[Guard, ...]]:
        """The guards of the set after each way in which a quorum may sign."""
        needed = self._rules.quorum(AUTHORITIES) - (AUTHORITIES - HONEST)
        able = [i for i, guard in enumerate(guards) if self._rules.allows(guard, vote)]
        found: dict[tuple[Guard, ...], None] = {}
        for signers in combinations(able, needed):
            after = [g.after(vote) if i in signers else g for i, g in enumerate(guards)]
            found[tuple(sorted(after, key=lambda g: (g.set_id, g.source, g.target)))] = None
        return list(found)

    def _conflicts(self, signed: tuple[Vote, ...]) -> bool:
        final = [v.source.block for v in signed if v.target.epoch == v.source.epoch + 1]
        above = self._tree.above
        for one, other in combinations(final, 2):
            if one not in above[other] and other not in above[one]:
                self.explored.conflict = (one, other)
                return True
        return False


def explore(family: Family, rules: Rules) -> Explored:
    """Play every schedule of a family; stops at the first conflict."""
    return Exploration(family, rules).run()


def _order(vote: Vote) -> tuple[int, int, bytes, int]:
    return vote.set_id, vote.target.epoch, vote.target.block, vote.source.epoch


def _set_hash(set_id: int) -> Hash:
    return Hash(set_id.to_bytes(32, "big"))
