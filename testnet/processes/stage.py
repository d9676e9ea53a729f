"""The stage of real processes: a launched testnet as the director sees it.

Facts come from outside the nodes: their event streams, their status, their logs, and what the
supervisor says about their processes. The chains are read from the disks when all has ended.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from chain.genesis import Genesis
from chain.transactions.envelope import decode_transaction
from p2p.api.client import ApiError
from testnet.asking import Unanswered
from testnet.checkers.checker import Ending
from testnet.control import Request, Verb
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure
from testnet.faults.process import Crash
from testnet.nodeapi import NodeApi
from testnet.observation import Fact, Glimpse
from testnet.processes.control_line import FOR_EVER, ControlLine, open_control
from testnet.processes.lives import Lives
from testnet.processes.logs import LogTail, tail
from testnet.processes.readout import final_node, rejected_by
from testnet.processes.taken import Taken
from testnet.processes.watch import BlockBook, NodeWatch
from testnet.stage import Act, Audience, Standing, Undone
from testnet.views import NodeView, Snapshot

GLIMPSE_S = 1.0
OFFER_S = 5.0
"""A client that has heard nothing for so long takes its transactions elsewhere."""

SETTLE_S = 10.0
"""To ask for what may still wait: thousands of transactions on a busy machine."""

END_S = 15.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Site:
    """The testnet a stage is on: where it lives, how its nodes are asked, who is hostile."""

    directory: NetDirectory
    genesis: Genesis
    api: NodeApi
    hostile: tuple[str, ...]


class ProcessStage:
    """Implements testnet.stage.Stage. `run` owns all tasks."""

    def __init__(self, site: Site, snapshot: Snapshot, audience: Audience) -> None:
        self.genesis = site.genesis
        self.names = tuple(node.name for node in snapshot.nodes)
        self._site = site
        self._audience = audience
        self._snapshot = snapshot
        self._start_s = time.monotonic()
        self._over = False
        self._taken = Taken()
        self._acts: dict[str, Act] = {}
        self._orders: ControlLine
        self._lives = {name: Lives(name, name not in site.hostile) for name in self.names}
        book = BlockBook(site.api, site.genesis.network)
        self._watches = {node.name: self._watch(node, book) for node in snapshot.nodes}
        self._tails = [LogTail(name, site.directory.log(name)) for name in self.names]

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch the network until cancelled; started when the watch stands."""
        directory = self._site.directory
        async with (
            await open_control(directory) as self._orders,
            await open_control(directory) as changes,
            trio.open_nursery() as nursery,
        ):
            self._look_at(self._snapshot)
            nursery.start_soon(self._follow_processes, changes)
            nursery.start_soon(self._look_every_second)
            nursery.start_soon(tail, self._tails, self._saw)
            for watch in self._watches.values():
                nursery.start_soon(watch.run)
            task_status.started()

    # The stage

    async def begin(self, act: Act) -> None:
        """See Stage."""
        self._acts[act.id] = act
        await self._orders.ask_faults(Request(Verb.INJECT, act=act))

    async def end(self, act_id: str) -> Undone:
        """See Stage."""
        reply = await self._orders.ask_faults(Request(Verb.END, ends=act_id))
        self._acts.pop(act_id, None)
        return reply.undone or Undone(0, clean=True)

    async def offer(self, node: str, raws: Sequence[bytes]) -> list[str] | None:
        """See Stage."""
        with trio.move_on_after(OFFER_S):
            try:
                verdicts = await self._site.api.submit(self._snapshot.node(node).api, raws)
                found = zip(raws, verdicts, strict=True)
                took = [raw for raw, verdict in found if not verdict.code]
                chain = self.genesis.hash
                self._taken.took(node, [decode_transaction(raw, chain).id.hex() for raw in took])
                return [verdict.code for verdict in verdicts]
            except (Unanswered, ApiError):
                return None
        return None

    async def look(self) -> tuple[Standing, ...]:
        """See Stage."""
        self._look_at(await self._orders.ask(Request(Verb.SHOW)))
        return tuple(standing_of(node) for node in self._snapshot.nodes)

    def unix_ms(self) -> int:
        """See Stage."""
        return time.time_ns() // 1_000_000

    async def finish(self) -> Ending:
        """See Stage. Ends the testnet."""
        standings = await self.look()
        at_s = time.monotonic() - self._start_s
        waiting = await self._await_waiting()
        self._over = True
        await self._orders.ask(Request(Verb.STOP))
        await self._await_end()
        site = self._site
        nodes = tuple(
            final_node(
                site.directory,
                self.genesis,
                standing.name,
                standing.running,
                standing.name not in site.hostile,
                tuple(self._watches[standing.name].pending | waiting[standing.name]),
            )
            for standing in standings
        )
        honest = tuple(name for name in self.names if name not in site.hostile)
        return Ending(at_s, nodes, 0.0, rejected_by(site.directory, honest))

    # What is seen

    def _watch(self, node: NodeView, book: BlockBook) -> NodeWatch:
        lives = self._lives[node.name]
        api = self._site.api
        return NodeWatch(node.name, node.api, api, book, lambda: lives.serving, self._saw)

    def _saw(self, fact: Fact) -> None:
        if not self._over:
            self._taken.see(fact)
            self._audience.saw(fact)

    def _look_at(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        for view in snapshot.nodes:
            crashing = any(
                isinstance(act.kind, Crash) and view.name in act.on for act in self._acts.values()
            )
            for fact in self._lives[view.name].look(view, crashing):
                self._saw(fact)

    async def _follow_processes(self, changes: ControlLine) -> None:
        """Look whenever the supervisor tells of a change; it ends with the testnet."""
        try:
            while not self._over:
                seen = self._snapshot.version
                self._look_at(await changes.ask(Request(Verb.WAIT, seen=seen), FOR_EVER))
        except LaunchFailure:
            if not self._over:
                raise

    async def _look_every_second(self) -> None:
        while True:
            async with trio.open_nursery() as nursery:
                for view in self._snapshot.nodes:
                    if view.running:
                        nursery.start_soon(self._glimpse, view)
                await trio.sleep(GLIMPSE_S)

    async def _glimpse(self, view: NodeView) -> None:
        with trio.move_on_after(GLIMPSE_S):
            try:
                status = await self._site.api.status(view.api)
                bytes_out = await self._site.api.bytes_out(view.api)
            except (Unanswered, ApiError):
                return  # it is paused, or has just gone
            self._saw(
                Glimpse(
                    node=view.name,
                    height=status.height,
                    head=status.head,
                    peers=status.peers_inbound + status.peers_outbound,
                    mempool=status.mempool_transactions,
                    mempool_bytes=status.mempool_bytes,
                    queued_bytes=0,
                    bytes_out=bytes_out,
                    messages_out=0,
                    late=view.report.late,
                )
            )

    async def _await_waiting(self) -> dict[str, dict[str, None]]:
        """What waits in nodes by their own word, of what they took and no block has."""
        waiting: dict[str, dict[str, None]] = {name: {} for name in self.names}
        with trio.move_on_after(SETTLE_S):
            async with trio.open_nursery() as nursery:
                for view in self._snapshot.nodes:
                    if view.running:
                        nursery.start_soon(self._ask_waiting, view, waiting[view.name])
        return waiting

    async def _ask_waiting(self, view: NodeView, waiting: dict[str, None]) -> None:
        for transaction in self._taken.open(view.name):
            try:
                if await self._site.api.is_known(view.api, transaction):
                    waiting[transaction] = None
            except Unanswered:
                return  # it is paused, or has just gone

    async def _await_end(self) -> None:
        """Until the supervisor's socket is gone, which is the last thing it does."""
        with trio.move_on_after(END_S):
            while self._site.directory.socket.exists():  # noqa: ASYNC110 - another process ends
                await trio.sleep(POLL_S)


def standing_of(view: NodeView) -> Standing:
    """How a node stands, by its own report."""
    report = view.report
    peers = report.inbound + report.outbound
    running = view.pid is not None and view.running
    return Standing(view.name, running, report.height, report.head, peers, report.mempool)
