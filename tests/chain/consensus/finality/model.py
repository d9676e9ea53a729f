"""Finality without signatures: the real rules under schedules that an adversary chooses.

`Standing`, `Closure`, `Guard`, `link` and `good_enough` are those of the ledger. What is left out
is what does not matter here: signatures (a liar is taken to have signed everything), transactions,
and time (messages come when, and to whom, the schedule says). Safety must hold whatever it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from chain.consensus.authorityset import quorum
from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.closure import Closure, Finalized
from chain.consensus.finality.duty import NEVER_VOTED, Guard, View, good_enough, link
from chain.consensus.finality.standing import Mark, Place, Standing, base
from chain.consensus.finality.vote import Vote
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash

Voters = tuple[int, ...]
"""Members of a set, by number; a member may sit in several sets."""


class Rules:
    """The rules as they are; subclasses leave one out, and must then be found out."""

    name = "all rules"
    standing: type[Standing] = Standing

    def quorum(self, members: int) -> int:
        return quorum(members)

    def allows(self, guard: Guard, vote: Vote) -> bool:
        return guard.allows(vote)

    def link(self, block: Hash, standing: Standing, slot: int) -> Vote:
        return link(block, standing, slot)


@dataclass(slots=True)
class Tree:
    """Every block that was made, whoever knows it."""

    places: dict[Hash, Place] = field(default_factory=dict)
    above: dict[Hash, frozenset[Hash]] = field(default_factory=dict)  # itself and its ancestors
    parents: dict[Hash, Hash] = field(default_factory=dict)

    def place(self, block_id: Hash) -> Place | None:
        return self.places.get(block_id)

    def descends(self, block_id: Hash, ancestor: Hash) -> bool:
        return ancestor in self.above[block_id]

    def add(self, parent: Hash, place: Place, *, root: bool = False) -> Hash:
        block = Hash(len(self.places).to_bytes(2, "big"))
        self.places[block] = place
        self.parents[block] = parent
        self.above[block] = frozenset((block,)) | (frozenset() if root else self.above[parent])
        return block


class Sight:
    """The part of the tree that one node knows."""

    def __init__(self, tree: Tree, root: Hash) -> None:
        self._tree = tree
        self.known: dict[Hash, None] = {root: None}

    def place(self, block_id: Hash) -> Place | None:
        return self._tree.places[block_id] if block_id in self.known else None

    def descends(self, block_id: Hash, ancestor: Hash) -> bool:
        return ancestor in self._tree.above[block_id]

    def learn(self, block_id: Hash) -> None:
        """A block, and what it stands on."""
        while block_id not in self.known:
            self.known[block_id] = None
            block_id = self._tree.parents[block_id]


class Cast(NamedTuple):
    """Who plays: sets by number, how many of each lie, and the chances of the schedule."""

    sets: tuple[Voters, ...]
    liars: frozenset[int]
    slots: int
    hears: float  # chance that a node hears a block, or of a certificate, within its slot
    changes: float  # chance that a block decides the next set
    forks: float  # chance that a dishonest leader makes a second block
    astray: float  # chance of a slot in which honest nodes are offered blocks to vote for


class Node:
    """An honest authority."""

    def __init__(self, tree: Tree, root: Hash) -> None:
        self.sight = Sight(tree, root)
        self.closure = Closure(Mark(0, 0, root))
        self.guard = NEVER_VOTED
        self.view = View(self.closure.newest, 0)

    def head(self) -> Hash:
        """The highest block on what is final and justified; then the lower slot, the lower id."""
        final, newest = self.closure.finalized.block, self.closure.newest.block
        sight = self.sight
        both = [b for b in sight.known if sight.descends(b, newest) and sight.descends(b, final)]
        return min(both or [b for b in sight.known if sight.descends(b, final)], key=self._rank)

    def _rank(self, block: Hash) -> tuple[int, int, Hash]:
        place = self.sight.place(block)
        assert place is not None
        return -place.height, place.slot, block


class Network:
    """One schedule, drawn from a seed."""

    def __init__(self, cast: Cast, rules: Rules, rng: Random) -> None:
        self.cast, self.rules, self.rng = cast, rules, rng
        self.tree = Tree()
        founding = base(0, _set_hash(0), Hash(b"\0\0"), 0)
        first = rules.standing(founding.set_id, founding.set_hash, founding.justified)
        self.root = self.tree.add(Hash(b""), Place(0, 0, first), root=True)
        honest = sorted({m for members in cast.sets for m in members} - cast.liars)
        self.nodes = {member: Node(self.tree, self.root) for member in honest}
        self.ballots: dict[Vote, dict[int, None]] = {}
        self.certificates: dict[Vote, Certificate] = {}
        self.finals: dict[Hash, None] = {self.root: None}

    def run(self) -> bool:
        """Play all slots; whether two final blocks stand against each other."""
        for slot in range(1, self.cast.slots + 1):
            self.play(slot)
            if self.conflict():
                return True
        return False

    def play(self, slot: int) -> None:
        """Blocks, votes, certificates of one slot."""
        if self.rng.random() < self.cast.astray:
            self._make_astray(slot)
            self._vote_astray(slot)
        else:
            self._make(slot)
            self._vote(slot)
        self.certify()
        self._spread()

    def conflict(self) -> bool:
        """Whether two blocks are final, for whomever, of which neither stands on the other."""
        finals = list(self.finals)
        above = self.tree.above
        return any(
            a not in above[b] and b not in above[a]
            for at, a in enumerate(finals)
            for b in finals[:at]
        )

    def _height(self, block: Hash) -> int:
        return self.tree.places[block].height

    def _make(self, slot: int) -> None:
        """The leaders of the slot, one for each set, make their blocks."""
        for node in self.nodes.values():
            node.view = View(node.closure.newest, self._height(node.head()))
        for member, node in self.nodes.items():
            head = node.head()
            if self.leader(head, slot) == member:
                self._hear(self.block(slot, head, node.closure.held), member)
        for liar in sorted(self.cast.liars):
            places = [b for b in self.tree.places if self.leader(b, slot) == liar]
            places = [b for b in places if self.tree.places[b].slot < slot]
            for _ in range(1 + (self.rng.random() < self.cast.forks)):
                if places:
                    known = [c for c in self.certificates.values() if self.rng.random() < 0.7]
                    known.sort(key=lambda c: c.vote.target.epoch)
                    self._hear(self.block(slot, self.rng.choice(places), known), None)

    def leader(self, parent: Hash, slot: int) -> int | None:
        """Whose block may follow in that slot; None when the set has no cast."""
        members = self.members(self.tree.places[parent].standing.set_id)
        return members[slot % len(members)] if members else None

    def members(self, set_id: int) -> Voters:
        sets = self.cast.sets
        return sets[set_id] if set_id < len(sets) else ()

    def block(self, slot: int, parent: Hash, known: Sequence[Certificate]) -> Hash:
        """Make a block with those of the certificates that fit."""
        standing = before = self.tree.places[parent].standing
        for certificate in known:
            if standing.set_id != before.set_id:
                break
            try:
                standing.judge(certificate.vote, slot, parent, self.tree)
            except Invalid:
                continue
            standing = standing.justify(certificate.vote)
        height = self.tree.places[parent].height + 1
        block = self.tree.add(parent, Place(height, slot, standing))
        change = standing.pending is None and standing.set_id + 1 < len(self.cast.sets)
        if change and self.rng.random() < self.cast.changes:
            standing = standing.decided(block, slot, _set_hash(standing.set_id + 1))
            self.tree.places[block] = Place(height, slot, standing)
        self.finals[standing.finalized.block] = None
        return block

    def _hear(self, block: Hash, maker: int | None) -> None:
        for member, node in self.nodes.items():
            if member == maker or self.rng.random() < self.cast.hears:
                node.sight.learn(block)
                self._note(node.closure.retry(node.sight))

    def _vote(self, slot: int) -> None:
        """Honest nodes vote as they would by themselves."""
        for member, node in self.nodes.items():
            fresh = [b for b in node.sight.known if self.tree.places[b].slot == slot][:1]
            for block in fresh:
                place = self.tree.places[block]
                if good_enough(place.standing, place.height, node.view):
                    self.ask(member, node, block, slot)
            self.ask(member, node, node.head(), slot)

    # Led astray: what is safe may depend on no choice of the head, no view, no asking only once.

    def _rivals(self) -> list[Hash]:
        """The highest block and the highest that does not stand on its chain, or where one can."""
        above, ranked = self.tree.above, sorted(self.tree.places, key=self._rank)
        best = ranked[0]
        others = [b for b in ranked if b not in above[best]]
        return [best, others[0] if others else self.rng.choice(ranked)]

    def _rank(self, block: Hash) -> tuple[int, Hash]:
        return -self.tree.places[block].height, block

    def _make_astray(self, slot: int) -> None:
        """Whoever may makes a block on one of two rivals; liars make one on each."""
        certificates = sorted(self.certificates.values(), key=lambda c: c.vote.target.epoch)
        made: dict[int, None] = {}
        for parent in self.rng.sample(self._rivals(), 2):
            leader = self.leader(parent, slot)
            again = leader in made and leader not in self.cast.liars
            if leader is not None and not again and self.tree.places[parent].slot < slot:
                made[leader] = None
                self._hear(self.block(slot, parent, certificates), None)

    def _vote_astray(self, slot: int) -> None:
        """Each node is asked to vote for both rivals, in either order."""
        offered = self._rivals()
        for member, node in self.nodes.items():
            for block in self.rng.sample(offered, 2):
                if block in node.sight.known:
                    self.ask(member, node, block, slot)

    def ask(self, member: int, node: Node, block: Hash, slot: int) -> bool:
        standing = self.tree.places[block].standing
        vote = self.rules.link(block, standing, slot)
        if member not in self.members(standing.set_id) or vote.source.epoch >= slot:
            return False
        if not self.tree.descends(block, node.closure.finalized.block):
            return False
        if not self.rules.allows(node.guard, vote):
            return False
        node.guard = node.guard.after(vote)
        self.ballots.setdefault(vote, {})[member] = None
        return True

    def certify(self) -> None:
        """What a quorum has signed is a certificate; liars sign whatever helps."""
        for vote, signers in self.ballots.items():
            members = self.members(vote.set_id)
            lying = sum(member in self.cast.liars for member in members)
            enough = len(signers) + lying >= self.rules.quorum(len(members))
            if enough and vote not in self.certificates:
                self.certificates[vote] = Certificate(vote, b"", ())

    def _spread(self) -> None:
        for certificate in self.certificates.values():
            for node in self.nodes.values():
                heard = self.rng.random() < self.cast.hears
                if heard and not node.closure.knows(certificate.vote):
                    self._note(node.closure.add(certificate, node.sight))

    def _note(self, found: Sequence[object]) -> None:
        for consequence in found:
            if isinstance(consequence, Finalized):
                self.finals[consequence.mark.block] = None


def _set_hash(set_id: int) -> Hash:
    return Hash(set_id.to_bytes(32, "big"))
