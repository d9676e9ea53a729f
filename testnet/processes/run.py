"""Runs a scenario on real processes: launched, played, judged, and always taken down again."""

import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from chain.primitives.errors import Refusal
from p2p.process import decode_genesis
from testnet.checkers.checker import Ground
from testnet.checkers.figures import figures
from testnet.conditions import conditions_of, save_conditions, spec_of
from testnet.control import ControlConnection, Request, Verb, is_running
from testnet.director import Director, Performance, Script, verdict_of
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure, Unfit
from testnet.founding import author, found
from testnet.groups import ungrouped
from testnet.launcher import (
    STOP_TIMEOUT_S,
    await_ready,
    create,
    spawn_supervisor,
    start_nodes,
    stop,
)
from testnet.nodeapi import NodeApi, open_client
from testnet.observation import Seen, digest_of
from testnet.outcome import Outcome
from testnet.processes.stage import ProcessStage, Site
from testnet.recorder import Recorder
from testnet.scenario.casting import cast_of
from testnet.scenario.model import Scenario, Tier
from testnet.scenario.swarm import drawn
from testnet.spec import LaunchSpec
from testnet.views import Snapshot

PREFIX = "cornerstone-run-"


def run_on_processes(scenario: Scenario, seed: int, *, home: Path | None = None) -> Outcome:
    """Play one seed on a testnet of its own, in `home` or in a folder that is deleted afterwards.

    No process is left, whatever happens. Raises Unfit for a scenario that cannot be, LaunchFailure
    when the machine cannot.
    """
    played = drawn(scenario, seed)
    began_s = time.perf_counter()
    with ExitStack() as opened:
        if home is None:
            home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
        for kind in (Refusal, LaunchFailure):
            opened.enter_context(ungrouped(kind))
        performance, seen, lasted_s = trio.run(_perform, played, seed, home)
    return Outcome(
        scenario=scenario,
        seed=seed,
        tier=Tier.PROCESS,
        verdict=verdict_of(performance.violations),
        digest=digest_of(seen),
        violations=performance.violations,
        probes=performance.probes,
        inert=performance.inert,
        figures=figures(seen, performance.ending),
        virtual_s=lasted_s,
        wall_s=time.perf_counter() - began_s,
        seen=tuple(seen),
    )


@dataclass(frozen=True, slots=True)
class _Launched:
    directory: NetDirectory
    snapshot: Snapshot


async def _perform(
    scenario: Scenario, seed: int, home: Path
) -> tuple[Performance, list[Seen], float]:
    spec = spec_of(scenario)
    cast = cast_of(scenario, seed)
    async with _launched(scenario, seed, spec, home) as net, open_client() as client:
        genesis = decode_genesis(net.directory.genesis.read_bytes())
        record = Recorder()
        site = Site(net.directory, genesis, NodeApi(client), cast.hostile)
        stage = ProcessStage(site, net.snapshot, record)
        ground = Ground(
            scenario=scenario,
            genesis=genesis,
            nodes=spec.node_names,
            authors=tuple(
                (name, author(spec, name).document().id.hex()) for name in spec.author_names
            ),
            hostile=cast.hostile,
        )
        async with trio.open_nursery() as nursery:
            director = Director(Script(scenario, seed, cast, ground, spec), stage, record)
            await nursery.start(stage.run)
            performance = await director.perform()
            nursery.cancel_scope.cancel()
    return performance, record.seen, record.elapsed_s()


@asynccontextmanager
async def _launched(
    scenario: Scenario, seed: int, spec: LaunchSpec, home: Path
) -> AsyncIterator[_Launched]:
    """A testnet that is ready; its supervisor ends it when this process does."""
    directory = create(home / "testnets", spec, replace=True)
    save_conditions(directory.conditions, conditions_of(scenario, seed))
    process = spawn_supervisor(directory)
    try:
        launch = partial(_launch, directory, spec, process)
        connection, snapshot = await trio.to_thread.run_sync(launch, abandon_on_cancel=True)
        with connection:
            yield _Launched(directory, snapshot)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(_take_down, directory, process)


def _launch(
    directory: NetDirectory, spec: LaunchSpec, process: "subprocess.Popen[bytes]"
) -> tuple[ControlConnection, Snapshot]:
    found(directory, spec, time.time_ns() // 1_000_000)
    connection = start_nodes(directory, process)
    connection.ask(Request(Verb.ATTACH))
    await_ready(directory, connection, lambda _: None)
    return connection, connection.ask(Request(Verb.SHOW))


def _take_down(directory: NetDirectory, process: "subprocess.Popen[bytes]") -> None:
    """End the supervisor, which ends its children, or the kernel does (see testnet.child)."""
    if is_running(directory):
        with suppress(Unfit, LaunchFailure):  # that it has ended by itself is as good
            stop(directory)
    else:
        process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
