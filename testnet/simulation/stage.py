"""The stage of virtual time: machines on one wire, and faults carried out on them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import trio

from chain.block import encode_block
from chain.genesis import Genesis
from testnet.checkers.checker import Ending
from testnet.errors import Unfit
from testnet.faults.disk import BitRot, PowerCut
from testnet.faults.kinds import Kind
from testnet.faults.link import LinkKind, Reset
from testnet.faults.partition import PartitionKind
from testnet.faults.people import (
    OldBackup,
    RequestFlood,
    SlowClient,
    StaleConfig,
    StuckSubscriber,
    WrongGenesis,
)
from testnet.faults.process import CrashLoop, Kill, Pause, SlowCpu
from testnet.rig.rig import RiggedKind
from testnet.scenario.streams import stream
from testnet.simulation.disk import DiskSnapshot
from testnet.simulation.machine import Machine, Setting
from testnet.simulation.wire import address_of
from testnet.stage import Act, Standing, Undone
from testnet.weather import Weather, WeatherKind

OFFER_S = 5.0
"""A client that has heard nothing for so long takes its transactions elsewhere."""

TURN_S = 0.1
"""A slow processor's turn: of each, the node gets its share."""

GLIMPSE_S = 1.0
FLUSH_S = 1.0
"""How often a disk flushes by itself what nobody asked it to."""

REMEMBER_EVERY = 60
"""Glimpses between two times a node writes down whom it knows."""

SNAPSHOTS_MAX = 120
"""One a second: backups and rolled-back disks reach two minutes back."""

NOWHERE = "gone"
GARBAGE = b"\xff" * 64
FLOOD_TURN_S = 0.05


class SimStage:
    """Implements testnet.stage.Stage. `run` owns all tasks."""

    def __init__(self, machines: Sequence[Machine], setting: Setting, *, backups: bool) -> None:
        self.genesis: Genesis = setting.genesis
        self.names = tuple(machine.name for machine in machines)
        self._machines = {machine.name: machine for machine in machines}
        self._epoch_ms = setting.epoch_ms
        self._wire = setting.wire
        self._weather: Weather = setting.wire.weather
        self._audience = setting.audience
        self._keeps_backups = backups
        self._backups: dict[str, list[tuple[float, DiskSnapshot]]] = {n: [] for n in self.names}
        self._acts: dict[str, Act] = {}
        self._hits: dict[str, int] = {}
        self._scopes: dict[str, list[trio.CancelScope]] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the network until cancelled; started when every node serves."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._wire.run)
            for machine in self._machines.values():
                await nursery.start(machine.run)
            nursery.start_soon(self._look_every_second)
            task_status.started()

    # The stage

    async def begin(self, act: Act) -> None:
        """See Stage."""
        self._acts[act.id] = act
        self._hits[act.id] = 0
        match act.kind:
            case kind if isinstance(kind, LinkKind | PartitionKind):
                self._begin_weather(act, kind)
            case kind if isinstance(kind, RiggedKind):
                for name in act.on:
                    self._machines[name].rig.begin(act)
            case kind:
                await self._begin_on_machines(act, kind)

    async def end(self, act_id: str) -> Undone:
        """See Stage."""
        act = self._acts.pop(act_id, None)
        if act is None:
            return Undone(0, clean=True)
        for scope in self._scopes.pop(act_id, ()):
            scope.cancel()
        reach = self._weather.reach(act_id)
        hits = self._hits.pop(act_id) + self._weather.end(act_id)
        if reach is not None:
            self._wire.relieve(reach)
        self._wire.changed()
        clean = not self._weather.in_force(act_id)
        for name in act.on:
            machine = self._machines[name]
            undone = machine.rig.end(act_id)
            hits += undone.hits
            self._mend(machine, act.kind)
            machine.thaw(act_id)
            machine.release(act_id)
            clean = clean and undone.clean and not machine.holds(act_id)
        return Undone(hits, clean)

    async def offer(self, node: str, raws: Sequence[bytes]) -> list[str] | None:
        """See Stage."""
        machine = self._machines[node]
        if machine.node is None or machine.frozen:
            return None
        with trio.move_on_after(OFFER_S):
            results = await machine.node.submit(raws)
            return ["" if result.accepted else result.code for result in results]
        return None

    async def look(self) -> tuple[Standing, ...]:
        """See Stage."""
        return tuple(machine.standing() for machine in self._machines.values())

    def unix_ms(self) -> int:
        """See Stage."""
        return self._epoch_ms + round(trio.current_time() * 1_000)

    async def finish(self) -> Ending:
        """See Stage."""
        machines = self._machines.values()
        return Ending(
            at_s=trio.current_time(),
            nodes=tuple(machine.final() for machine in machines),
            last_fault_end_s=0.0,
            rejected=tuple(
                (machine.name, encode_block(block))
                for machine in machines
                if machine.honest
                for block in machine.rejected
            ),
        )

    # Carrying faults out

    def _begin_weather(self, act: Act, kind: WeatherKind) -> None:
        self._weather.begin(act, kind, self.names, trio.current_time())
        self._wire.changed()
        if isinstance(kind, Reset):
            self._keep(act, partial(self._reset_again, act, kind))

    async def _begin_on_machines(self, act: Act, kind: Kind) -> None:
        machines = [self._machines[name] for name in act.on]
        match kind:
            case Kill() | OldBackup() | PowerCut() | BitRot() | WrongGenesis() | StaleConfig():
                for machine in machines:
                    await self._take_down(act, kind, machine)
            case Pause():
                for machine in machines:
                    machine.freeze(act.id)
                    self._hit(act)
            case SlowCpu(share):
                self._keep(act, partial(self._ration, act, machines, share))
            case CrashLoop(every_ms):
                self._keep(act, partial(self._kill_again, act, machines, every_ms / 1_000))
            case StuckSubscriber(clients):
                for machine in machines:
                    self._keep(act, partial(self._subscribe_and_wait, act, machine, clients))
            case RequestFlood(rate_per_s):
                self._keep(act, partial(self._flood, act, machines, rate_per_s))
            case SlowClient():
                raise Unfit("tier", f"{kind.NAME} needs real sockets: use `testnet run`")
            case _:
                raise Unfit("tier", f"{kind.NAME} has no place in virtual time")

    async def _take_down(self, act: Act, kind: Kind, machine: Machine) -> None:
        """Kill the node, do to its data or configuration what the fault is, maybe let it start."""
        rng = stream(act.seed, "machine", machine.name)
        if machine.hold(act.id, "killed", silent=isinstance(kind, PowerCut)):
            self._hit(act)
        await machine.down()
        match kind:
            case Kill(data="wiped"):
                machine.disk.wipe()
                machine.forget_contacts()
            case Kill(data="rolled-back", age_ms=age_ms) | OldBackup(age_ms):
                self._roll_back(machine, age_ms / 1_000)
            case Kill(data="partial"):
                machine.disk.lose_newest(rng)
            case PowerCut(torn):
                machine.disk.power_cut(rng, torn)
            case BitRot(flips):
                machine.disk.rot(rng, flips)
                machine.rotten = True
            case WrongGenesis():
                machine.genesis = replace(self.genesis, network=f"not-{self.genesis.network}"[:32])
            case StaleConfig():
                machine.config = replace(machine.config, bootstrap=(address_of(NOWHERE),))
                machine.forget_contacts()
            case _:
                machine.disk.kill()
        if isinstance(kind, OldBackup | WrongGenesis | StaleConfig):
            machine.release(act.id)

    def _mend(self, machine: Machine, kind: Kind) -> None:
        """Put right what a mistake has put wrong; the node is restarted with it."""
        match kind:
            case WrongGenesis():
                machine.genesis = self.genesis
            case StaleConfig():
                machine.restore_config()
            case _:
                pass

    def _roll_back(self, machine: Machine, age_s: float) -> None:
        before_s = trio.current_time() - age_s
        kept = self._backups[machine.name]
        older = [snapshot for at_s, snapshot in kept if at_s <= before_s]
        if older:
            machine.disk.restore(older[-1])
        elif kept:
            machine.disk.restore(kept[0][1])

    def _hit(self, act: Act, count: int = 1) -> None:
        if act.id in self._hits:
            self._hits[act.id] += count

    def _keep(self, act: Act, job: Callable[[], Awaitable[None]]) -> None:
        """Run something until the act ends."""
        assert self._nursery is not None, "faults begin on a stage that runs"
        scope = trio.CancelScope()
        self._scopes.setdefault(act.id, []).append(scope)
        self._nursery.start_soon(_within, scope, job)

    async def _reset_again(self, act: Act, kind: Reset) -> None:
        self._wire.reset(act.id)
        while kind.every_ms:
            await trio.sleep(kind.every_ms / 1_000)
            self._wire.reset(act.id)

    async def _ration(self, act: Act, machines: list[Machine], share: float) -> None:
        while True:
            for machine in machines:
                machine.freeze(act.id)
            self._hit(act)
            await trio.sleep(TURN_S * (1 - share))
            for machine in machines:
                machine.thaw(act.id)
            await trio.sleep(TURN_S * share)

    async def _kill_again(self, act: Act, machines: list[Machine], every_s: float) -> None:
        while True:
            for machine in machines:
                if machine.hold(act.id, "killed"):
                    self._hit(act)
                await machine.down()
                machine.disk.kill()
                machine.release(act.id)
            await trio.sleep(every_s)

    async def _subscribe_and_wait(self, act: Act, machine: Machine, clients: int) -> None:
        """Clients that read nothing; they come back when the node has let them go or restarts."""
        while True:
            node = machine.node
            if node is not None:
                self._hit(act, clients)
                subscriptions = [node.subscribe() for _ in range(clients)]
                while machine.node is node:  # noqa: ASYNC110 - virtual time
                    await trio.sleep(GLIMPSE_S)
                del subscriptions
            await trio.sleep(GLIMPSE_S)

    async def _flood(self, act: Act, machines: list[Machine], rate_per_s: float) -> None:
        count = max(1, round(rate_per_s * FLOOD_TURN_S))
        while True:
            for machine in machines:
                if machine.node is not None and not machine.frozen:
                    machine.node.status()
                    machine.node.peers()
                    await self.offer(machine.name, [GARBAGE] * count)
                    self._hit(act, count)
            await trio.sleep(FLOOD_TURN_S)

    async def _look_every_second(self) -> None:
        looks = 0
        while True:
            for machine in self._machines.values():
                glimpse = machine.glimpse()
                if glimpse is not None:
                    self._audience.saw(glimpse)
                machine.disk.flush()
                if self._keeps_backups:
                    kept = self._backups[machine.name]
                    kept.append((trio.current_time(), machine.disk.snapshot()))
                    del kept[:-SNAPSHOTS_MAX]
                if looks % REMEMBER_EVERY == 0:
                    machine.remember_contacts()
            looks += 1
            await trio.sleep(GLIMPSE_S)


async def _within(scope: trio.CancelScope, job: Callable[[], Awaitable[None]]) -> None:
    with scope:
        await job()
