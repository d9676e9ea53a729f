"""`python -m tests.bench.soak`: fifty nodes for a day of virtual time; does anything keep growing?

With `--minutes M` twenty real processes instead, and their resident memory, descriptors, tasks;
`--rate` loads them so quickly that the caches, which are bounded, are full within that time. With
`--rate` and `--hours` it is virtual time at that rate, in blocks of a second.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from statistics import mean
from typing import Any

import httpx
import psutil
import trio

from chain.chainstate import VALUES_CACHED_MAX
from chain.finality import CERTIFICATES_KNOWN_MAX
from chain.ledger import SEALS_KNOWN_MAX, SIGNATURES_KNOWN_MAX
from chain.pool.heaviest import COMPACT_SLACK
from chain.primitives.keys import SignatureCheck
from chain.state.page import SLOTS
from chain.state.smt import BUCKETS_CACHED_MAX, PAGES_CACHED_MAX
from p2p.protocol.mesh import FIRST_MAX
from p2p.protocol.offers import ANNOUNCED_MAX, KNOWN_MAX
from p2p.protocol.recent import RECENT_MAX
from p2p.protocol.relay import SLOTS_COUNTED_MAX
from p2p.protocol.settled import DECLINED_MAX, SETTLED_MAX
from p2p.verifier import InlineVerifier
from testnet.bench.holdings import holdings
from testnet.bench.sizes import Mint
from testnet.bench.trend import WARM_UP, Trend, trend
from testnet.conditions import spec_of
from testnet.observation import Fact
from testnet.scenario.model import NetPlan, Scenario
from testnet.simulation.run import genesis_of, machine_for, setting_of
from testnet.simulation.scheduler import run_in_virtual_time
from tests.live import cornerstone, running_testnet

NODES, HOURS, BLOCK_MS = 50, 24.0, 60_000
AUTHORITIES = 7
"""As a network has them; with fifty, a day would go into fifty votes a block."""
SAMPLES = 48
TRANSACTIONS = 5  # in each block's time
SENDERS = 64
LEAST_A_NODE = 1.0
"""Less than one item more a node is no growth."""

BOUNDS = {
    "ledger.signatures": SIGNATURES_KNOWN_MAX,
    "ledger.seals": SEALS_KNOWN_MAX,
    "tree.cache": PAGES_CACHED_MAX,
    "tree.cache[].nodes": PAGES_CACHED_MAX * 2 * SLOTS,
    "tree.buckets": BUCKETS_CACHED_MAX,
    "chainstate.values": VALUES_CACHED_MAX,
    "verifier.cache": InlineVerifier.CACHE_MAX,
    "settled.ids.current": SETTLED_MAX,
    "settled.ids.previous": SETTLED_MAX,
    "settled.items.current": SETTLED_MAX,
    "settled.items.previous": SETTLED_MAX,
    "settled.declined": DECLINED_MAX,
    "known.current": KNOWN_MAX,
    "known.previous": KNOWN_MAX,
    "announced.current": ANNOUNCED_MAX,
    "announced.previous": ANNOUNCED_MAX,
    "mesh.firsts": FIRST_MAX,
    "rebuilds.recent.raws": RECENT_MAX,
    "relay.slots": SLOTS_COUNTED_MAX,
    "finality.good": CERTIFICATES_KNOWN_MAX,
    "mempool.heaviest.heap": 2 * SENDERS + COMPACT_SLACK,
}
"""Caches that fill for longer than a warm-up lasts: they may rise, but never hold more than this.

*Why not a line:* one through a cache that fills and then stands points above its bound."""

PROCESSES, SAMPLE_S, RATE = 20, 5.0, 20
GAUGE = re.compile(rb"^cornerstone_(tasks|peers_inbound|peers_outbound) (\S+)", re.MULTILINE)
LEAST = {"resident MB": 2.0, "descriptors": 3.0, "connections": 3.0, "tasks a connection": 1.0}
WARM_TRANSACTIONS = 2 * SETTLED_MAX
"""After so many the largest of a node's caches, of two generations, is as full as it gets."""
WARM_UP_MAX = 0.75
PARTS = 8  # of the time, of which each is printed
ANSWER_S = 60.0
"""A machine that runs twenty nodes and something else beside them may be slow to answer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A soak in virtual time; `transactions` in each block's time."""

    nodes: int = NODES
    hours: float = HOURS
    block_ms: int = BLOCK_MS
    transactions: int = TRANSACTIONS


class Nobody:
    """Keeps nothing of what is seen."""

    def saw(self, fact: Fact) -> None:
        """See Audience."""


@dataclass(frozen=True, slots=True)
class Soaked:
    """How everything that is held went, by name, summed over the nodes."""

    nodes: int
    hours: float
    height: int
    transactions: int
    trends: dict[str, Trend]
    wall_s: float

    @property
    def growing(self) -> list[str]:
        """What rises and has no bound, or is above it."""
        shares = {name: self.share(name) for name in self.rising}
        return [name for name, share in shares.items() if share is None or share > 1]

    @property
    def rising(self) -> list[str]:
        """What is not flat."""
        least = LEAST_A_NODE * self.nodes
        return [name for name, found in self.trends.items() if not found.flat(least)]

    def share(self, name: str) -> float | None:
        """How full a cache was at most, of its bound; of what each peer has, one for each peer."""
        holders = self.nodes * (self.nodes - 1 if "peers[]" in name else 1)
        bound = next((most for ending, most in BOUNDS.items() if name.endswith(ending)), None)
        return None if bound is None else self.trends[name].most / (bound * holders)


async def live(plan: Plan, seed: int, cache: dict[SignatureCheck, bool]) -> Soaked:
    """The whole day."""
    nodes, hours = plan.nodes, plan.hours
    began_s = time.perf_counter()
    net = NetPlan(nodes=nodes, authorities=min(AUTHORITIES, nodes), block_ms=plan.block_ms)
    scenario = Scenario("soak", "a day", round(hours * 3_600_000), net=net)
    spec = spec_of(scenario)
    genesis = genesis_of(scenario, spec)
    setting = setting_of(scenario, seed, genesis, Nobody(), cache)  # type: ignore[arg-type]
    machines = [machine_for(setting, spec, scenario, name, ()) for name in spec.node_names]
    mint, sent = Mint(spec, genesis, 250), 0
    at_s: list[float] = []
    samples: list[dict[str, int]] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(setting.wire.run)
        for machine in machines:
            await nursery.start(machine.run)
        end_s, look_s = 3_600 * hours, 3_600 * hours / SAMPLES
        while trio.current_time() < end_s:
            await trio.sleep(plan.block_ms / 1_000)
            for _ in range(plan.transactions):
                node = machines[sent % nodes].node
                assert node is not None, "nobody falls in a soak"
                await node.submit([mint.make(sent % SENDERS).raw])
                sent += 1
            if trio.current_time() >= (len(at_s) + 1) * look_s:
                at_s.append(trio.current_time())
                samples.append(summed(machine.node for machine in machines))
                say(f"{at_s[-1] / 3_600:.1f} h, {sum(samples[-1].values()):,} items held")
        height = min(m.node.ledger.head.height for m in machines if m.node is not None)
        nursery.cancel_scope.cancel()
    names = sorted({name for sample in samples for name in sample})
    trends = {n: trend(at_s, [float(sample.get(n, 0)) for sample in samples]) for n in names}
    return Soaked(nodes, hours, height, sent, trends, time.perf_counter() - began_s)


def summed(nodes: Iterator[object]) -> dict[str, int]:
    """What all nodes hold together."""
    total: dict[str, int] = {}
    for node in nodes:
        for name, size in holdings(node).items():
            total[name] = total.get(name, 0) + size
    return total


def measure_soak(plan: Plan, seed: int = 1) -> Soaked:
    """A day in virtual time."""
    return run_in_virtual_time(partial(live, plan, seed, {}), seed)


@dataclass(frozen=True, slots=True)
class Watched:
    """Real processes under load: when each sample was taken, and each figure's samples by process.

    `warm_up` is the share of the time until the caches are full, if that is within the time.
    """

    at_s: list[float]
    samples: dict[str, list[list[float]]]
    warm_up: float

    @property
    def warm(self) -> bool:
        """Whether the caches are full long before the end."""
        return self.warm_up <= WARM_UP_MAX

    def trends(self, name: str) -> list[Trend]:
        """A figure's trend in each process, once it is warm; if it gets warm at all."""
        warm_up = max(WARM_UP, self.warm_up) if self.warm else WARM_UP
        return [
            trend(self.at_s, series, warm_up) for series in zip(*self.samples[name], strict=True)
        ]

    def course(self, name: str) -> list[float]:
        """The mean of all processes, in each of PARTS parts of the time."""
        means = [mean(sample) for sample in self.samples[name]]
        ends = [len(means) * part // PARTS for part in range(PARTS + 1)]
        return [mean(means[start:end]) for start, end in pairwise(ends)]


def measure_processes(minutes: float, processes: int, rate: int) -> Watched:
    """Real processes under load."""
    at_s: list[float] = []
    series: dict[str, list[list[float]]] = {name: [] for name in LEAST}
    seats = min(AUTHORITIES, processes)
    with running_testnet("soak", processes, "--authorities", str(seats)) as up:
        watched = [psutil.Process(node["pid"]) for node in up["nodes"]]
        load = psutil.Popen(
            [
                *(sys.executable, "-m", "cli", "testnet", "load", "soak", "--json"),
                *("--rate", str(rate), "--for", f"{60 * minutes:.0f}s"),
            ]
        )
        began_s = time.monotonic()
        while time.monotonic() - began_s < 60 * minutes:
            time.sleep(SAMPLE_S)
            at_s.append(time.monotonic())
            series["resident MB"].append([p.memory_info().rss / 1e6 for p in watched])
            series["descriptors"].append([float(p.num_fds()) for p in watched])
            gauges = [read(node) for node in up["nodes"]]
            series["connections"].append([peers for _, peers in gauges])
            series["tasks a connection"].append([tasks / max(1, peers) for tasks, peers in gauges])
        load.wait()
        status = cornerstone("testnet", "status", "soak")
        say(f"{processes} processes after {minutes:g} min: common height {status['common_height']}")
    return Watched(at_s, series, WARM_TRANSACTIONS / rate / (60 * minutes))


def read(node: dict[str, Any]) -> tuple[float, float]:
    """The tasks and the connections of a node, as its metrics say."""
    text = httpx.get(f"{node['api']}/metrics", trust_env=False, timeout=ANSWER_S).content
    found = {name: float(value) for name, value in GAUGE.findall(text)}
    return found[b"tasks"], found[b"peers_inbound"] + found[b"peers_outbound"]


def report(soaked: Soaked) -> bool:
    """Print it; whether nothing grows."""
    held = sum(found.mean for found in soaked.trends.values())
    say(
        f"soak: {soaked.nodes} nodes, {soaked.hours:g} h of virtual time in {soaked.wall_s:.0f} s, "
        f"height {soaked.height:,}, {soaked.transactions:,} transactions; {held:,.0f} items held "
        f"in {len(soaked.trends)} places"
    )
    steepest = sorted(soaked.trends, key=lambda name: -soaked.trends[name].rise)[:8]
    for name in sorted({*steepest, *soaked.rising}, key=lambda name: -soaked.trends[name].rise):
        found, share = soaked.trends[name], soaked.share(name)
        note = "" if share is None else f", at most {share:.1%} of its bound"
        say(f"  {name}: {found.mean:,.0f} on average, {found.per_hour:+,.2f} an hour{note}")
    flat, filling = (
        len(soaked.trends) - len(soaked.rising),
        len(soaked.rising) - len(soaked.growing),
    )
    say(f"{flat} places are flat, {filling} fill within their bounds")
    say(
        "nothing grows without end"
        if not soaked.growing
        else f"GROWING: {', '.join(soaked.growing)}"
    )
    return not soaked.growing


def report_processes(watched: Watched) -> bool:
    """Print it; whether nothing grows."""
    flat = True
    for name in watched.samples:
        worst = max(watched.trends(name), key=lambda found: found.rise)
        flat = flat and worst.flat(LEAST[name])
        say(
            f"  {name}: {worst.mean:,.1f} on average in the worst process, "
            f"{worst.per_hour:+,.2f} an hour, {worst.rise:+,.2f} since the warm-up; mean of all in "
            f"each eighth of the time: {', '.join(f'{one:,.1f}' for one in watched.course(name))}"
        )
    say("everything is flat" if flat else "GROWING")
    if not watched.warm:
        say(
            f"the caches were filling all the while: they are full after {WARM_TRANSACTIONS:,} "
            "transactions, so choose a higher --rate, or more --minutes"
        )
    return flat


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="real processes, for so long")
    parser.add_argument("--nodes", type=int, help=f"{NODES}, or {PROCESSES} processes")
    parser.add_argument("--hours", type=float, default=HOURS, help="of virtual time")
    parser.add_argument("--rate", type=int, help="transactions a second")
    wish = parser.parse_args()
    if wish.minutes is not None:
        processes, rate = wish.nodes or PROCESSES, wish.rate or RATE
        return 0 if report_processes(measure_processes(wish.minutes, processes, rate)) else 1
    plan = Plan(wish.nodes or NODES, wish.hours)
    if wish.rate is not None:
        plan = replace(plan, block_ms=1_000, transactions=wish.rate)
    return 0 if report(measure_soak(plan)) else 1


if __name__ == "__main__":
    sys.exit(main())
