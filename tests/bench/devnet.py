"""A development chain of one node, fed signed transfers over its API until all are included."""

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from chain.genesis import Genesis
from p2p.accounts import Account, load_account
from p2p.api.client import Client
from testnet.senders import LoadKind, Sender
from tests.live import running_testnet

TRANSFERS = 10_000
BATCH = 1_000
SENDERS = 50
TIMEOUT_S = 120.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class DevnetFigure:
    """Transactions per second from the first request to the last inclusion; the node's CPU."""

    transactions: int
    transactions_per_s: float
    cpu_ms: float
    resident_mb: float


def signed_transfers(genesis: Genesis, accounts: list[Account]) -> list[bytes]:
    """Transfers in a circle, signed before the clock starts: clients sign on their own machines."""
    senders = [Sender(a.signing_key(), a.did, genesis.hash, 0) for a in accounts]
    code = genesis.currencies[0].code
    expiry = genesis.parameters.expiry_slots_max
    raws: list[bytes] = []
    for number in range(TRANSFERS):
        sender = senders[number % len(senders)]
        to = accounts[(number + 1) % len(accounts)].did
        raws.append(sender.sign(LoadKind.TRANSFER, to, code, expiry).raw)
    return raws


def measure_devnet() -> DevnetFigure:
    """One authority, one-second slots."""
    with running_testnet("bench-devnet", 1) as up:
        genesis = Genesis.decode(Path(up["genesis"]).read_bytes())
        files = sorted((Path(up["dir"]) / "accounts").glob("*.json"))
        accounts = [load_account(path) for path in files][:SENDERS]
        raws = signed_transfers(genesis, accounts)
        process = psutil.Process(up["nodes"][0]["pid"])
        with Client(up["nodes"][0]["api"]) as node:
            before = process.cpu_times()
            start = time.perf_counter()
            for first in range(0, TRANSFERS, BATCH):
                verdicts = node.submit_many(raws[first : first + BATCH])
                refused = [verdict for verdict in verdicts if verdict.status == "refused"]
                assert not refused, refused[0]
            height, included = 0, 0
            while included < TRANSFERS:
                assert time.perf_counter() - start < TIMEOUT_S, f"{included} included"
                for block in reversed(node.blocks(limit=100)):
                    if block.height > height:
                        height = block.height
                        included += block.transaction_count
                time.sleep(POLL_S)
            took_s = time.perf_counter() - start
            after = process.cpu_times()
        spent = after.user + after.system - before.user - before.system
        resident = process.memory_info().rss / 1e6
    return DevnetFigure(TRANSFERS, TRANSFERS / took_s, spent / TRANSFERS * 1000, resident)
