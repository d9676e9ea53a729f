"""What a scenario asks of its network: the testnet itself, latencies by city, and uplinks."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnet.errors import LaunchFailure
from testnet.faults.kinds import Kind
from testnet.faults.people import OldBackup
from testnet.faults.process import Kill
from testnet.latency import profile
from testnet.scenario.casting import cast_of, uplinks_of
from testnet.scenario.model import Scenario
from testnet.spec import LaunchSpec
from testnet.weather import Conditions, Weather

NONE = "none"


@dataclass(frozen=True, slots=True)
class NetConditions:
    """`latency` names a profile or is a delay; the pairs are (node, city) and (node, bits/s)."""

    latency: str = NONE
    cities: tuple[tuple[str, str], ...] = ()
    uplinks_bps: tuple[tuple[str, int], ...] = ()
    seed: int = 0
    backups: bool = False  # whether nodes keep what their stores were

    def weather(self) -> Weather:
        """The weather without any fault."""
        lines = lines_of(self.latency, dict(self.cities))
        return Weather(lines, dict(self.uplinks_bps), self.seed)


def spec_of(scenario: Scenario) -> LaunchSpec:
    """The testnet of a scenario. Keys follow from its name, not from the run's seed."""
    net = scenario.net
    return LaunchSpec(
        name=scenario.name,
        nodes=net.nodes,
        authorities=net.authorities,
        block_ms=net.block_ms,
        consensus=net.consensus,
        wiring=net.wiring,
        durability=net.durability,
    )


def conditions_of(scenario: Scenario, seed: int) -> NetConditions:
    """The conditions a scenario gives its network, with one seed."""
    cities = cast_of(scenario, seed).cities
    uplinks, backups = uplinks_of(scenario, seed), needs_backups(scenario)
    return NetConditions(scenario.net.latency, cities, uplinks, seed, backups)


def needs_backups(scenario: Scenario) -> bool:
    """Whether some fault brings old data back."""
    return any(wants_backups(fault.kind) for fault in scenario.faults)


def wants_backups(kind: Kind) -> bool:
    """Whether a fault brings old data back."""
    return isinstance(kind, OldBackup) or (isinstance(kind, Kill) and kind.data == "rolled-back")


def lines_of(latency: str, cities: dict[str, str]) -> Conditions:
    """One-way latency and jitter between nodes, in seconds, by the cities they are in."""
    measured = profile(latency)
    known: dict[tuple[str, str], tuple[float, float]] = {}

    def between(src: str, dst: str) -> tuple[float, float]:
        line = cities.get(src, ""), cities.get(dst, "")
        found = known.get(line)
        if found is None:
            found = known[line] = (
                measured.one_way_ms(*line) / 1_000,
                measured.jitter_ms(*line) / 1_000,
            )
        return found

    return between


def save_conditions(path: Path, conditions: NetConditions) -> None:
    """Write the file that the nodes of a testnet read."""
    value = {
        "latency": conditions.latency,
        "cities": dict(conditions.cities),
        "uplinks_bps": dict(conditions.uplinks_bps),
        "seed": conditions.seed,
        "backups": conditions.backups,
    }
    path.write_text(json.dumps(value, indent=2) + "\n")


def load_conditions(path: Path) -> NetConditions:
    """Reads it; none where there is no file. Raises LaunchFailure when it is damaged."""
    if not path.exists():
        return NetConditions()
    try:
        value: Any = json.loads(path.read_text())
        return NetConditions(
            latency=str(value["latency"]),
            cities=tuple((str(name), str(city)) for name, city in value["cities"].items()),
            uplinks_bps=tuple((str(n), int(bps)) for n, bps in value["uplinks_bps"].items()),
            seed=int(value["seed"]),
            backups=bool(value["backups"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LaunchFailure(f"{path} cannot be used: {error!r}") from error
