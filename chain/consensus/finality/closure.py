"""What a node knows to be justified and final, from all chains and all votes together.

Rules:
- A certificate counts when its source counts already and its target block is known, whichever way
  it came: in a block, from a peer, or assembled here from votes. Until then it is parked. *Why:* it
  does not matter which chain carried a certificate, and a late sibling must not displace a block
  that a quorum has voted for.
- What is final stays: a certificate that would finalize a block of another chain is refused and
  raises the alarm. *Why:* it takes a third of the authorities to lie, and then people must choose.
- The head stands on the newest justified checkpoint (J*) and on what is final (F); see `choice`.
Spec: docs/spec/consensus.md, section 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.standing import Blocks, Mark, Place
from chain.consensus.finality.vote import Checkpoint, Vote

HELD_MAX = 256
"""Certificates kept for blocks to come, and marks justified since the last final one. Usually three
of each; where nothing becomes final, what four minutes of one-second slots bring."""
PARKED_MAX = 256
"""Certificates that wait for a block or a source; those with the lowest targets are let go."""


@dataclass(frozen=True, slots=True)
class Justified:
    """A checkpoint is justified."""

    mark: Mark


@dataclass(frozen=True, slots=True)
class Finalized:
    """A checkpoint is final, by this certificate."""

    mark: Mark
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Conflict:
    """A quorum has signed against what is final here, or against the tree of blocks."""

    certificate: Certificate
    reason: str


Consequence = Justified | Finalized | Conflict


class Closure:
    """Certificates that are good by their signatures, and what follows from them."""

    def __init__(self, base: Mark) -> None:
        self.finalized = base  # F
        self.newest = base  # J*
        self.proof: Certificate | None = None  # what made F final; None for a set's base
        self._justified: dict[Mark, None] = {base: None}
        self._held: dict[Vote, Certificate] = {}
        self._parked: dict[Vote, Certificate] = {}

    def restore(
        self, proof: Certificate | None, marks: list[Mark], held: list[Certificate]
    ) -> None:
        """Go on from what was remembered."""
        self.proof = proof
        self._justified |= dict.fromkeys(marks)
        self.newest = max(self._justified)
        self._held = {certificate.vote: certificate for certificate in held}

    def __contains__(self, mark: Mark) -> bool:
        return mark in self._justified

    def knows(self, vote: Vote) -> bool:
        """Whether a certificate of this link is here already, counted or parked."""
        return vote in self._held or vote in self._parked

    @property
    def held(self) -> list[Certificate]:
        """The certificates that count and may be missing in a block to come, by target's epoch."""
        return sorted(self._held.values(), key=_newness)

    @property
    def marks(self) -> Iterator[Mark]:
        """What is justified, not older than what is final."""
        return iter(self._justified)

    def add(self, certificate: Certificate, blocks: Blocks) -> list[Consequence]:
        """Take a certificate whose signatures are good, and parked ones that it lets count."""
        if self.knows(certificate.vote):
            return []
        self._parked[certificate.vote] = certificate
        found = self.retry(blocks)
        if len(self._parked) > PARKED_MAX:
            del self._parked[min(self._parked.values(), key=_newness).vote]
        return found

    def retry(self, blocks: Blocks) -> list[Consequence]:
        """Let parked certificates count whose block or source has become known."""
        found: list[Consequence] = []
        moved = bool(self._parked)
        while moved:
            moved = False
            for certificate in sorted(self._parked.values(), key=_newness):
                vote = certificate.vote
                place = blocks.place(vote.target.block)
                if _mark(vote, vote.target) <= self.finalized and place is not None:
                    del self._parked[vote]
                elif place is not None and _mark(vote, vote.source) in self._justified:
                    del self._parked[vote]
                    found += self._count(certificate, place, blocks)
                    moved = True
        return found

    def _count(self, certificate: Certificate, place: Place, blocks: Blocks) -> list[Consequence]:
        vote = certificate.vote
        source, target = _mark(vote, vote.source), _mark(vote, vote.target)
        wrong = _misplaced(vote, place, blocks)
        if not wrong and not self._agrees(target, blocks):
            wrong = f"{target.block.hex()} does not stand on {self.finalized.block.hex()}"
        if wrong:
            return [Conflict(certificate, wrong)]
        self._held[vote] = certificate
        if len(self._held) > HELD_MAX:
            del self._held[min(self._held.values(), key=_newness).vote]
        found: list[Consequence] = []
        if target not in self._justified:
            self._justified[target] = None
            if len(self._justified) > HELD_MAX:
                del self._justified[sorted(self._justified)[1]]
            self.newest = max(self.newest, target)
            found.append(Justified(target))
        if target.epoch == source.epoch + 1 and source > self.finalized:
            found += self._finalize(source, certificate, blocks)
            found += self._hand_over(source, place, certificate)
        return found

    def _finalize(self, mark: Mark, certificate: Certificate, blocks: Blocks) -> list[Consequence]:
        """What is older than F counts no more; what chains above F may lack is still held."""
        self.finalized = mark
        self.proof = certificate
        self._justified = {known: None for known in self._justified if known >= mark}
        place = blocks.place(mark.block)
        if place is not None:
            floor = place.standing.mark(place.standing.finalized)
            self._held = {v: c for v, c in self._held.items() if _mark(v, v.target) > floor}
        return [Finalized(mark, certificate)]

    def _hand_over(self, mark: Mark, place: Place, certificate: Certificate) -> list[Consequence]:
        """The block that decided a change of the set is final: the new set has its base."""
        pending = place.standing.pending
        if pending is None or pending.block != mark.block:
            return []
        return self.begin(Mark(mark.set_id + 1, pending.slot, pending.block))

    def begin(self, base: Mark) -> list[Consequence]:
        """Let a new set begin at its base, a block that is final."""
        if base in self._justified:
            return []
        self._justified[base] = None
        self.newest = max(self.newest, base)
        return [Justified(base)]

    def recover(self, base: Mark) -> None:
        """Begin anew at a block that people chose: see chain.recovering."""
        self.finalized = self.newest = base
        self.proof = None
        self._justified = {base: None}
        self._held, self._parked = {}, {}

    def _agrees(self, mark: Mark, blocks: Blocks) -> bool:
        final = self.finalized.block
        return blocks.place(final) is None or blocks.descends(mark.block, final)


def _mark(vote: Vote, checkpoint: Checkpoint) -> Mark:
    return Mark(vote.set_id, checkpoint.epoch, checkpoint.block)


def _newness(certificate: Certificate) -> tuple[int, int, bytes, int]:
    """Order of certificates: by set and target; the source breaks ties."""
    vote = certificate.vote
    return vote.set_id, vote.target.epoch, vote.target.block, vote.source.epoch


def _misplaced(vote: Vote, place: Place, blocks: Blocks) -> str:
    """What is wrong with a link on the tree of blocks; empty if nothing is."""
    source, target = vote.source, vote.target
    standing = place.standing
    if standing.set_id != vote.set_id:
        return f"{target.block.hex()} is of set {standing.set_id}, the votes of set {vote.set_id}"
    if not max(source.epoch + 1, place.slot) <= target.epoch:
        return f"from epoch {source.epoch} to {target.epoch} for a block of slot {place.slot}"
    if not blocks.descends(target.block, source.block):
        return f"{target.block.hex()} does not stand on its source {source.block.hex()}"
    if standing.pending is not None and standing.pending.block != target.block:
        return f"{target.block.hex()} is behind {standing.pending.block.hex()}, which ends the set"
    return ""
