"""The laboratory's outpost in a node: obeys the supervisor, and tells it what faults have hit.

Faults of links are weather, which this node gives to all links it dials; the others are the rig's.
"""

from collections.abc import Callable
from typing import Protocol

import trio

from testnet.errors import Unfit
from testnet.faults.byzantine import ByzantineKind
from testnet.faults.gossip import GossipKind
from testnet.faults.link import LinkKind, Reset
from testnet.faults.partition import PartitionKind
from testnet.faults.people import SharedKey
from testnet.pipes import Begin, Begun, End, Ended, Hits, Order
from testnet.processes.shaped import ShapedTransport
from testnet.stage import Act, Undone
from testnet.weather import Weather

HITS_EVERY_S = 0.5
BEHAVIOURS = GossipKind | ByzantineKind | SharedKey

Say = Callable[[Begun | Ended | Hits], None]
"""Tells the supervisor, without waiting."""


class Inside(Protocol):
    """What carries out the faults within the node; a Rig."""

    def begin(self, act: Act) -> None:
        """Put it in force. Raises Unfit for what is not carried out within a node."""
        ...

    def end(self, act_id: str) -> Undone:
        """Undo it; harmless when it is not in force."""
        ...

    def hits(self, act_id: str) -> int:
        """How often it has done anything here."""
        ...


class Outpost:
    """One node's faults. `run` needs to be running for those that act by themselves."""

    def __init__(self, rig: Inside, weather: Weather, say: Say) -> None:
        self.transport: ShapedTransport | None = None
        self._rig = rig
        self._weather = weather
        self._say = say
        self._acts: dict[str, Act] = {}
        self._resets: dict[str, trio.CancelScope] = {}
        self._early: list[Act] = []
        self._nursery: trio.Nursery | None = None
        self._told = Hits(())

    def obey(self, order: Order) -> None:
        """Carry out an order, and answer it."""
        match order:
            case Begin(act):
                self._say(Begun(act.id, self._begin(act)))
            case End(act_id):
                self._say(Ended(act_id, self._end(act_id)))

    async def run(self) -> None:
        """Tear links down again and again, and tell of hits, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for act in self._early:
                self._rig.begin(act)
            for act in self._acts.values():
                self._keep_resetting(act)
            while True:
                await trio.sleep(HITS_EVERY_S)
                self._tell_hits()

    def _begin(self, act: Act) -> str:
        """Why it cannot be; empty when it is in force."""
        if act.id in self._acts:
            return ""
        try:
            match act.kind:
                case kind if isinstance(kind, LinkKind | PartitionKind):
                    self._weather.begin(act, kind, (), trio.current_time())
                    self._changed()
                case kind if isinstance(kind, BEHAVIOURS) and self._nursery is None:
                    self._early.append(act)  # it lives in a node that serves
                case _:
                    self._rig.begin(act)
        except Unfit as refusal:
            return refusal.reason
        self._acts[act.id] = act
        self._keep_resetting(act)
        return ""

    def _end(self, act_id: str) -> Undone:
        self._acts.pop(act_id, None)
        self._early = [act for act in self._early if act.id != act_id]
        if (scope := self._resets.pop(act_id, None)) is not None:
            scope.cancel()
        reach = self._weather.reach(act_id)
        hits = self._weather.end(act_id)
        if reach is not None and self.transport is not None:
            self.transport.relieve(reach)
        self._changed()
        undone = self._rig.end(act_id)
        return Undone(hits + undone.hits, undone.clean and not self._weather.in_force(act_id))

    def _changed(self) -> None:
        if self.transport is not None:
            self.transport.changed()

    def _keep_resetting(self, act: Act) -> None:
        if self._nursery is not None and isinstance(act.kind, Reset):
            scope = self._resets[act.id] = trio.CancelScope()
            self._nursery.start_soon(self._reset, act.id, act.kind, scope)

    async def _reset(self, act_id: str, kind: Reset, scope: trio.CancelScope) -> None:
        with scope:
            while True:
                if self.transport is not None:
                    self.transport.reset(act_id)
                if not kind.every_ms:
                    return
                await trio.sleep(kind.every_ms / 1_000)

    def hits(self) -> Hits:
        """What each fault in force has done here so far."""
        return Hits(tuple((act_id, self._hits(act_id)) for act_id in self._acts))

    def _tell_hits(self) -> None:
        hits = self.hits()
        if hits != self._told:
            self._told = hits
            self._say(hits)

    def _hits(self, act_id: str) -> int:
        weather = self._weather.hits(act_id) if self._weather.in_force(act_id) else 0
        return weather + self._rig.hits(act_id)
