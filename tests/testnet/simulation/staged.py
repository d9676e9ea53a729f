"""A small network in virtual time without a director: a test begins and ends acts by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from testnet.conditions import spec_of
from testnet.recorder import Recorder
from testnet.scenario.source import parse_scenario
from testnet.simulation.machine import Machine
from testnet.simulation.run import genesis_of, machine_for, setting_of
from testnet.simulation.scheduler import run_in_virtual_time
from testnet.simulation.stage import SimStage

SCENARIO = """
scenario = 1
name = "staged"
duration = "60s"
[net]
nodes = 3
"""
SEED = 1


@dataclass(frozen=True, slots=True)
class Theatre:
    """The stage, what stands on it, and what it told."""

    stage: SimStage
    machines: tuple[Machine, ...]
    record: Recorder


def on_stage(play: Callable[[Theatre], Awaitable[None]], *, backups: bool = False) -> None:
    """Runs a play on a network whose nodes all serve."""

    async def perform() -> None:
        scenario = parse_scenario(SCENARIO)
        spec, record = spec_of(scenario), Recorder()
        setting = setting_of(scenario, SEED, genesis_of(scenario, spec), record, {})
        machines = tuple(machine_for(setting, spec, scenario, n, ()) for n in spec.node_names)
        stage = SimStage(machines, setting, backups=backups)
        async with trio.open_nursery() as nursery:
            await nursery.start(stage.run)
            await play(Theatre(stage, machines, record))
            nursery.cancel_scope.cancel()

    run_in_virtual_time(perform, SEED)
