"""One machine of a simulation: a disk that outlives the node, a clock, a rig, and the node on it.

It does what a supervisor does for a process: a node that falls unasked is started again after a
pause that doubles, one that is held down stays down.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import trio

from chain.block import Block, encode_block
from chain.consensus.engine import Author
from chain.genesis import Genesis
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    BlockFinalized,
    BlockJustified,
    EvidenceFound,
    Ledger,
    TransactionAdded,
)
from chain.ledger import TransactionDropped as Dropped
from chain.primitives.errors import Refusal, StoreFailure
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair, SignatureCheck
from p2p.clock import VirtualClock
from p2p.config import NodeConfig
from p2p.events import NodeEvent
from p2p.finality_status import why_late
from p2p.node import Node, NodeParts
from p2p.observer import Field, Observer
from p2p.peers.remembered import NOTHING
from p2p.verifier import InlineVerifier
from testnet.checkers.checker import FinalNode
from testnet.confirming import Herald, Scrutineer, block_joined
from testnet.fleet import RETRY_FIRST_S, RETRY_MAX_S, STEADY_S
from testnet.groups import leaves
from testnet.observation import (
    BlockLeft,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Refused,
    TransactionDropped,
    TransactionSeen,
    Trouble,
)
from testnet.rig.clock import BentClock
from testnet.rig.crashpoint import Crashed
from testnet.rig.rig import Acquaintance, Rig
from testnet.rig.switches import SwitchedStore
from testnet.rig.watched import WatchedLedger
from testnet.scenario.streams import stream
from testnet.simulation.disk import SimDisk
from testnet.simulation.wire import Wire
from testnet.stage import Audience, Standing

DISK = "disk"
"""Freezes the node in the name of its own disk."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all machines of a simulation share."""

    genesis: Genesis
    wire: Wire
    signatures: dict[SignatureCheck, bool]
    audience: Audience
    acquaintance: Acquaintance
    scrutineer: Scrutineer
    seed: int
    epoch_ms: int  # wall time at the start of the run


@dataclass(frozen=True, slots=True)
class Equipment:
    """What is this machine's own."""

    config: NodeConfig
    identity: KeyPair
    author: Author | None
    disk: SimDisk
    honest: bool


class Machine:
    """A node's machine. `run` starts the node, and again whenever it has fallen."""

    def __init__(self, setting: Setting, equipment: Equipment) -> None:
        self.name = equipment.config.name
        self.disk = equipment.disk
        self.honest = equipment.honest
        self.config = equipment.config
        self.genesis = setting.genesis
        self.node: Node | None = None
        self.rejected: list[Block] = []
        self.rotten = False
        self.frames_out = 0
        self._setting = setting
        self._equipment = equipment
        self._clock = BentClock(VirtualClock(setting.epoch_ms))
        self.rig = Rig(
            self.name, setting.acquaintance, self._clock, self._crash, self._wait_for_disk
        )
        self._remembered = NOTHING
        self._held: dict[str, None] = {}
        self._frozen: dict[str, None] = {}
        self._disk_busy_until_s = 0.0
        self._changed = trio.Event()
        self._scope = trio.CancelScope()
        self._lives = 0
        self._herald = Herald(self.name, setting.audience)
        self._stopping = "stopped"

    # Orders

    @property
    def running(self) -> bool:
        """Whether the node is there, frozen or not."""
        return self.node is not None

    @property
    def frozen(self) -> bool:
        """Whether the node gets no processor."""
        return bool(self._frozen)

    def hold(self, act: str, how: str, *, silent: bool = False) -> bool:
        """Take the node down and keep it down for an act; whether it was up."""
        was_up = self.running
        self._held[act] = None
        self._stopping = how
        if was_up:
            self.cut_off(silent=silent)
            self._scope.cancel()
        self._turn()
        return was_up

    def release(self, act: str) -> None:
        """The act is over: the node is started again, unless another holds it down."""
        self._held.pop(act, None)
        self._turn()

    async def down(self) -> None:
        """Wait until the node has ended."""
        while self.running:
            await self._changed.wait()

    def freeze(self, act: str) -> None:
        """No processor for the node."""
        self._frozen[act] = None
        self._setting.wire.freeze(self.name)
        self._clock.freeze()

    def thaw(self, act: str) -> None:
        """The node goes on, unless another act freezes it."""
        self._frozen.pop(act, None)
        if not self._frozen:
            self._setting.wire.thaw(self.name)
            self._clock.thaw()

    def holds(self, act: str) -> bool:
        """Whether an act still holds or freezes the node."""
        return act in self._held or act in self._frozen

    def cut_off(self, *, silent: bool) -> None:
        """The process is gone: no goodbye leaves it."""
        self._setting.wire.sever(self.name, silent=silent)

    def forget_contacts(self) -> None:
        """Whom the node knew is lost."""
        self._remembered = NOTHING

    def restore_config(self) -> None:
        """The machine's own configuration again."""
        self.config = self._equipment.config

    def remember_contacts(self) -> None:
        """What a node writes to its folder now and then."""
        if self.node is not None:
            self._remembered = self.node.remember()

    # The node's life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the node alive until cancelled; started once it serves for the first time."""
        retry_s = RETRY_FIRST_S
        while True:
            while self._held:
                await self._changed.wait()
            began_s = trio.current_time()
            stopped = await self._live(task_status if not self._lives else None)
            self._setting.audience.saw(stopped)
            self.node = None
            self._turn()
            if self._held:
                retry_s = RETRY_FIRST_S
                continue
            if trio.current_time() - began_s > STEADY_S:
                retry_s = RETRY_FIRST_S
            await trio.sleep(retry_s)
            retry_s = min(2 * retry_s, RETRY_MAX_S)

    async def _live(self, task_status: trio.TaskStatus[None] | None) -> NodeStopped:
        """One life of the node; how it ended."""
        self._lives += 1
        self._stopping = "stopped"
        self._scope = trio.CancelScope()
        try:
            node = self._build()
        except (Refusal, StoreFailure, AssertionError) as error:
            if task_status is not None:
                task_status.started()
            if isinstance(error, AssertionError):
                return self._fallen(ExceptionGroup("while it was opened", [error]))
            self._repair(error)
            return NodeStopped(self.name, "refused", str(error))
        try:
            with self._scope:
                await self._serve(node, task_status)
        except BaseExceptionGroup as group:
            return self._fallen(group)
        return NodeStopped(self.name, self._stopping)

    async def _serve(self, node: Node, task_status: trio.TaskStatus[None] | None) -> None:
        async with node.subscribe() as events, trio.open_nursery() as nursery:
            await nursery.start(node.run)
            self.node = node
            self._setting.audience.saw(NodeStarted(self.name, self.honest))
            self._tell_head(node.ledger)
            nursery.start_soon(self.rig.run)
            if task_status is not None:
                task_status.started()
            async for event in events:
                self._tell(node.ledger, event)

    def _build(self) -> Node:
        setting, own = self._setting, self._equipment
        store = SwitchedStore(self.disk.open(), self.rig.disk)
        voted = partial(setting.scrutineer.took, self.name)
        ledger = WatchedLedger(self.genesis, store, self.rejected.append, voted)
        transport = setting.wire.transport(self.name)
        node = Node(
            NodeParts(
                config=self.config,
                identity=own.identity,
                author=own.author,
                ledger=ledger,
                transport=transport,
                clock=self._clock,
                rng=stream(setting.seed, "node", f"{self.name}/{self._lives}"),
                verifier=InlineVerifier(setting.signatures),
                observer=Observer(self.name, hears=self._hear),
                tap=self.rig,
                remembered=self._remembered,
            )
        )
        self.rig.attach(node, own.author, transport)
        return node

    def _fallen(self, group: BaseExceptionGroup[BaseException]) -> NodeStopped:
        """What a node's death by exception means. Anything unforeseen is trouble, and said so."""
        self.cut_off(silent=False)
        for error in leaves(group):
            match error:
                case trio.Cancelled():
                    continue
                case Crashed():
                    return NodeStopped(self.name, "crashed", f"at the point {error}")
                case StoreFailure():
                    self._repair(error)
                    return NodeStopped(self.name, "crashed", str(error))
                case Exception():
                    where = "".join(traceback.format_tb(error.__traceback__)[-2:])
                    self._setting.audience.saw(
                        Trouble(self.name, "unhandled exception", f"{error!r} {where}")
                    )
                    return NodeStopped(self.name, "crashed", repr(error))
                case _:
                    raise group
        raise group

    def _repair(self, error: Refusal | StoreFailure) -> None:
        """What an operator does who is told that the data are damaged: begin anew."""
        if self.rotten and isinstance(error, StoreFailure):
            self.rotten = False
            self.disk.wipe()

    def _crash(self, point: str) -> None:
        self.cut_off(silent=False)
        self.disk.kill()
        raise Crashed(point)

    def _wait_for_disk(self, seconds: float) -> None:
        """A write blocks the node: it gets on with nothing until the disk has."""
        self._disk_busy_until_s = max(self._disk_busy_until_s, trio.current_time()) + seconds
        self.freeze(DISK)
        self._setting.wire.at(self._disk_busy_until_s, self._disk_done)

    def _disk_done(self) -> None:
        if trio.current_time() >= self._disk_busy_until_s:
            self.thaw(DISK)

    def _turn(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # What is seen

    def standing(self) -> Standing:
        """How the node stands."""
        if self.node is None:
            return Standing(self.name, False, 0, "", 0, 0)
        ledger, peers = self.node.ledger, len(self.node.peers())
        head = ledger.head
        return Standing(self.name, True, head.height, head.id.hex(), peers, len(ledger.mempool))

    def glimpse(self) -> Glimpse | None:
        """The same in numbers, for the record; None while the node is down."""
        if self.node is None:
            return None
        ledger, peers = self.node.ledger, self.node.peers()
        return Glimpse(
            node=self.name,
            height=ledger.head.height,
            head=ledger.head.id.hex(),
            peers=len(peers),
            mempool=len(ledger.mempool),
            mempool_bytes=ledger.mempool.bytes,
            queued_bytes=sum(peer.queued_bytes for peer in peers),
            bytes_out=sum(peer.bytes_out for peer in peers),
            messages_out=self.rig.frames_out,
            redials=self._setting.wire.redials.of(self.name),
            bodies_in=self.node.observer.total("gossip", "received"),
            late=why_late(ledger, ledger.genesis.slot_at(self._clock.now().unix_ms)),
        )

    def final(self) -> FinalNode:
        """The node at the end of the run; one that is down believes nothing."""
        if self.node is None:
            return FinalNode(self.name, False, self.honest, (), "", (), ())
        ledger = self.node.ledger
        blocks = (ledger.block_at(height) for height in range(ledger.head.height + 1))
        return FinalNode(
            name=self.name,
            running=True,
            honest=self.honest,
            blocks=tuple(encode_block(block) for block in blocks if block is not None),
            state=ledger.head.header.state.hex(),
            pending=tuple(tx.id.hex() for tx in ledger.mempool),
            supplies=tuple((c.code, ledger.supply(c.code)) for c in ledger.genesis.currencies),
        )

    def _tell_head(self, ledger: Ledger) -> None:
        if ledger.block(ledger.head.id) is not None:
            self._joined(ledger, ledger.head.id, ())

    def _tell(self, ledger: Ledger, event: NodeEvent) -> None:
        saw = self._setting.audience.saw
        match event:
            case BlockConnected():
                self._joined(ledger, event.block_id, event.transactions)
            case BlockDisconnected():
                saw(BlockLeft(self.name, event.block_id.hex(), event.height))
            case BlockJustified() | BlockFinalized() | EvidenceFound():
                self._herald.told(ledger, event)
            case TransactionAdded():
                saw(TransactionSeen(self.name, event.txid.hex()))
            case Dropped():
                saw(TransactionDropped(self.name, event.txid.hex(), event.code, event.reason))
            case _:
                pass  # the head follows from the blocks, connections from the glimpses

    def _joined(self, ledger: Ledger, block_id: Hash, transactions: tuple[Hash, ...]) -> None:
        self._setting.audience.saw(block_joined(self.name, ledger, block_id, transactions))

    def _hear(self, level: str, event: str, fields: Mapping[str, Field]) -> None:
        if event == "penalty":
            self._setting.audience.saw(
                Refused(self.name, str(fields["peer"]), str(fields["code"]), str(fields["why"]))
            )
        elif level == "error":
            detail = " ".join(f"{key}={value}" for key, value in fields.items())
            self._setting.audience.saw(Trouble(self.name, event, detail))
