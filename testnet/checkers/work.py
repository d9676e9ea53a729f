"""The difficulty of proof of work, by the specification: docs/spec/blocks.md, section 5."""

from chain.parameters import Parameters

HIGHEST = (1 << 256) - 1
SPAN = 4
"""A window counts as at least a quarter and at most four times what was aimed at."""


def first_target(rules: Parameters) -> int:
    """What the blocks of the first window have to meet."""
    return HIGHEST >> rules.work_target_bits


def next_target(target: int, taken: int, blocks: int, rules: Parameters) -> int:
    """The target after a window of so many blocks that took so many slots."""
    aimed = blocks * rules.work_block_slots
    taken = max(taken, 1, aimed // SPAN)
    taken = min(taken, SPAN * aimed)
    return max(1, min(HIGHEST, target * taken // aimed))


def weight(target: int) -> int:
    """What a block that met the target adds to its chain."""
    return (1 << 256) // (target + 1)
