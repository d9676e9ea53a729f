"""How far the final block is behind the head: seven authorities as processes, under load."""

import subprocess
import sys
import time
from dataclasses import dataclass

from p2p.api.client import Client
from tests.live import ROOT, running_testnet, until

NAME = "bench-finality"
AUTHORITIES = 7
RATE = 500
LOAD_S = 60
SAMPLE_S = 0.2
BEGUN_S = 60.0
SETTLED_SLOTS = 3


@dataclass(frozen=True, slots=True)
class FinalityFigure:
    """Slots between the head and the newest final block, over all samples of all nodes.

    `included_per_s` is what the blocks of the run carried.
    """

    samples: int
    p50: int
    p99: int
    worst: int
    included_per_s: float


def measure_finality() -> FinalityFigure:
    """One-second slots, transfers over all nodes."""
    with running_testnet(NAME, AUTHORITIES) as up:
        clients = [Client(node["api"]) for node in up["nodes"]]
        until("finality near the head everywhere", lambda: _settled(clients), BEGUN_S)
        before = clients[0].status().height
        load = subprocess.Popen(
            [
                *(sys.executable, "-m", "cli", "testnet", "load", NAME),
                *("--rate", str(RATE), "--for", f"{LOAD_S}s", "--json"),
            ],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        began = time.monotonic()
        lags: list[int] = []
        while time.monotonic() - began < LOAD_S:
            lags += [_lag(client) for client in clients]
            time.sleep(SAMPLE_S)
        took_s = time.monotonic() - began
        included = _included(clients[0], before)
        if load.wait() != 0:
            raise RuntimeError(f"the load of {RATE}/s ended with {load.returncode}: see above")
        for client in clients:
            client.close()
    lags.sort()
    return FinalityFigure(
        samples=len(lags),
        p50=lags[len(lags) // 2],
        p99=lags[len(lags) * 99 // 100],
        worst=lags[-1],
        included_per_s=included / took_s,
    )


def _settled(clients: list[Client]) -> bool:
    """Whether the start is over: the first final blocks may be long before the head."""
    return all(
        client.status().finalized_height > 0 and _lag(client) <= SETTLED_SLOTS for client in clients
    )


def _lag(client: Client) -> int:
    status, finality = client.status(), client.finality()
    return max(0, status.head_slot - finality.epoch)


def _included(client: Client, above: int) -> int:
    blocks = client.blocks(limit=100)
    return sum(block.transaction_count for block in blocks if block.height > above)
