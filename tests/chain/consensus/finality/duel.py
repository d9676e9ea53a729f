"""An adversary with a plan: two branches, each told only what was voted for on it.

Nothing that a quorum signed is heard of outside blocks, and a block carries only what was signed
for blocks of its own chain. Everybody is asked to vote for the branch that is favoured at the time,
and then for the other: what one branch cannot have, a set that is in force on the other may give.
"""

from random import Random

from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.vote import Vote
from chain.primitives.hashing import Hash
from tests.chain.consensus.finality.model import Cast, Network, Rules

OPENING_SLOTS = 3
"""Slots at most before the branches part: time for a set to be decided, or a block justified."""
SWITCHES = 0.25
"""Chance in a slot that the other branch is favoured from now on: a few slots finalize a block."""
OBEYS = 0.95
"""Chance that a node hears what it is asked."""


class Duel(Network):
    """A schedule of two branches."""

    def __init__(self, cast: Cast, rules: Rules, rng: Random) -> None:
        super().__init__(cast, rules, rng)
        self._tips = [self.root, self.root]
        self._favoured = 0
        self._parting = rng.randrange(OPENING_SLOTS + 1)
        self._signed_on: dict[Vote, Hash] = {}

    def play(self, slot: int) -> None:
        """One slot on both branches; on one chain until they part."""
        if slot > self._parting and self.rng.random() < SWITCHES:
            self._favoured = 1 - self._favoured
        order = (self._favoured, 1 - self._favoured)
        made: dict[int, None] = {}
        for branch in order:
            self._extend(branch, slot, made)
        for member, node in self.nodes.items():
            if self.rng.random() < OBEYS:
                for branch in order:
                    node.sight.learn(self._tips[branch])
                    self.ask(member, node, self._tips[branch], slot)
        for branch in order:
            standing = self.tree.places[self._tips[branch]].standing
            vote = self.rules.link(self._tips[branch], standing, slot)
            self._signed_on.setdefault(vote, self._tips[branch])
        self.certify()

    def _extend(self, branch: int, slot: int, made: dict[int, None]) -> None:
        parent = self._tips[branch]
        leader = self.leader(parent, slot)
        again = leader in made and leader not in self.cast.liars
        if leader is None or again or self.tree.places[parent].slot >= slot:
            return
        made[leader] = None
        block = self.block(slot, parent, self._told(parent))
        self._tips[branch] = block
        if slot <= self._parting:
            self._tips = [block, block]

    def _told(self, parent: Hash) -> list[Certificate]:
        """What was signed for this chain and no other."""
        own = [
            certificate
            for vote, certificate in self.certificates.items()
            if self.tree.descends(parent, self._signed_on[vote])
        ]
        return sorted(own, key=lambda certificate: certificate.vote.target.epoch)
