"""The block tree taken apart: the chain that won, and the branches that did not."""

from collections.abc import Iterable
from dataclasses import dataclass

from testnet.report.trace import Block, Trace

MAIN = 0
"""The number of the branch that won."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Blocks in a row, lowest first; `parent` is the block it forks off. Longer ones come first."""

    number: int
    parent: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """All branches, MAIN first, and the number of each block's branch."""

    branches: tuple[Branch, ...]
    branch_of: dict[str, int]

    @property
    def forks(self) -> tuple[Branch, ...]:
        """All but the one that won."""
        return self.branches[1:]


def tree_of(trace: Trace) -> Tree:
    """The tree as it stood at the end."""
    main = winner(trace)
    placed = {block.id for block in main}
    runs = [main, *_runs(trace.blocks, placed)]
    forks = sorted(runs[1:], key=lambda run: (-len(run), run[0].first_s, run[0].id))
    branches = tuple(
        Branch(number, run[0].parent if run else "", tuple(run))
        for number, run in enumerate([main, *forks])
    )
    branch_of = {block.id: branch.number for branch in branches for block in branch.blocks}
    return Tree(branches, branch_of)


def chain(blocks: dict[str, Block], head: str) -> list[Block]:
    """The known ancestors of a head and itself, lowest first.

    Heights must fall on the way down: a file that was tampered with can hold a circle.
    """
    found = list[Block]()
    block = blocks.get(head)
    while block is not None and (not found or block.height < found[-1].height):
        found.append(block)
        block = blocks.get(block.parent)
    return found[::-1]


def winner(trace: Trace) -> list[Block]:
    """The chain most nodes were on at the end; of equals the higher, then the lower id."""
    heads = list(trace.heads.values())
    best: tuple[int, int] = (0, 0)
    won = list[Block]()
    for head in sorted(dict.fromkeys(heads)):
        candidate = chain(trace.blocks, head)
        there = {block.id for block in candidate}
        support = sum(1 for each in heads if each in there)
        if (support, len(candidate)) > best:
            best, won = (support, len(candidate)), candidate
    return won


def _falls(blocks: dict[str, Block], block: Block) -> bool:
    """Whether the parent, where it is known, is lower; what is not so is no part of a tree."""
    parent = blocks.get(block.parent)
    return parent is None or parent.height < block.height


def _runs(blocks: dict[str, Block], placed: Iterable[str]) -> list[list[Block]]:
    """The blocks beside the main chain in rows; at a fork the child that leads furthest goes on."""
    main = frozenset(placed)
    children = dict[str, list[Block]]()
    reach = dict[str, int]()
    beside = [block for block in blocks.values() if block.id not in main and _falls(blocks, block)]
    for block in sorted(beside, key=lambda each: (-each.height, each.id)):
        children.setdefault(block.parent, []).append(block)
        own = children.get(block.id, [])
        reach[block.id] = max([block.height, *(reach[child.id] for child in own)])
    heirs = dict[str, str]()
    for parent, born in children.items():
        heirs[parent] = min(born, key=lambda each: (-reach[each.id], each.id)).id
    runs = dict[str, list[Block]]()
    for block in sorted(beside, key=lambda each: (each.height, each.id)):
        run = runs.get(block.parent) if heirs[block.parent] == block.id else None
        if run is None:
            run = []
        run.append(block)
        runs[block.id] = run
    return list({id(run): run for run in runs.values()}.values())
