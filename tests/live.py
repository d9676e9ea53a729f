"""Real testnets for tests and benchmarks, driven by the same commands that users type."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
POLL_S = 0.25


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a `cornerstone` command as a process of its own."""
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def cornerstone(*arguments: str) -> Any:
    """Run a command with --json and read what it prints; its refusal fails the test."""
    done = run(*arguments, "--json")
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
    return json.loads(done.stdout)


@contextmanager
def running_testnet(name: str, nodes: int, *options: str) -> Iterator[Any]:
    """A running testnet; stopped afterwards. The object is that of `testnet up --json`."""
    up = cornerstone(
        "testnet", "up", "--nodes", str(nodes), "--name", name, "--detach", "--replace", *options
    )
    try:
        yield up
    finally:
        cornerstone("testnet", "down", name)


@contextmanager
def loaded(name: str, rate: int, seconds: int) -> Iterator[None]:
    """A testnet under load while the block runs, at most for so long."""
    command = ("testnet", "load", name, "--rate", str(rate), "--for", f"{seconds}s", "--json")
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *command], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.kill()


def until(what: str, met: Callable[[], bool], within_s: float) -> float:
    """Wait for a condition of the outside world; the seconds it took."""
    start = time.monotonic()
    while not met():
        took_s = time.monotonic() - start
        assert took_s < within_s, f"after {took_s:.0f} s still not: {what}"
        time.sleep(POLL_S)
    return time.monotonic() - start


def status(name: str) -> Any:
    """The object of `testnet status --json`."""
    return cornerstone("testnet", "status", name)


def converged(name: str, running: int, above: int = 0) -> bool:
    """Whether that many nodes run and share one chain beyond a height, down to the state."""
    now = status(name)
    alive = [node for node in now["nodes"] if node["running"]]
    return (
        len(alive) == running
        and bool(now["converged"])
        and now["common_height"] > above
        and len({node["height"] for node in alive}) <= 2
    )
