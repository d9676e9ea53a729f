"""What one chain says of finality after a block: follows from its headers and certificates alone.

Rules for a certificate in a block X, judged on what X's parent left, in this order:
- It is of the set in force, and its target's own chain has that set. *Why:* sets meet only at a
  block that is final under the earlier one.
- Its source is justified on this chain since the last final block; its target's epoch is not
  justified yet, lies between the source's epoch and X's slot, and not before the target's slot.
- Its target is the parent of X or an ancestor, and the source's block the target's or an ancestor.
- Behind a decided set change H nothing is justified until the new set is in force. *Why:* else both
  sets could finalize there, each on its own branch.
- A quorum has signed.
Effects: the target is justified; if it is one epoch behind the source, the source is final; if that
is H, the new set takes over for the children of X, from the base (H, slot of H). *Why not from
(H, epoch of the target):* the earlier set may hand over on two branches at different epochs, and
two bases let the new set finalize both branches (tests.bench.schedules finds it).
Spec: docs/spec/consensus.md, sections 4 and 6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

from chain.consensus.finality.certificate import Certificate
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.primitives import shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import HASH_BYTES, Hash

JUSTIFIED_MAX = 64
"""Sources a chain remembers: honest votes name the newest; a row of the header tree stays small."""


class Mark(NamedTuple):
    """A checkpoint of one set. Compared by set, then by epoch: greater is newer."""

    set_id: int
    epoch: int
    block: Hash


class Pending(NamedTuple):
    """A decided change of the set: the block that decided it, its slot, and the next set's hash."""

    block: Hash
    slot: int
    set_hash: Hash


class Place(NamedTuple):
    """A known block: its height and slot, and how its chain stands after it."""

    height: int
    slot: int
    standing: "Standing"


class Blocks(Protocol):
    """The blocks that are known, on whichever chain."""

    def place(self, block_id: Hash) -> Place | None:
        """Where a block stands; None when it is not known."""
        ...

    def descends(self, block_id: Hash, ancestor: Hash) -> bool:
        """Whether a known block is another one or stands on it."""
        ...


Check = Callable[[Certificate], None]
"""Raises Invalid unless a quorum of the set that the certificate names has signed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The set in force for children of a block, what is justified, and a pending change of the set.

    `justified` ascends by epoch: the first is final, the last the highest justified.
    """

    set_id: int
    set_hash: Hash
    justified: tuple[Checkpoint, ...]
    pending: Pending | None = None

    @property
    def finalized(self) -> Checkpoint:
        """What is final on this chain."""
        return self.justified[0]

    @property
    def newest(self) -> Checkpoint:
        """The highest justified: the source of votes for this chain."""
        return self.justified[-1]

    def mark(self, checkpoint: Checkpoint) -> Mark:
        """A checkpoint as one of the set in force."""
        return Mark(self.set_id, checkpoint.epoch, checkpoint.block)

    def advance(
        self,
        slot: int,
        parent: Hash,
        certificates: Sequence[Certificate],
        blocks: Blocks,
        check: Check,
    ) -> Self:
        """How the chain stands after the certificates of a block. Raises Invalid."""
        standing = self
        for certificate in certificates:
            if standing.set_id != self.set_id:
                raise Invalid(
                    "certificate-set",
                    f"a certificate follows the one that ends set {self.set_id} in this block",
                )
            standing.judge(certificate.vote, slot, parent, blocks)
            check(certificate)
            standing = standing.justify(certificate.vote)
        return standing

    def judge(self, vote: Vote, slot: int, parent: Hash, blocks: Blocks) -> None:
        """Raise Invalid unless a certificate of this link fits in a child of `parent`."""
        source, target = vote.source, vote.target
        if vote.set_id != self.set_id:
            raise Invalid("certificate-set", f"of set {vote.set_id}, in force is set {self.set_id}")
        if source not in self.justified:
            raise Invalid(
                "certificate-source",
                f"its source, {source.block.hex()} at {source.epoch}, is not justified here",
            )
        if any(target.epoch == known.epoch for known in self.justified):
            raise Invalid("certificate-repeated", f"epoch {target.epoch} is justified here already")
        place = blocks.place(target.block)
        if place is None or not blocks.descends(parent, target.block):
            raise Invalid("certificate-target", f"its target, {target.block.hex()}, is no ancestor")
        if not max(source.epoch + 1, place.slot) <= target.epoch < slot:
            raise Invalid(
                "certificate-epochs",
                f"from epoch {source.epoch} to {target.epoch} for a block of slot {place.slot}, "
                f"in one of slot {slot}",
            )
        if not blocks.descends(target.block, source.block):
            raise Invalid(
                "certificate-source",
                f"its source, {source.block.hex()}, is no ancestor of {target.block.hex()}",
            )
        if place.standing.set_id != vote.set_id or self._beyond(target.block, blocks):
            raise Invalid(
                "certificate-beyond",
                f"its target, {target.block.hex()}, is not of set {vote.set_id}, or behind the "
                "block that decides its end",
            )

    def justify(self, vote: Vote) -> Self:
        """How the chain stands once a certificate of this link, which was judged, is on it."""
        source, target = vote.source, vote.target
        adjacent = target.epoch == source.epoch + 1
        if adjacent and self.pending is not None and source.block == self.pending.block:
            return self.hand_over(self.pending, target)
        floor = source.epoch if adjacent else self.finalized.epoch
        kept = sorted((*self.justified, target), key=lambda checkpoint: checkpoint.epoch)
        kept = [checkpoint for checkpoint in kept if checkpoint.epoch >= floor]
        if len(kept) > JUSTIFIED_MAX:
            del kept[1]
        return replace(self, justified=tuple(kept))

    def hand_over(self, pending: Pending, target: Checkpoint) -> Self:
        """How the chain stands once the next set is in force; `target` is the last of the old."""
        base = Checkpoint(pending.block, pending.slot)
        return replace(
            self,
            set_id=self.set_id + 1,
            set_hash=pending.set_hash,
            justified=(base,),
            pending=None,
        )

    def decided(self, block: Hash, slot: int, next_set: bytes) -> Self:
        """How the chain stands after a block that names the next set, or none. Raises Invalid."""
        if not next_set:
            return self
        if self.pending is not None:
            raise Invalid(
                "wrong-next-set",
                f"next set {next_set.hex()} while the change of {self.pending.block.hex()} is "
                "pending",
            )
        return replace(self, pending=Pending(block, slot, Hash(next_set)))

    def _beyond(self, block: Hash, blocks: Blocks) -> bool:
        """Whether a block of this chain stands behind the one that decided a pending change."""
        return self.pending is not None and not blocks.descends(self.pending.block, block)

    def to_value(self) -> Value:
        """The array a standing is stored as."""
        pending = self.pending
        return [
            self.set_id,
            self.set_hash,
            [checkpoint.to_value() for checkpoint in self.justified],
            [] if pending is None else [pending.block, pending.slot, pending.set_hash],
        ]


def base(set_id: int, set_hash: Hash, block: Hash, slot: int) -> Standing:
    """How a chain stands where a set begins."""
    return Standing(set_id, set_hash, (Checkpoint(block, slot),))


def standing_from_value(value: Value) -> Standing:
    """Read what `to_value` gave. Raises Malformed."""
    set_id, set_hash, justified, pending = shape.array(value, 4, "standing")
    change = shape.items(pending, 3, "pending")
    return Standing(
        shape.uint(set_id, shape.UINT63_MAX, "set id"),
        Hash(shape.blob(set_hash, HASH_BYTES, "set hash")),
        tuple(
            Checkpoint.from_value(checkpoint)
            for checkpoint in shape.items(justified, JUSTIFIED_MAX, "justified")
        ),
        _pending(change) if change else None,
    )


def _pending(value: list[Value]) -> Pending:
    block, slot, set_hash = shape.array(value, 3, "pending")
    return Pending(
        Hash(shape.blob(block, HASH_BYTES, "pending block")),
        shape.uint(slot, shape.UINT63_MAX, "pending slot"),
        Hash(shape.blob(set_hash, HASH_BYTES, "pending set")),
    )
