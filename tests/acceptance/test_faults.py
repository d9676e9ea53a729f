"""What a network must survive: deaths, splits and sustained load, on real processes."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chain.genesis import Genesis
from p2p.api.client import Client
from tests.live import ROOT, converged, cornerstone, run, running_testnet, status, until

pytestmark = pytest.mark.slow


def height(api: str) -> int:
    with Client(api) as node:
        return node.status().height


def supplies(up: dict[str, object], name: str) -> dict[str, int]:
    """What all accounts of the genesis hold together, by the first node's word."""
    genesis = Genesis.decode(Path(str(up["genesis"])).read_bytes())
    nodes = status(name)["nodes"]
    assert nodes
    total = {currency.code: 0 for currency in genesis.currencies}
    with Client(up["nodes"][0]["api"]) as node:  # type: ignore[index]
        for identity in genesis.identities:
            for held in node.account(genesis.did(identity.id)).balances:
                total[held.code] += held.amount
    return total


def founded(up: dict[str, object]) -> dict[str, int]:
    genesis = Genesis.decode(Path(str(up["genesis"])).read_bytes())
    total = {currency.code: 0 for currency in genesis.currencies}
    for held in genesis.balances:
        total[held.code] += held.amount
    return total


def start_load(name: str, rate: int, seconds: int) -> "subprocess.Popen[str]":
    command = ["testnet", "load", name, "--rate", str(rate), "--for", str(seconds), "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_five_hundred_a_second_for_a_minute() -> None:
    with running_testnet("sustained", 4) as up:
        load = cornerstone("testnet", "load", "sustained", "--rate", "500", "--for", "60")
        print("\n", load)
        assert load["included"] == load["submitted"] == 30_000
        now = status("sustained")
        at = now["common_height"]
        roots = set()
        for node in up["nodes"]:
            with Client(node["api"]) as client:
                roots.add(client.block(at).state_root)
        assert len(roots) == 1
        assert supplies(up, "sustained") == founded(up)


def test_bootstrap_and_two_authorities_die_and_return() -> None:
    with running_testnet("deaths", 7) as up:
        cornerstone("testnet", "kill", "deaths", "n1", "n2", "n3")
        left = up["nodes"][3]["api"]
        before = height(left)
        until("the chain grows without them", lambda: height(left) >= before + 8, 60)
        assert converged("deaths", 4)
        cornerstone("testnet", "restart", "deaths", "n1", "n2", "n3")
        took_s = until("all share one chain", lambda: converged("deaths", 7, before + 8), 60)
        print(f"\nall seven converged {took_s:.1f} s after the restart")


def test_two_halves_for_a_minute_become_one_chain() -> None:
    with running_testnet("halves", 8) as up:
        sides = [up["nodes"][0]["api"], up["nodes"][4]["api"]]
        cornerstone("testnet", "split", "halves", "n1..n4/n5..n8")
        forked = [height(api) for api in sides]
        ids: list[str] = []
        for payer, payee in (("alice", "bob"), ("carol", "dave")) * 5:
            for api in sides:
                who = (payer, payee) if api == sides[0] else (payee, payer)
                done = run(
                    "tx", "transfer", "--testnet", "halves", "--api", api,
                    "--from", who[0], "--to", who[1], "--amount", "3", "--wait", "--json",
                )  # fmt: skip
                assert done.returncode == 0, done.stderr
                ids.append(done.stdout.split('"id": "')[1][:64])
        for api, start in zip(sides, forked, strict=True):
            until("both halves grow", lambda a=api, s=start: height(a) >= s + 25, 90)
        assert not status("halves")["converged"]
        cornerstone("testnet", "heal", "halves")
        took_s = until("one chain", lambda: converged("halves", 8), 90)
        print(f"\none chain {took_s:.1f} s after the heal")
        for api in sides:
            with Client(api) as node:
                for txid in ids:
                    assert node.wait(txid, 30).status == "included"
        assert supplies(up, "halves") == founded(up)


def test_fifty_sudden_deaths_under_load() -> None:
    rng = random.Random(50)
    with running_testnet("deaths50", 4) as up:
        victim = up["nodes"][2]["name"]
        load = start_load("deaths50", 100, 200)
        deaths = 0
        for _ in range(50):
            pid = _pid(victim, "deaths50")
            wait_s = rng.uniform(0.1, 1.5)
            until("a random moment", _elapsed(wait_s), 10)
            os.kill(pid, signal.SIGKILL)
            deaths += 1
            until("it is back by itself", lambda p=pid: _pid(victim, "deaths50") not in (0, p), 30)
        took_s = until("it has caught up", lambda: converged("deaths50", 4), 60)
        out, errors = load.communicate(timeout=400)
        assert load.returncode == 0, errors
        print(f"\n{deaths} deaths; converged {took_s:.1f} s after the last; load: {out.strip()}")
        assert supplies(up, "deaths50") == founded(up)


def _pid(node: str, name: str) -> int:
    for one in status(name)["nodes"]:
        if one["name"] == node and one["running"]:
            return int(one["pid"])
    return 0


def _elapsed(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
