"""Runs the same plan on py-libp2p, as a process of an interpreter that has it."""

import json
import math
import re
import subprocess
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testnet.bench.conductor import PATIENCE_S, Load, Loads
from testnet.bench.figures import GossipFigures, Meters, Phase, Traffic, phase_of
from testnet.bench.plan import GossipPlan
from testnet.bench.sizes import Mint
from testnet.errors import LaunchFailure, Unfit
from testnet.founding import make_genesis
from testnet.spec import LaunchSpec

SCRIPT = Path(__file__).with_name("libp2p_peer.py")
PROBE = "import libp2p, multiaddr, psutil, trio; from importlib.metadata import version; "
PROBE += "print(version('libp2p'))"
PROBE_S = 60.0
VERSION = re.compile(r"\d[\w.+-]{0,31}")
START_S = 120.0
"""Hosts come up and are linked one by one: a second for each of sixty-four, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Rival:
    """An interpreter that has py-libp2p of this version."""

    python: str
    version: str


def find_rival(python: str | None) -> Rival:
    """py-libp2p of that interpreter, or of this one. Raises Unfit, saying how to get it."""
    chosen = python or sys.executable
    try:
        done = subprocess.run(
            [chosen, "-c", PROBE], capture_output=True, text=True, check=False, timeout=PROBE_S
        )
    except OSError as error:
        raise Unfit("no-python", f"{chosen} does not run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise Unfit("no-python", f"{chosen} says nothing for {PROBE_S:.0f} s") from error
    if not done.returncode and not VERSION.fullmatch(done.stdout.strip()):
        raise Unfit(
            "no-python", f"{chosen} is no Python: it ran, and names no version of py-libp2p"
        )
    if done.returncode:
        raise Unfit(
            "no-libp2p",
            f"{chosen} has no py-libp2p: `pip install 'cornerstone[libp2p]'`, or `pip install "
            "libp2p psutil` in an environment of its own and --python PATH of its interpreter",
        )
    return Rival(chosen, done.stdout.strip())


def run_rival(
    rival: Rival, plan: GossipPlan, enlarged: bool, tell: Callable[[str], None]
) -> GossipFigures:
    """Carry out one plan. Raises LaunchFailure when the nodes do not survive it."""
    phases = phases_of(plan)
    system = f"py-libp2p {rival.version}, {'enlarged' if enlarged else 'stock'}"
    tell(system)
    patience_s = sum(load.lasts_s + PATIENCE_S for load in phases) + plan.idle_s + START_S
    try:
        done = subprocess.run(
            [rival.python, str(SCRIPT)],
            input=json.dumps(order_of(plan, phases, enlarged)),
            capture_output=True,
            text=True,
            check=False,
            timeout=patience_s,
        )
    except subprocess.TimeoutExpired:
        raise LaunchFailure(
            f"{system}, N = {plan.nodes}: no end after {patience_s:.0f} s"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise LaunchFailure(f"{system}, N = {plan.nodes}: it fell ({last[:200]})")
    return figures_of(system, plan, phases, json.loads(done.stdout))


def phases_of(plan: GossipPlan) -> tuple[Load, ...]:
    """The very phases that our nodes go through; the messages are the script's own."""
    spec = LaunchSpec("bench", plan.seed)
    loads = Loads(plan, Mint(spec, make_genesis(spec, 0), plan.size))
    return loads.unloaded(), loads.steady(), loads.burst()


def order_of(plan: GossipPlan, phases: tuple[Load, ...], enlarged: bool) -> dict[str, Any]:
    """The plan as the script reads it."""
    return {
        "enlarged": enlarged,
        "dials": plan.dials(),
        "size": plan.size,
        "idle_s": plan.idle_s,
        "phases": [
            {
                "total": len(load.ids),
                "lasts_s": load.lasts_s,
                "patience_s": PATIENCE_S,
                "issues": [
                    {
                        "node": issue.node,
                        "at_s": issue.at_s,
                        "first": issue.first,
                        "count": len(issue.raws),
                    }
                    for issue in load.issues
                ],
            }
            for load in phases
        ],
    }


def figures_of(
    system: str, plan: GossipPlan, phases: tuple[Load, ...], found: dict[str, Any]
) -> GossipFigures:
    """The script's meters as figures."""
    unloaded, steady, burst = (
        _phase(plan, load, one) for load, one in zip(phases, found["phases"], strict=True)
    )
    return GossipFigures(
        system=system,
        nodes=plan.nodes,
        links=found["links"] // 2,
        linked_s=found["linked_s"],
        idle_cpu_ms=1e3 * found["idle_cpu_s"] / plan.idle_s / plan.nodes,
        unloaded=unloaded,
        steady=steady,
        burst=burst,
        disconnects=found["links_lost"],
        bans=0,
        resident_mb=found["resident"] / 1e6,
        peak_mb=found["peak"] / 1e6,
    )


def _phase(plan: GossipPlan, load: Load, found: dict[str, Any]) -> Phase:
    meters = Meters(
        cpu_s=found["cpu_s"],
        bytes_in=found["bytes"],
        bodies=found["bodies"],
        announced=found["announced"],
        frames=math.nan,  # its streams have none
    )
    published = {
        number: at_s for number, at_s in enumerate(found["published"]) if not math.isnan(at_s)
    }
    accepted = {node: array("d", times) for node, times in enumerate(found["accepted"])}
    return phase_of(Traffic(plan.size, load.publisher, published, accepted), meters)
