"""The stage of the engine tier: a heap under trio's virtual time, and the faults this tier knows.

The director's tasks live in trio; the network does not. Whenever all of them wait, the heap runs
up to the moment the first of them wakes, or a little past the first fact that might wake one.
"""

import math
from collections.abc import Sequence

import trio
import trio.testing

from testnet.checkers.checker import Ending
from testnet.engines.host import Host
from testnet.engines.population import Network
from testnet.engines.seats import EngineSeat
from testnet.engines.strangers import DIALS, Crowd, Orders
from testnet.engines.telling import Teller, standing
from testnet.engines.versions import Version
from testnet.errors import Unfit
from testnet.faults.byzantine import ByzantineKind, Eclipse, Sybil
from testnet.faults.gossip import GossipKind
from testnet.faults.kinds import Kind
from testnet.faults.link import LinkKind
from testnet.faults.partition import PartitionKind
from testnet.faults.process import Kill, Pause
from testnet.observation import BlockJoined, Fact
from testnet.recorder import Recorder
from testnet.rig.behaviours import behaviour_of
from testnet.stage import Act, Standing, Undone

STRIDE_S = 1.0
"""The heap runs no further at once, so that whoever cancels the run is heard."""

QUANTUM_S = 0.01
"""How long after a fact the director may learn of it: its own polls are 25 times rarer."""

GLIMPSES_A_SECOND = 1_000
"""Hosts looked at in a second of virtual time; of more hosts each is looked at less often."""

PARTIAL_LOSS_S = 3.0
"""How much of the newest data a partial loss takes."""

SNAPSHOTS_MAX = 120
ACCEPTED = "accepted"
ENOUGH_GROUPS = 16
"""Networks the strangers of an eclipse dial from; those of one machine have one."""


class HeapRecorder(Recorder):
    """A recorder whose time is the heap's, where that is ahead of trio's."""

    def __init__(self) -> None:
        super().__init__()
        self.network: Network | None = None

    def elapsed_s(self) -> float:
        """See Recorder."""
        heap_s = 0.0 if self.network is None else self.network.heap.now_s
        return max(super().elapsed_s(), heap_s)

    def saw(self, fact: Fact) -> None:
        """See Recorder."""
        super().saw(fact)
        if self.network is not None and isinstance(fact, BlockJoined):
            heap = self.network.heap
            heap.return_by(heap.now_s + QUANTUM_S)


class EngineStage:
    """Implements testnet.stage.Stage. `run` owns the one task that lets the heap run."""

    def __init__(
        self, network: Network, teller: Teller, hostile: tuple[str, ...], *, snapshots: bool
    ) -> None:
        self.genesis = network.ground.common.genesis
        self.names = tuple(network.hosts)
        self._network = network
        self._teller = teller
        self._keeps_snapshots = snapshots
        self._hostile = dict.fromkeys(hostile)
        self._directory = {host.id: host for host in network.hosts.values()}
        self._acts: dict[str, Act] = {}
        self._hits: dict[str, int] = {}
        self._seats: dict[str, list[EngineSeat]] = {}
        self._crowds: dict[str, Crowd] = {}
        self._downs: dict[str, dict[str, None]] = {name: {} for name in self.names}
        self._snapshots: dict[str, list[tuple[float, Version]]] = {name: [] for name in self.names}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Let time pass until cancelled; started when every host serves."""
        for host in self._network.hosts.values():
            host.start()
            self._teller.started(host, honest=host.name not in self._hostile)
        self._look_again()
        task_status.started()
        heap = self._network.heap
        while True:
            await trio.testing.wait_all_tasks_blocked()
            statistics = trio.lowlevel.current_statistics()
            wait_s = min(max(0.0, statistics.seconds_to_next_deadline), STRIDE_S)
            heap.run(trio.current_time() + wait_s)
            await trio.sleep_until(heap.now_s)

    # The stage

    async def begin(self, act: Act) -> None:
        """See Stage."""
        self._catch_up()
        self._acts[act.id] = act
        self._hits[act.id] = 0
        hosts = [self._network.hosts[name] for name in act.on]
        match act.kind:
            case kind if isinstance(kind, LinkKind | PartitionKind):
                self._network.net.begin(act, kind, self.names)
            case Eclipse() | Sybil():
                self._crowd(act)
            case kind if isinstance(kind, GossipKind | ByzantineKind):
                for host in hosts:
                    seat = EngineSeat(host, act, behaviour_of(kind, act.to), self._directory)
                    self._seats.setdefault(act.id, []).append(seat)
                    host.seats[act.id] = seat
                    seat.begin()
            case Kill():
                for host in hosts:
                    self._kill(act, host)
            case Pause():
                for host in hosts:
                    host.freeze(act.id)
                    self._hits[act.id] += 1
            case kind:
                raise Unfit("tier", f"{kind.NAME} is not for routers: use the tier `node`")

    async def end(self, act_id: str) -> Undone:
        """See Stage."""
        self._catch_up()
        act = self._acts.pop(act_id, None)
        if act is None:
            return Undone(0, clean=True)
        hits = self._hits.pop(act_id) + self._network.net.end(act_id)
        crowd = self._crowds.pop(act_id, None)
        if crowd is not None:
            crowd.end()
            hits += crowd.hits
        for seat in self._seats.pop(act_id, ()):
            seat.end()
            hits += seat.behaviour.hits
        clean = not self._network.net.in_force(act_id)
        for name in act.on:
            host = self._network.hosts[name]
            host.seats.pop(act_id, None)
            host.thaw(act_id)
            self._revive(act, host)
            clean = clean and act_id not in self._downs[name]
        return Undone(hits, clean)

    async def offer(self, node: str, raws: Sequence[bytes]) -> list[str] | None:
        """See Stage."""
        self._catch_up()
        host = self._network.hosts[node]
        if not host.up or host.frozen:
            return None
        await trio.lowlevel.checkpoint()
        codes = [result.code for result in host.submit(raws)]
        return ["" if code == ACCEPTED else code for code in codes]

    async def look(self) -> tuple[Standing, ...]:
        """See Stage."""
        return tuple(standing(host) for host in self._network.hosts.values())

    def unix_ms(self) -> int:
        """See Stage."""
        return self._network.ground.epoch_ms + int(trio.current_time() * 1_000)

    async def finish(self) -> Ending:
        """See Stage."""
        hosts = self._network.hosts.values()
        return Ending(
            at_s=trio.current_time(),
            nodes=tuple(
                self._teller.final(host, honest=host.name not in self._hostile) for host in hosts
            ),
            last_fault_end_s=0.0,
            rejected=(),
        )

    # Carrying faults out

    def _catch_up(self) -> None:
        heap = self._network.heap
        heap.run(max(heap.now_s, trio.current_time()))

    def _crowd(self, act: Act) -> None:
        hosts = self._network.hosts
        city = hosts[act.on[0]].city
        match act.kind:
            case Eclipse(victim, identities):
                if victim not in hosts:
                    raise Unfit(
                        "victim", f"no node is called {victim!r}; there are n1..n{len(hosts)}"
                    )
                targets = (hosts[victim].address,)
                orders = Orders(act.id, act.seed, city, identities, targets, 1, 0.0, ENOUGH_GROUPS)
            case Sybil(identities, stay_ms):
                honest = tuple(host.address for host in hosts.values())
                orders = Orders(act.id, act.seed, city, identities, honest, DIALS, stay_ms / 1_000)
            case kind:
                raise AssertionError(f"{kind.NAME} has no crowd")
        self._crowds[act.id] = Crowd(self._network.ground, orders)
        self._crowds[act.id].begin()

    def _kill(self, act: Act, host: Host) -> None:
        if host.up:
            host.kill()
            self._hits[act.id] += 1
            self._teller.killed(host)
        self._downs[host.name][act.id] = None

    def _revive(self, act: Act, host: Host) -> None:
        """Start a host again that only this act has held down."""
        downs = self._downs[host.name]
        if act.id not in downs:
            return
        del downs[act.id]
        if downs or not isinstance(act.kind, Kill):
            return
        host.restart(self._found(act.kind, host))
        self._teller.started(host, honest=host.name not in self._hostile)

    def _found(self, kind: Kill, host: Host) -> Version | None:
        """What the host finds on its disk; None: what it left there."""
        match kind.data:
            case "wiped":
                return self._network.ground.common.founded
            case "rolled-back":
                return self._before(host, kind.age_ms / 1_000)
            case "partial":
                return self._before(host, PARTIAL_LOSS_S)
            case _:
                return None

    def _before(self, host: Host, age_s: float) -> Version | None:
        kept = self._snapshots[host.name]
        last_s = kept[-1][0] if kept else 0.0
        older = [version for at_s, version in kept if at_s <= last_s - age_s]
        if older:
            return older[-1]
        return kept[0][1] if kept else None

    def _look_again(self) -> None:
        heap, hosts = self._network.heap, self._network.hosts
        for host in hosts.values():
            if host.up:
                self._teller.glimpse(host)
                if self._keeps_snapshots:
                    kept = self._snapshots[host.name]
                    kept.append((heap.now_s, host.store.version))
                    del kept[:-SNAPSHOTS_MAX]
        every_s = math.ceil(len(hosts) / GLIMPSES_A_SECOND)
        heap.at(heap.now_s + every_s, self._look_again)


def has_crowd(kind: Kind) -> bool:
    """Whether strangers carry a fault out, and no behaviour within a host."""
    return isinstance(kind, Eclipse | Sybil)
