"""Follows a testnet's chain from outside: every block a node connects, whichever branch it is on.

One node's event stream says that there is something new; its blocks are then fetched, back to the
ones known already, so that nothing is missed when the stream breaks or the chain is reorganised.
A node that does not answer is replaced by the next.
"""

from collections.abc import Callable, Sequence
from itertools import cycle

import trio

from testnet.asking import BlockContent, Nodes, Unanswered
from testnet.errors import LaunchFailure

RETRY_S = 0.2


class ChainWatch:
    """Starts at the head it finds; older blocks are not its business."""

    def __init__(self, nodes: Nodes, apis: Sequence[str]) -> None:
        self._nodes = nodes
        self._apis = list(apis)
        self._known: dict[str, BlockContent] = {}
        self._start_height = 0
        self._news = trio.Event()

    async def run(
        self,
        see: Callable[[list[bytes]], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Tells `see` the transaction ids of each new block, until cancelled."""
        for api in cycle(self._apis):

            async def heard(head: str, api: str = api) -> None:
                for block in await self._fetch_back(api, head):
                    see(list(block.transactions))
                self._news.set()
                self._news = trio.Event()

            try:
                if not self._known:
                    await self._begin(api)
                    task_status.started()
                await self._nodes.follow(api, heard)
            except Unanswered:
                await trio.sleep(RETRY_S)

    async def wait_block(self, timeout_s: float) -> None:
        """Returns at the next new block, or when the time is up."""
        with trio.move_on_after(timeout_s):
            await self._news.wait()

    async def chain(self, api: str, height: int) -> list[BlockContent]:
        """The node's blocks from where the watch began up to the height, lowest first."""
        try:
            head = await self._nodes.block(api, height)
            return await self._walk(api, head)
        except Unanswered as error:
            raise LaunchFailure(f"{api} stopped answering: {error}") from error

    async def _begin(self, api: str) -> None:
        block = await self._nodes.block(api, await self._nodes.head(api))
        self._known[block.id] = block
        self._start_height = block.height

    async def _fetch_back(self, api: str, head: str) -> list[BlockContent]:
        """The blocks from the head down to the first known one, lowest first; now known."""
        found: list[BlockContent] = []
        wanted = head
        while wanted not in self._known:
            block = await self._nodes.block(api, wanted)
            if block.height <= self._start_height:
                break
            found.append(block)
            wanted = block.parent
        self._known.update((block.id, block) for block in found)
        return found[::-1]

    async def _walk(self, api: str, block: BlockContent) -> list[BlockContent]:
        found: list[BlockContent] = []
        while block.height > self._start_height:
            found.append(block)
            known = self._known.get(block.parent)
            block = known or await self._nodes.block(api, block.parent)
        return found[::-1]
