"""Whether nodes agree: the highest block all of them share, asked of each node itself.

The common height is found by bisection between genesis, which all share, and the lowest head: one
round of questions when they agree, sixteen at most for 65,536 blocks when they do not.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import trio

LEAD_MAX = 2
"""How far a head may be above the common block for the nodes to count as converged."""


@dataclass(frozen=True, slots=True)
class ChainView:
    """One node's chain at one moment."""

    name: str
    height: int
    head: str
    finalized: int
    peers: int
    mempool: int
    state_root: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the nodes that answered have in common."""

    views: tuple[ChainView, ...]
    common_height: int
    converged: bool

    def view(self, name: str) -> ChainView | None:
        """The node's view; None for one that did not answer."""
        return next((view for view in self.views if view.name == name), None)


@dataclass(frozen=True, slots=True)
class Witness:
    """A node that can be asked; both questions return None when it does not answer in time."""

    name: str
    view: Callable[[], Awaitable[ChainView | None]]
    block_id: Callable[[int], Awaitable[str | None]]


async def agree(witnesses: Sequence[Witness]) -> Agreement:
    """Asks all witnesses at once. Those that do not answer are not counted as running."""
    found: dict[str, ChainView] = {}

    async def ask_view(witness: Witness) -> None:
        view = await witness.view()
        if view is not None:
            found[witness.name] = view

    async with trio.open_nursery() as nursery:
        for witness in witnesses:
            nursery.start_soon(ask_view, witness)
    views = tuple(found[witness.name] for witness in witnesses if witness.name in found)
    if not views:
        return Agreement((), 0, False)
    alive = [witness for witness in witnesses if witness.name in found]
    common = await common_height(alive, min(view.height for view in views))
    lead = max(view.height for view in views) - common
    return Agreement(views, common, lead <= LEAD_MAX)


async def common_height(witnesses: Sequence[Witness], highest: int) -> int:
    """The greatest height up to `highest` at which all witnesses have the same block."""
    if await same_block(witnesses, highest):
        return highest
    low, high = 0, highest  # the same at low, different at high
    while high - low > 1:
        middle = (low + high) // 2
        if await same_block(witnesses, middle):
            low = middle
        else:
            high = middle
    return low


async def same_block(witnesses: Sequence[Witness], height: int) -> bool:
    """Whether all witnesses have one and the same block at the height."""
    ids: list[str | None] = []

    async def ask_id(witness: Witness) -> None:
        ids.append(await witness.block_id(height))

    async with trio.open_nursery() as nursery:
        for witness in witnesses:
            nursery.start_soon(ask_id, witness)
    return None not in ids and len(set(ids)) == 1
