"""The blocks of one author in one slot: two are kept as evidence, a third only if it is needed.

*Why needed:* who shows each half of the network another pair of three blocks would part it for
good, were the third refused by those whose peers have built on it.
"""

from collections.abc import Sequence

from chain import tables
from chain.block import Header
from chain.consensus.authority import sealing_key
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.engine import HeaderNode
from chain.consensus.finality.evidence import Evidence, of_blocks
from chain.consensus.headertree import HeaderTree
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.store import Batch, KeyValueStore
from chain.validation import BLOCKS_PER_SLOT_MAX


def count_in_slot(
    store: KeyValueStore, node: HeaderNode, above: Sequence[Header], batch: Batch
) -> Hash | None:
    """Count a block where slots are exclusive; the first of its author in the slot, if it is the
    second. Raises Declined for a third unless one of `above`, sealed headers, builds on it.
    """
    header = node.header
    key = tables.slot_key(header.author, header.slot)
    seen = store.get(key) or b""
    if len(seen) < BLOCKS_PER_SLOT_MAX * len(header.id):
        batch.put(key, seen + header.id)
        return Hash(seen) if seen else None
    if not any(child.parent == node.id and child.author != header.author for child in above):
        raise Declined(
            "too-many-in-slot",
            f"{header.author.hex()} has {BLOCKS_PER_SLOT_MAX} blocks in slot {header.slot} "
            "already, evidence enough, and nobody has built on this one",
        )
    return None


def double_block(
    tree: HeaderTree, node: HeaderNode, other: Hash, authorities: AuthoritySet
) -> Evidence | None:
    """Evidence from two blocks of one author in a slot, if one key sealed both."""
    leader, first = authorities.leader(node.slot), tree.node(other)
    key = sealing_key(leader, node.header, node.seal)
    if key is None or key != sealing_key(leader, first.header, first.seal):
        return None
    return of_blocks(leader.did, key, (first.header, first.seal), (node.header, node.seal))
