"""Seats the nodes in processes, takes them through the phases, and works out the figures."""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TypeVar

from chain.genesis import Genesis
from chain.primitives.hashing import Hash
from testnet.bench.figures import Blocks, GossipFigures, Meters, Phase, Traffic, phase_of
from testnet.bench.host import serve
from testnet.bench.orders import (
    Arrivals,
    Cast,
    Follow,
    Included,
    Issue,
    Order,
    Read,
    Reading,
    Ready,
    Seat,
    Spread,
    Stop,
)
from testnet.bench.plan import SENDERS, GossipPlan
from testnet.bench.sizes import Mint
from testnet.deaf import deaf_context, interrupt_held
from testnet.errors import LaunchFailure
from testnet.founding import make_genesis
from testnet.ports import HOST, PortReservations
from testnet.spec import LaunchSpec

SYSTEM = "cornerstone"
SETTLE_S = 3.0
"""Between the links and the first meter: choices that a node makes in its first seconds."""

TAIL_S = 0.5
"""After the last delivery: copies and announcements that are still on their way count as well."""

LEAD_S = 0.2
UNLOADED_GAP_S = 0.1
PATIENCE_S = 120.0
DELIVERIES_PER_S = (
    250  # beside it: what a burst that a busy machine is far too small for still makes
)
EXECUTION_MS = 1  # of a slot for each transaction and node: four times what a quiet machine takes
GRACE_S = 3.0
AUTHORS_MAX = 4
SLOT_MS = 1_000

Tell = Callable[[str], None]
Serve = Callable[[Cast, Connection], None]
A = TypeVar("A", Ready, Reading, Arrivals, Included)


@dataclass(frozen=True, slots=True)
class Company:
    """The pipes to the processes that hold the nodes; after how long all nodes were linked."""

    pipes: list[Connection]
    linked_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """The messages of one phase, numbered through."""

    ids: tuple[Hash, ...]
    publisher: tuple[int, ...]
    issues: tuple[Issue, ...]
    lasts_s: float


def run_gossip(plan: GossipPlan, tell: Tell) -> GossipFigures:
    """Carry out one plan. Raises LaunchFailure when the nodes do not come up or fall."""
    authors = min(AUTHORS_MAX, plan.nodes)
    spec = LaunchSpec(
        "bench", plan.seed, plan.nodes, authorities=authors, block_ms=plan.block_ms or SLOT_MS
    )
    genesis = bounded(make_genesis(spec, time.time_ns() // 1_000_000), plan)
    loads = Loads(plan, Mint(spec, genesis, plan.size))
    phases = (loads.unloaded(), loads.steady(), loads.burst())
    with closing(PortReservations()) as ports, seated(casts(plan, spec, genesis, ports)) as company:
        return Run(plan, company, tell).perform(*phases)


def bounded(genesis: Genesis, plan: GossipPlan) -> Genesis:
    """With blocks so small that all nodes of a process have executed one long before the next.

    Each node does what everywhere else a machine of its own would do, in the same slot.
    """
    each = -(-plan.nodes // plan.processes)
    most = max(1, genesis.slot_ms // each // EXECUTION_MS)
    parameters = replace(genesis.parameters, block_transactions_max=most)
    return replace(genesis, parameters=parameters)


class Loads:
    """Makes the messages of the phases, in the order in which they will be published."""

    def __init__(self, plan: GossipPlan, mint: Mint) -> None:
        self._plan = plan
        self._mint = mint
        self._made = [0] * len(plan.publishers)

    def unloaded(self) -> Load:
        """One message after the other, each alone on the network."""
        return self._paced(self._plan.unloaded, UNLOADED_GAP_S)

    def steady(self) -> Load:
        """Messages at the plan's rate."""
        return self._paced(self._plan.steady, 1 / self._plan.rate)

    def burst(self) -> Load:
        """All at once, by all publishers."""
        places = range(len(self._plan.publishers))
        shares = [len(range(place, self._plan.burst, len(places))) for place in places]
        ids: list[Hash] = []
        publisher: list[int] = []
        issues: list[Issue] = []
        for place, share in zip(places, shares, strict=True):
            node = self._plan.publishers[place]
            made = [self._make(place) for _ in range(share)]
            issues.append(Issue(node, 0.0, len(ids), tuple(raw for _, raw in made)))
            ids += [txid for txid, _ in made]
            publisher += [node] * share
        return Load(tuple(ids), tuple(publisher), tuple(issues), 0.0)

    def _paced(self, count: int, gap_s: float) -> Load:
        ids: list[Hash] = []
        publisher: list[int] = []
        issues: list[Issue] = []
        for number in range(count):
            place = number % len(self._plan.publishers)
            node = self._plan.publishers[place]
            txid, raw = self._make(place)
            ids.append(txid)
            publisher.append(node)
            issues.append(Issue(node, number * gap_s, number, (raw,)))
        return Load(tuple(ids), tuple(publisher), tuple(issues), count * gap_s)

    def _make(self, place: int) -> tuple[Hash, bytes]:
        """The next message of a publisher: it has some of the senders to itself."""
        publishers = len(self._plan.publishers)
        turn = self._made[place] % (SENDERS // publishers)
        self._made[place] += 1
        made = self._mint.make(place + publishers * turn)
        return made.id, made.raw


def casts(
    plan: GossipPlan, spec: LaunchSpec, genesis: Genesis, ports: PortReservations
) -> list[Cast]:
    """Which nodes each process holds."""
    dials = plan.dials()
    addresses = [f"ws://{HOST}:{ports.reserve(name)}" for name in spec.node_names]
    links = [len(others) for others in dials]
    for others in dials:
        for other in others:
            links[other] += 1
    seats = [
        Seat(
            number=number,
            address=addresses[number],
            dials=tuple(addresses[other] for other in dials[number]),
            links=links[number],
            author=bool(plan.block_ms) and spec.node_names[number] in spec.author_names,
        )
        for number in range(plan.nodes)
    ]
    return [
        Cast(spec, genesis, tuple(seats[first :: plan.processes]), plan.eager)
        for first in range(plan.processes)
    ]


@contextmanager
def seated(parts: Sequence[Cast], places: Sequence[Serve] | None = None) -> Iterator[Company]:
    """The processes, linked with each other; ended when the block ends.

    `places` says for each process what it runs when that is not just `serve`.
    """
    context = deaf_context([serve.__module__])
    pipes = [context.Pipe() for _ in parts]
    processes = [
        context.Process(target=run, args=(cast, theirs), daemon=True)
        for run, cast, (_, theirs) in zip(places or [serve] * len(parts), parts, pipes, strict=True)
    ]
    hosts = [ours for ours, _ in pipes]
    try:
        for process, (_, theirs) in zip(processes, pipes, strict=True):
            with interrupt_held():
                process.start()
            theirs.close()
        readies = [hear(host, Ready) for host in hosts]
        for ready in readies:
            if ready.trouble:
                raise LaunchFailure(ready.trouble)
        yield Company(hosts, max(ready.linked_s for ready in readies))
        for host in hosts:
            host.send(Stop())
        for process in processes:
            process.join(GRACE_S)
    finally:
        for host in hosts:
            host.close()
        started = [process for process in processes if process.pid is not None]
        for process in started:
            process.kill()  # at once: whoever interrupts a bench waits for nothing
        for process in started:
            process.join()


def hear(host: Connection, kind: type[A]) -> A:
    """An answer of that kind. Raises LaunchFailure when the process has fallen."""
    try:
        answer = host.recv()
    except (EOFError, ConnectionResetError) as error:
        raise LaunchFailure("a process of the bench has fallen; it says above why") from error
    assert isinstance(answer, kind), f"expected {kind.__name__}, got {answer!r}"
    return answer


class Run:
    """One run over processes that are up."""

    def __init__(self, plan: GossipPlan, company: Company, tell: Tell) -> None:
        self._plan = plan
        self._hosts = company.pipes
        self._linked_s = company.linked_s
        self._tell = tell
        self._refused: list[str] = []

    def perform(self, unloaded: Load, steady: Load, burst: Load) -> GossipFigures:
        """All phases, the quiet ones first."""
        self._tell("settling")
        time.sleep(SETTLE_S)
        start = self._read()
        self._tell("idle")
        time.sleep(self._plan.idle_s)
        idle_s = sum(now.cpu_s - then.cpu_s for now, then in zip(self._read(), start, strict=True))
        figures = [
            self._phase(name, load)
            for name, load in (("unloaded", unloaded), ("steady", steady), ("burst", burst))
        ]
        blocks = self._follow(burst) if self._plan.block_ms else None
        end = self._read()
        return GossipFigures(
            system=SYSTEM,
            nodes=self._plan.nodes,
            links=sum(map(len, self._plan.dials())),
            linked_s=self._linked_s,
            idle_cpu_ms=1e3 * idle_s / self._plan.idle_s / self._plan.nodes,
            unloaded=figures[0],
            steady=figures[1],
            burst=figures[2],
            disconnects=sum(reading.disconnected for reading in end),
            bans=sum(reading.banned for reading in end),
            resident_mb=sum(reading.resident_mb for reading in start),
            peak_mb=sum(reading.peak_mb for reading in end),
            refused=tuple(dict.fromkeys(self._refused)),
            blocks=blocks,
        )

    def _phase(self, name: str, load: Load) -> Phase:
        self._tell(f"{name}: {len(load.ids)} messages")
        before = self._read()
        arrivals = self._spread(load)
        time.sleep(TAIL_S)
        after = self._read()
        pairs = list(zip(after, before, strict=True))
        meters = Meters(
            cpu_s=sum(now.cpu_s - then.cpu_s for now, then in pairs),
            bytes_in=sum(now.bytes_in - then.bytes_in for now, then in pairs),
            bodies=sum(now.bodies - then.bodies for now, then in pairs),
            announced=sum(now.announced - then.announced for now, then in pairs),
            frames=sum(now.frames - then.frames for now, then in pairs),
        )
        published: dict[int, float] = {}
        accepted: dict[int, array[float]] = {}
        for arrival in arrivals:
            published |= arrival.published
            accepted |= arrival.accepted
            self._refused += arrival.refused
        return phase_of(Traffic(self._plan.size, load.publisher, published, accepted), meters)

    def _spread(self, load: Load) -> list[Arrivals]:
        begin_s = time.monotonic() + LEAD_S
        here = [range(first, self._plan.nodes, len(self._hosts)) for first in self._places()]
        orders = [
            Spread(
                load.ids,
                tuple(issue for issue in load.issues if issue.node in nodes),
                begin_s,
                load.lasts_s + self._patience_s(load),
            )
            for nodes in here
        ]
        return self._ask(orders, Arrivals)

    def _follow(self, load: Load) -> Blocks:
        self._tell("following the burst into blocks")
        answers = self._ask(
            [Follow(load.ids, self._patience_s(load)) for _ in self._places()], Included
        )
        least = min(min(answer.counts.values()) for answer in answers)
        return Blocks(least, all(answer.in_order for answer in answers))

    def _patience_s(self, load: Load) -> float:
        return PATIENCE_S + len(load.ids) * self._plan.nodes / DELIVERIES_PER_S

    def _read(self) -> list[Reading]:
        return self._ask([Read() for _ in self._places()], Reading)

    def _places(self) -> range:
        return range(len(self._hosts))

    def _ask(self, orders: Sequence[Order], kind: type[A]) -> list[A]:
        for host, order in zip(self._hosts, orders, strict=True):
            host.send(order)
        return [hear(host, kind) for host in self._hosts]
