"""Whole networks of real processes, driven by the same commands that users type."""

import time
from dataclasses import dataclass

import psutil

from tests.live import cornerstone, running_testnet


@dataclass(frozen=True, slots=True)
class StartFigure:
    """From the command to a common block on connected nodes; unique memory of a node."""

    nodes: int
    ready_s: float
    unique_mb: float


def measure_start(nodes: int) -> StartFigure:
    """The seconds include the interpreter's own start."""
    start = time.perf_counter()
    with running_testnet(f"bench-{nodes}", nodes) as up:
        ready_s = time.perf_counter() - start
        unique = [psutil.Process(node["pid"]).memory_full_info().uss for node in up["nodes"]]
    return StartFigure(nodes, ready_s, sum(unique) / len(unique) / 1e6)


@dataclass(frozen=True, slots=True)
class LoadFigure:
    """What a network included, and what a transaction costs each of its nodes."""

    nodes: int
    submitted: int
    included: int
    transactions_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    resident_mb: float


def measure_load(nodes: int, rate: int, seconds: int) -> LoadFigure:
    """`testnet load` against fresh nodes."""
    with running_testnet(f"bench-load-{nodes}", nodes) as up:
        processes = [psutil.Process(node["pid"]) for node in up["nodes"]]
        before = sum(_cpu_s(process) for process in processes)
        load = cornerstone(
            "testnet", "load", up["name"], "--rate", str(rate), "--for", str(seconds)
        )
        spent = sum(_cpu_s(process) for process in processes) - before
        resident = sum(process.memory_info().rss for process in processes) / nodes
    included = max(load["included"], 1)
    return LoadFigure(
        nodes,
        load["submitted"],
        load["included"],
        load["tps"],
        load["inclusion_ms"]["p50"],
        load["inclusion_ms"]["p99"],
        spent / nodes / included * 1000,
        resident / 1e6,
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
