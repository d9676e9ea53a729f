"""Proof of work: anyone may extend the chain, and the chain with the most work counts.

Rules:
- The seal is an 8-byte nonce with sha256(block id | nonce), read as an integer, not above the
  target. *Why:* the id stays fixed while the search runs.
- Every `retarget_blocks` the target follows the slots the last window took, by a factor of four at
  most. *Why:* the pace adapts to the miners there are, and no window can swing it wildly.
- A block weighs the expected number of attempts for its target. *Why:* a long chain of easy blocks
  must not beat a shorter one that took more work (Bitcoin, chainwork).
Spec: docs/spec/blocks.md, section 5.
"""

from dataclasses import dataclass
from hashlib import sha256

from chain.block import Header
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.engine import Ancestry, Author, HeaderNode
from chain.primitives.errors import Invalid

NONCE_BYTES = 8
TARGET_MAX = 2**256 - 1
RETARGET_FACTOR_MAX = 4


@dataclass(frozen=True, slots=True)
class WorkRules:
    """The numbers of the genesis that concern work."""

    target_bits: int  # leading zero bits asked of the first blocks
    block_slots: int  # slots between blocks aimed at
    retarget_blocks: int  # blocks in a window


class WorkEngine:
    """The engine; an author is whoever names itself in the header."""

    name = "work"
    exclusive = False

    def __init__(self, rules: WorkRules) -> None:
        self._rules = rules

    def proposes(
        self, author: bytes, slot: int, parent: HeaderNode, authorities: AuthoritySet
    ) -> bool:
        """See Engine: anyone, once time has moved on."""
        return slot > parent.slot

    def target(self, parent: HeaderNode, ancestry: Ancestry) -> int:
        """See Engine."""
        rules = self._rules
        if parent.height == 0:
            return TARGET_MAX >> rules.target_bits
        if parent.height % rules.retarget_blocks:
            return parent.target
        first = parent
        for _ in range(min(rules.retarget_blocks, parent.height)):
            first = ancestry(first.parent)
        aimed = (parent.height - first.height) * rules.block_slots
        taken = max(parent.slot - first.slot, 1)
        low, high = aimed // RETARGET_FACTOR_MAX or 1, aimed * RETARGET_FACTOR_MAX
        return min(parent.target * min(max(taken, low), high) // aimed or 1, TARGET_MAX)

    def weight(self, target: int) -> int:
        """See Engine."""
        return (TARGET_MAX + 1) // (target + 1)

    def check(self, header: Header, seal: bytes, target: int, authorities: AuthoritySet) -> None:
        """See Engine."""
        if len(seal) != NONCE_BYTES:
            raise Invalid("wrong-seal", f"a nonce has {NONCE_BYTES} bytes, the seal {len(seal)}")
        found = int.from_bytes(sha256(header.id + seal).digest(), "big")
        if found > target:
            raise Invalid("too-little-work", f"{found:064x} is above the target {target:064x}")

    def seal(self, header: Header, author: Author, target: int, attempts: range) -> bytes | None:
        """See Engine: the first attempt whose hash is low enough."""
        prefix = sha256(header.id)
        for nonce in attempts:
            seal = nonce.to_bytes(NONCE_BYTES, "big")
            digest = prefix.copy()
            digest.update(seal)
            if int.from_bytes(digest.digest(), "big") <= target:
                return seal
        return None
