"""Runs a scenario in virtual time: one seed in, one outcome out, always the same."""

import gc
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from chain.genesis import Genesis
from chain.primitives.errors import Refusal
from chain.primitives.keys import SignatureCheck
from chain.store import Durability
from p2p.config import NodeConfig, VotePolicy
from p2p.peers.peer import PeerId
from testnet.checkers.checker import Ground
from testnet.checkers.figures import figures
from testnet.conditions import conditions_of, needs_backups, spec_of
from testnet.confirming import Scrutineer
from testnet.director import Director, Performance, Script, verdict_of
from testnet.founding import author, make_genesis, node_key
from testnet.groups import ungrouped
from testnet.nodefile import DISCOVER_OUTBOUND, FEELER_S
from testnet.observation import Seen, digest_of
from testnet.outcome import Outcome, Verdict, Violation
from testnet.recorder import Recorder
from testnet.rig.rig import Acquaintance
from testnet.scenario.casting import cast_of
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.streams import stream
from testnet.scenario.swarm import drawn
from testnet.simulation.disk import SimDisk
from testnet.simulation.machine import Equipment, Machine, Setting
from testnet.simulation.scheduler import run_in_virtual_time
from testnet.simulation.stage import SimStage
from testnet.simulation.wire import Wire, address_of
from testnet.spec import NODES_MAX, LaunchSpec, Wiring
from testnet.topology import dials

EPOCH_MS = 1_800_000_000_000
"""Every simulation starts at the same wall time: a run is a function of its seed alone."""

LEAD_MS = 1_500
"""Slot 1 begins so long after the start: time for the nodes to find each other."""


def simulate(
    scenario: Scenario,
    seed: int,
    *,
    strict: bool = False,
    until_s: float | None = None,
    signatures: dict[SignatureCheck, bool] | None = None,
) -> Outcome:
    """Run one seed. `strict` fails on inert faults; `until_s` stops early, without final checks.

    `signatures` is a cache that runs of one process may share. Raises Unfit for a scenario that
    cannot be.
    """
    played = drawn(scenario, seed)
    began_s = time.perf_counter()
    cache = {} if signatures is None else signatures
    gc.freeze()
    try:
        with ungrouped(Refusal):
            performance, seen, virtual_s = run_in_virtual_time(
                partial(_perform, played, seed, until_s, cache), seed
            )
    finally:
        gc.unfreeze()
    violations = list(performance.violations)
    if strict:
        violations += [_inert(fault, virtual_s) for fault in performance.inert]
    return Outcome(
        scenario=scenario,
        seed=seed,
        tier=Tier.NODE,
        verdict=verdict_of(violations),
        digest=digest_of(seen),
        violations=tuple(violations),
        probes=performance.probes,
        inert=performance.inert,
        figures=figures(seen, performance.ending),
        virtual_s=virtual_s,
        wall_s=time.perf_counter() - began_s,
        seen=tuple(seen),
    )


async def _perform(
    scenario: Scenario, seed: int, until_s: float | None, signatures: dict[SignatureCheck, bool]
) -> tuple[Performance, list[Seen], float]:
    if until_s is not None:
        scenario = replace(scenario, duration_ms=min(scenario.duration_ms, round(until_s * 1_000)))
    record = Recorder()
    spec = spec_of(scenario)
    genesis = genesis_of(scenario, spec)
    cast = cast_of(scenario, seed)
    setting = setting_of(scenario, seed, genesis, record, signatures)
    machines = [
        machine_for(setting, spec, scenario, name, cast.hostile) for name in spec.node_names
    ]
    stage = SimStage(machines, setting, backups=needs_backups(scenario))
    ground = Ground(
        scenario=scenario,
        genesis=genesis,
        nodes=spec.node_names,
        authors=tuple((name, author(spec, name).document().id.hex()) for name in spec.author_names),
        hostile=cast.hostile,
    )
    async with trio.open_nursery() as nursery:
        script = Script(scenario, seed, cast, ground, spec, cut_short=until_s is not None)
        director = Director(script, stage, record)
        await nursery.start(stage.run)
        performance = await director.perform()
        nursery.cancel_scope.cancel()
    return performance, record.seen, record.elapsed_s()


def genesis_of(scenario: Scenario, spec: LaunchSpec) -> Genesis:
    """The genesis of a simulation; slot 1 begins LEAD_MS after the start."""
    genesis = make_genesis(spec, EPOCH_MS)
    return replace(genesis, genesis_time_ms=EPOCH_MS + LEAD_MS - genesis.slot_ms)


def setting_of(
    scenario: Scenario,
    seed: int,
    genesis: Genesis,
    record: Recorder,
    signatures: dict[SignatureCheck, bool],
) -> Setting:
    """What the machines share."""
    spec = spec_of(scenario)
    weather = conditions_of(scenario, seed).weather()
    names = {PeerId(node_key(spec, name).public): name for name in spec.node_names}
    addresses = {name: address_of(name) for name in spec.node_names}
    return Setting(
        genesis=genesis,
        wire=Wire(weather, stream(seed, "wire")),
        signatures=signatures,
        audience=record,
        acquaintance=Acquaintance(names, addresses),
        scrutineer=Scrutineer(record),
        seed=seed,
        epoch_ms=EPOCH_MS,
    )


def machine_for(
    setting: Setting, spec: LaunchSpec, scenario: Scenario, name: str, hostile: tuple[str, ...]
) -> Machine:
    """One node's machine: its configuration, keys, disk."""
    known = dials(spec.node_names, spec.wiring, spec.seed)[name]
    explore = spec.wiring is Wiring.DISCOVER
    config = NodeConfig(
        name=name,
        data_dir=Path(),
        genesis=Path(),
        genesis_hash=setting.genesis.hash,
        listen=address_of(name),
        bootstrap=tuple(address_of(other) for other in known),
        explore=explore,
        outbound_target=DISCOVER_OUTBOUND if explore else len(known),
        inbound_max=NODES_MAX,
        feeler_s=FEELER_S,
        durability=scenario.net.durability.value,
        vote=VotePolicy.IF_SAFE,
    )
    organisation = author(spec, name) if name in spec.author_names else None
    return Machine(
        setting,
        Equipment(
            config=config,
            identity=node_key(spec, name),
            author=None if organisation is None else organisation.author(),
            disk=SimDisk(Durability(scenario.net.durability.value)),
            honest=name not in hostile,
        ),
    )


def _inert(fault: str, at_s: float) -> Violation:
    return Violation(
        check="faults-visible",
        verdict=Verdict.LIVENESS,
        at_s=at_s,
        nodes=(),
        height=0,
        statement=f"the fault {fault!r} hit nothing; aim it elsewhere, or remove it",
    )
