"""Plays a scenario on the engine tier: one seed in, one outcome out, always the same."""

import gc
import time
from dataclasses import replace
from functools import partial

import trio

from chain.primitives.errors import Refusal
from testnet.checkers.checker import Ground
from testnet.checkers.figures import figures
from testnet.director import Director, Performance, Script, verdict_of
from testnet.engines.population import EPOCH_MS, Plan, Wires, populate, ring_and_random
from testnet.engines.stage import EngineStage, HeapRecorder, has_crowd
from testnet.engines.telling import Teller
from testnet.errors import Unfit
from testnet.faults.byzantine import ByzantineKind, Spam
from testnet.faults.gossip import GossipKind
from testnet.faults.process import Kill
from testnet.faults.tiers import supports
from testnet.founding import author, make_genesis
from testnet.groups import ungrouped
from testnet.nodefile import DISCOVER_OUTBOUND
from testnet.observation import Seen, digest_of
from testnet.outcome import Outcome
from testnet.rig.behaviours import behaviour_of
from testnet.scenario.casting import cast_of, uplinks_of
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.swarm import drawn
from testnet.simulation.scheduler import run_in_virtual_time
from testnet.spec import FULL_NODES_MAX, NODES_MAX, LaunchSpec, Wiring, within
from testnet.topology import dials

ENGINES_MAX = 10_000
"""Hosts: at about 90 KB each before any block, what a machine of 8 GB has room for in use."""

LEAD_MS = 1_500
"""Slot 1 begins so long after the start, as on the tier of whole nodes."""

MANY = NODES_MAX
"""From here on a network is wired at random instead of by discovery from two bootstrap nodes, whose
inbound slots a network of thousands does not fit into."""

MANY_DIALS = 8
INBOUND_MAX = 125


def simulate_engines(scenario: Scenario, seed: int) -> Outcome:
    """Run one seed. Raises Unfit for a scenario that cannot be, or needs more than routers."""
    played = drawn(scenario, seed)
    refuse_unfit(played)
    began_s = time.perf_counter()
    gc.freeze()
    try:
        with ungrouped(Refusal):
            performance, seen, virtual_s = run_in_virtual_time(
                partial(_perform, played, seed), seed
            )
    finally:
        gc.unfreeze()
    return Outcome(
        scenario=scenario,
        seed=seed,
        tier=Tier.ENGINE,
        verdict=verdict_of(performance.violations),
        digest=digest_of(seen),
        violations=performance.violations,
        probes=performance.probes,
        inert=performance.inert,
        figures=figures(seen, performance.ending),
        virtual_s=virtual_s,
        wall_s=time.perf_counter() - began_s,
        seen=tuple(seen),
    )


def refuse_unfit(scenario: Scenario) -> None:
    """Raise Unfit for what routers on a heap cannot show, before anything runs."""
    within(scenario.net.nodes, 1, ENGINES_MAX, "nodes")
    for fault in scenario.faults:
        sockets = isinstance(fault.kind, Spam) and fault.kind.what == "handshakes"
        if sockets or not supports(Tier.ENGINE, type(fault.kind)):
            raise Unfit(
                "tier",
                f"the fault {fault.id!r} ({fault.kind.NAME}) needs whole nodes: use the tier "
                "`node`",
            )
        if isinstance(fault.kind, GossipKind | ByzantineKind) and not has_crowd(fault.kind):
            behaviour_of(fault.kind)


async def _perform(scenario: Scenario, seed: int) -> tuple[Performance, list[Seen], float]:
    record = HeapRecorder()
    teller = Teller(record)
    plan = plan_of(scenario, seed)
    cast = cast_of(scenario, seed)
    network = record.network = populate(plan, teller)
    stage = EngineStage(network, teller, cast.hostile, snapshots=_goes_back(scenario))
    ground = Ground(
        scenario=scenario,
        genesis=plan.genesis,
        nodes=cast.names,
        authors=tuple(
            (name, author(plan.spec, name).document().id.hex()) for name in plan.spec.author_names
        ),
        hostile=cast.hostile,
    )
    async with trio.open_nursery() as nursery:
        director = Director(Script(scenario, seed, cast, ground, plan.spec), stage, record)
        await nursery.start(stage.run)
        performance = await director.perform()
        nursery.cancel_scope.cancel()
    return performance, record.seen, record.elapsed_s()


def plan_of(scenario: Scenario, seed: int) -> Plan:
    """The network of a scenario. Keys follow from its name, not from the run's seed."""
    net = scenario.net
    spec = LaunchSpec(
        name=scenario.name,
        nodes=min(net.nodes, NODES_MAX),
        authorities=net.authorities,
        block_ms=net.block_ms,
        consensus=net.consensus,
        wiring=net.wiring if net.nodes <= FULL_NODES_MAX else Wiring.DISCOVER,
    )
    genesis = make_genesis(spec, EPOCH_MS)
    cast = cast_of(scenario, seed)
    return Plan(
        spec=spec,
        genesis=replace(genesis, genesis_time_ms=EPOCH_MS + LEAD_MS - genesis.slot_ms),
        epoch_ms=EPOCH_MS,
        seed=seed,
        cities=dict(cast.cities),
        latency=net.latency,
        wires=wires_of(scenario, spec.seed),
        uplinks_bps=dict(uplinks_of(scenario, seed)),
    )


def wires_of(scenario: Scenario, seed: int) -> Wires:
    """Who dials whom: as in a testnet, or at random where there are more nodes than those have."""
    net = scenario.net
    names = tuple(f"n{number}" for number in range(1, net.nodes + 1))
    if net.nodes > MANY and net.wiring in (Wiring.DISCOVER, Wiring.RANDOM):
        wired = ring_and_random(names, MANY_DIALS, seed)
        return Wires(wired, explore=False, outbound_target=MANY_DIALS, inbound_max=INBOUND_MAX)
    explore = net.wiring is Wiring.DISCOVER
    return Wires(
        dials(names, net.wiring, seed),
        explore=explore,
        outbound_target=DISCOVER_OUTBOUND,
        inbound_max=max(NODES_MAX, net.nodes),
    )


def _goes_back(scenario: Scenario) -> bool:
    return any(
        isinstance(fault.kind, Kill) and fault.kind.data in ("rolled-back", "partial")
        for fault in scenario.faults
    )
