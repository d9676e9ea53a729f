"""What a recovery does to a chain: another set behind its block, and whatever stood there is void.

Rules:
- Its block must stand on what is final here, and be of the set that it overtakes. *Why:* people may
  choose among what is not final; what is final stays, also against them.
- Blocks that stand on its block already are invalid from then on. *Why:* they are of the old set,
  of which too few are left to make any of them final.
- A recovery whose block has not come yet is kept, and takes effect when it comes. *Why:* a node
  that begins anew needs the file before it can follow the chain.
Spec: docs/spec/consensus.md, section 9.
"""

from chain import tables
from chain.consensus.finality.recovery import Recovery, decode_recovery
from chain.consensus.finality.remembered import save_closure
from chain.consensus.finality.sets import enter
from chain.consensus.finality.standing import Mark, Standing, base
from chain.consensus.headertree import Entry, HeaderTree
from chain.finality import Finality
from chain.ledger_events import BlockFinalized, BlockJustified, FinalityAlarm, LedgerEvent
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.store import Batch, KeyValueStore

RECOVERIES_MAX = 64
"""Recoveries of one chain; a network that needs more has other troubles."""
OVERTAKEN = "recovered: another set of authorities took over below it"


class Recovering:
    """The recoveries that were loaded into a store."""

    def __init__(self, store: KeyValueStore, tree: HeaderTree, finality: Finality) -> None:
        self._tree = tree
        self._finality = finality
        rows = store.scan(tables.RECOVERY, limit=RECOVERIES_MAX)
        found = [decode_recovery(row) for _, row in rows]
        self._loaded = {recovery.block: recovery for recovery in found}

    @property
    def loaded(self) -> list[Recovery]:
        """All of them, by the number of the set that they bring."""
        return sorted(self._loaded.values(), key=lambda recovery: recovery.following.id)

    def load(self, recovery: Recovery, chain: Hash, batch: Batch) -> list[LedgerEvent]:
        """Take a recovery; in force at once when its block is here. Raises Invalid.

        One that was loaded before changes nothing.
        """
        recovery.check(chain)
        for other in self._loaded.values():
            same = other.signed_bytes() == recovery.signed_bytes()
            if same:
                return []
            if other.following.id == recovery.following.id or other.block == recovery.block:
                raise Invalid(
                    "recovery-other",
                    f"another recovery, behind {other.block.hex()}, to set {other.following.id}, "
                    "was loaded here before",
                )
        if len(self._loaded) == RECOVERIES_MAX:
            raise Invalid("recovery-many", f"{RECOVERIES_MAX} were loaded here before")
        entry = self._tree.entry(recovery.block)
        events: list[LedgerEvent] = []
        if entry is not None:
            self._check(recovery, entry)
            self._tree.restand(entry.node.id, _standing(recovery), batch)
            self._void(recovery.block, batch)
            events = self._begin(recovery, batch)
        batch.put(tables.RECOVERY + recovery.block, recovery.encode())
        batch.put(tables.SET + recovery.following.hash, recovery.following.raw)
        self._loaded[recovery.block] = recovery
        return events

    def meet(self, entry: Entry) -> Recovery | None:
        """The recovery that begins behind a block which is just coming. Raises Invalid."""
        recovery = self._loaded.get(entry.node.id)
        if recovery is not None:
            self._check(recovery, entry)
        return recovery

    def enter(self, recovery: Recovery, batch: Batch) -> list[LedgerEvent]:
        """The block of a recovery that waited for it is in the tree."""
        self._tree.restand(recovery.block, _standing(recovery), batch)
        return self._begin(recovery, batch)

    def _begin(self, recovery: Recovery, batch: Batch) -> list[LedgerEvent]:
        closure = self._finality.closure
        closure.recover(Mark(recovery.following.id, recovery.slot, recovery.block))
        save_closure(closure, batch)
        enter(recovery.following.id, recovery.following.hash, batch)
        self._tree.forget_tips(recovery.block, batch)
        place = recovery.block, recovery.height, recovery.slot, recovery.following.id
        return [
            BlockJustified(*place),
            BlockFinalized(*place),
            FinalityAlarm("recovered", told(recovery)),
        ]

    def _check(self, recovery: Recovery, entry: Entry) -> None:
        node, standing = entry.node, entry.standing
        overtaken = recovery.overtaken
        if entry.invalid:
            raise Invalid("recovery-block", f"{node.id.hex()} is invalid: {entry.invalid}")
        if (node.height, node.slot) != (recovery.height, recovery.slot):
            raise Invalid(
                "recovery-block",
                f"{node.id.hex()} is at height {node.height} in slot {node.slot}, not at "
                f"{recovery.height} in {recovery.slot}",
            )
        if (standing.set_id, standing.set_hash) != (overtaken.id, overtaken.hash):
            raise Invalid(
                "recovery-set",
                f"set {standing.set_id} ({standing.set_hash.hex()}) is in force behind "
                f"{node.id.hex()}, not set {overtaken.id} ({overtaken.hash.hex()})",
            )
        final, newest = self._finality.finalized, self._finality.justified
        known = self._tree.entry(node.id) is not None
        below = not self._tree.descends(node.id if known else node.parent, final.block)
        if below or newest.set_id > overtaken.id:
            raise Invalid(
                "recovery-below-final",
                f"{node.id.hex()} does not stand on {final.block.hex()}, which is final here, or "
                f"its set {overtaken.id} is over",
            )

    def _void(self, block: Hash, batch: Batch) -> None:
        """Mark what stands on the block as invalid, and let it be a tip."""
        height = self._tree.node(block).height
        for tip in [*self._tree.tips()]:
            node = tip
            above: list[Hash] = []
            while node.height > height:
                above.append(node.id)
                node = self._tree.node(node.parent)
            if node.id == block:
                for each in above:
                    self._tree.mark_invalid(each, OVERTAKEN, batch)
        self._tree.retip(self._tree.node(block), batch)


def told(recovery: Recovery) -> str:
    """A recovery in one sentence."""
    return (
        f"set {recovery.following.id} takes over from set {recovery.overtaken.id} behind block "
        f"{recovery.block.hex()} at height {recovery.height}, by a recovery that "
        f"{len(recovery.signatures)} authorities signed: {recovery.reason}"
    )


def _standing(recovery: Recovery) -> Standing:
    following = recovery.following
    return base(following.id, following.hash, recovery.block, recovery.slot)
