"""The head: the best block that stands on what is final and on the newest justified checkpoint.

Rules:
- Of the tips that stand on F and on J*, the best by `headertree.rank`. When the tips above J* were
  forgotten or are invalid, J*'s own block.
- When J* does not stand on F, or is invalid, the best tip above F, and the alarm. F never moves.
Spec: docs/spec/consensus.md, section 5.
"""

from typing import NamedTuple

from chain.consensus.engine import HeaderNode
from chain.consensus.headertree import HeaderTree
from chain.primitives.hashing import Hash


class Choice(NamedTuple):
    """The head to be, and what is alarming about it; empty if nothing is."""

    head: HeaderNode
    alarm: str


def choose(tree: HeaderTree, head: HeaderNode, final: Hash, justified: Hash) -> Choice:
    """Choose among the tips and the present head."""
    ranked = tree.candidates(head)
    for node in ranked:
        if tree.descends(node.id, justified) and tree.descends(node.id, final):
            return Choice(node, "")
    if tree.good(justified) and tree.descends(justified, final):
        return Choice(tree.node(justified), "")
    why = f"no block stands on {final.hex()}, which is final, and {justified.hex()}, justified"
    for node in ranked:
        if tree.descends(node.id, final):
            return Choice(node, why)
    return Choice(tree.node(final) if tree.good(final) else head, why)
