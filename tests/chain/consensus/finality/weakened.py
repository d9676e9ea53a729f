"""Rule sets with one safety rule left out, and casts of schedules that find each of them out."""

from dataclasses import dataclass, replace
from random import Random

from chain.consensus.finality.duty import Guard
from chain.consensus.finality.standing import Blocks, Pending, Standing
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives.hashing import Hash
from tests.chain.consensus.finality.duel import Duel
from tests.chain.consensus.finality.model import Cast, Network, Rules


class TwoVotesAnEpoch(Rules):
    """A guard that does not remember targets."""

    name = "two votes in one epoch"

    def allows(self, guard: Guard, vote: Vote) -> bool:
        return replace(guard, target=-1).allows(vote)


class Surrounding(Rules):
    """A guard that does not remember sources."""

    name = "votes that surround"

    def allows(self, guard: Guard, vote: Vote) -> bool:
        return replace(guard, source=0).allows(vote)


class SimpleMajority(Rules):
    """More than a half instead of more than two thirds."""

    name = "a quorum of one half"

    def quorum(self, members: int) -> int:
        return members // 2 + 1


@dataclass(frozen=True, slots=True)
class _AtOnce(Standing):
    def decided(self, block: Hash, slot: int, next_set: bytes) -> "_AtOnce":
        return replace(
            self,
            set_id=self.set_id + 1,
            set_hash=Hash(next_set),
            justified=(Checkpoint(block, slot),),
        )


class ChangeAtOnce(Rules):
    """The next set in force as soon as it is decided."""

    name = "a set change without handover"
    standing = _AtOnce


@dataclass(frozen=True, slots=True)
class _Uncapped(Standing):
    def _beyond(self, block: Hash, blocks: Blocks) -> bool:
        return False


class Uncapped(Rules):
    """The old set goes on to vote behind the block that decided its end."""

    name = "votes beyond the end of a set"
    standing = _Uncapped

    def link(self, block: Hash, standing: Standing, slot: int) -> Vote:
        return Vote(standing.set_id, standing.newest, Checkpoint(block, slot))


@dataclass(frozen=True, slots=True)
class _TwoBases(Standing):
    def hand_over(self, pending: Pending, target: Checkpoint) -> "_TwoBases":
        # super() needs the class that slots=True replaced
        taken = Standing.hand_over(self, pending, target)
        return replace(taken, justified=(target,))


class TwoBases(Rules):
    """The next set begins at the epoch of the certificate that each branch happens to carry."""

    name = "a base that depends on the branch"
    standing = _TwoBases

    def allows(self, guard: Guard, vote: Vote) -> bool:
        """As the rule was written down first: one guard over all sets."""
        return vote.target.epoch > guard.target and vote.source.epoch >= guard.source


WEAKENED: tuple[Rules, ...] = (
    TwoVotesAnEpoch(),
    Surrounding(),
    SimpleMajority(),
    ChangeAtOnce(),
    Uncapped(),
    TwoBases(),
)


DUELS = 0.4
"""Share of schedules with a plan: enough that a thousand find every weakened rule set out."""


def schedule(rules: Rules, seed: int) -> Network:
    """A schedule: who plays and what is heard follow from the seed."""
    rng = Random(seed)
    size = rng.choice((4, 4, 4, 7))
    first = tuple(range(size))
    apart = rng.randrange(size + 1)
    sets = tuple(tuple(range(i * apart, i * apart + size)) for i in range(rng.choice((1, 2, 2, 3))))
    faulty = (size - 1) // 3
    liars = _liars(sets, faulty, rng)
    cast = Cast(
        sets or (first,),
        liars,
        slots=rng.randrange(6, 15),
        hears=rng.choice((0.25, 0.4, 0.6, 0.85)),
        changes=rng.choice((0.0, 0.2, 0.5)),
        forks=rng.choice((0.3, 1.0)),
        astray=rng.choice((0.0, 0.5, 1.0)),
    )
    kind = Duel if rng.random() < DUELS else Network
    return kind(cast, rules, rng)


def _liars(sets: tuple[tuple[int, ...], ...], faulty: int, rng: Random) -> frozenset[int]:
    """As many liars as fit: less than a third of every set."""
    liars: list[int] = []
    everyone = sorted({member for members in sets for member in members})
    for member in rng.sample(everyone, len(everyone)):
        together = [*liars, member]
        if all(sum(m in together for m in members) <= faulty for members in sets):
            liars = together
    return frozenset(liars)
