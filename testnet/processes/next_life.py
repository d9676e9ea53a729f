"""What a node's next life begins with: files that were damaged meanwhile, and mistakes of people.

It runs in the node's own process, before anything is opened.
"""

import time
from dataclasses import replace
from pathlib import Path

from p2p.config import NodeConfig
from p2p.process import decode_genesis
from testnet.directory import NetDirectory
from testnet.faults.disk import BitRot, PowerCut
from testnet.faults.people import OldBackup, StaleConfig, WrongGenesis
from testnet.faults.process import Kill
from testnet.processes.surgery import PEERS, lose_newest, restore, rot, wipe
from testnet.scenario.streams import stream
from testnet.stage import Act

ROTTEN = "rotten"
"""A file in the folder of a node whose store may have rotten: it may be repaired."""

NOBODY = "ws://127.0.0.1:9"
"""The discard port: nothing listens there on any machine of today."""

WRONG_GENESIS = "wrong-genesis.cbor"
NETWORK_MAX = 32


def prepare(
    directory: NetDirectory, name: str, acts: tuple[Act, ...], config: NodeConfig
) -> NodeConfig:
    """Do to the node's files what the acts are, in order; the configuration it starts with."""
    for act in acts:
        _operate(directory, name, act)
        config = _mistaken(directory, name, act, config)
    return config


def repair(folder: Path) -> None:
    """What an operator does who is told that the data are damaged: begin anew.

    Only where a fault has damaged them: any other damage is a finding.
    """
    if (folder / ROTTEN).exists():
        (folder / ROTTEN).unlink()
        wipe(folder)


def _operate(directory: NetDirectory, name: str, act: Act) -> None:
    folder, rng = directory.node(name), stream(act.seed, "disk", name)
    match act.kind:
        case Kill(data="wiped"):
            wipe(folder)
        case Kill(data="rolled-back", age_ms=age_ms) | OldBackup(age_ms):
            now_ms = time.time_ns() // 1_000_000
            restore(folder, directory.backups(name), now_ms - age_ms)
        case Kill(data="partial") | PowerCut():
            lose_newest(folder, rng)
        case BitRot(flips):
            (folder / ROTTEN).touch()
            rot(folder, flips, rng)
        case _:
            pass  # it finds its files as it has left them


def _mistaken(directory: NetDirectory, name: str, act: Act, config: NodeConfig) -> NodeConfig:
    match act.kind:
        case StaleConfig():
            (directory.node(name) / PEERS).unlink(missing_ok=True)
            return replace(config, bootstrap=(NOBODY,))
        case WrongGenesis():
            genesis = decode_genesis(directory.genesis.read_bytes())
            other = replace(genesis, network=f"not-{genesis.network}"[:NETWORK_MAX].rstrip("-"))
            path = directory.node(name) / WRONG_GENESIS
            path.write_bytes(other.encode())
            return replace(config, genesis=path, genesis_hash=other.hash)
        case _:
            return config
