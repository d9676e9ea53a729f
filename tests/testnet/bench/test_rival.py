"""Comparing with py-libp2p: what the script is told, how its meters are read, what is refused."""

import ast
import json
import math
from pathlib import Path

import pytest

from testnet.bench.plan import GossipPlan
from testnet.bench.rival import (
    SCRIPT,
    Rival,
    figures_of,
    find_rival,
    order_of,
    phases_of,
    run_rival,
)
from testnet.errors import LaunchFailure, Unfit

PLAN = GossipPlan(3, burst=2, unloaded=1, rate=1.0, steady_s=1.0, idle_s=2.0)


def interpreter(folder: Path, script: str) -> str:
    """A program that answers as an interpreter would."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_py_libp2p_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match=r"pip install 'cornerstone\[libp2p\]'"):
        find_rival(interpreter(tmp_path, "exit 1"))
    with pytest.raises(Unfit, match="does not run"):
        find_rival(str(tmp_path / "nothing"))


@pytest.mark.parametrize("script", ["exit 0", "echo hello", "echo 0.8.1; echo 0.8.2"])
def test_a_program_that_is_no_python_is_found_out_before_anything_is_measured(
    tmp_path: Path, script: str
) -> None:
    with pytest.raises(Unfit, match="is no Python"):
        find_rival(interpreter(tmp_path, script))


def test_the_version_is_told(tmp_path: Path) -> None:
    assert find_rival(interpreter(tmp_path, "echo 0.8.1")).version == "0.8.1"


def test_one_that_falls_is_told_by_its_last_line(tmp_path: Path) -> None:
    python = interpreter(tmp_path, "cat > /dev/null; echo first >&2; echo the cause >&2; exit 3")
    with pytest.raises(LaunchFailure, match=r"0\.8\.1, stock, N = 3: it fell \(the cause\)"):
        run_rival(Rival(python, "0.8.1"), PLAN, False, print)


def test_the_script_is_told_the_same_graph_and_load() -> None:
    order = json.loads(json.dumps(order_of(PLAN, phases_of(PLAN), enlarged=True)))
    assert [tuple(others) for others in order["dials"]] == list(PLAN.dials())
    assert [phase["total"] for phase in order["phases"]] == [1, 1, 2]
    assert sum(issue["count"] for issue in order["phases"][2]["issues"]) == 2


def test_its_meters_are_read_as_ours_are() -> None:
    phase = {
        "cpu_s": 0.02,
        "bytes": 2_000,
        "bodies": 4,
        "announced": 0,
        "published": [1.0, 1.0],
        "accepted": [[1.0, 1.1], [1.1, 1.0], [1.2, math.nan]],
    }
    one = {**phase, "published": [1.0], "accepted": [[1.0], [1.1], [1.2]]}
    found = {
        "links": 6,
        "linked_s": 0.5,
        "idle_cpu_s": 0.006,
        "resident": 90e6,
        "phases": [one, one, phase],
        "links_lost": 1,
        "peak": 100e6,
    }
    run = figures_of("rival", PLAN, phases_of(PLAN), json.loads(json.dumps(found)))
    assert (run.links, run.linked_s, run.disconnects) == (3, 0.5, 1)
    assert (run.resident_mb, run.peak_mb) == (90, 100)
    assert math.isclose(run.idle_cpu_ms, 1.0)
    assert run.burst.delivered == 0.75
    assert math.isclose(run.unloaded.cpu_ms, 10.0)
    assert run.unloaded.copies == 2.0


def test_the_script_imports_nothing_of_ours() -> None:
    tree = ast.parse(SCRIPT.read_text())
    imported = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    ]
    assert not [
        name for name in imported if name and name.split(".")[0] in ("chain", "p2p", "testnet")
    ]
