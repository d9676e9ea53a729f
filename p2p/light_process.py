"""A light node as a process: its folder, its API, and the checkpoint it goes on from.

Files in the folder: `key`, `log.ndjson`, and `checkpoint`, the newest final header with its set. A
checkpoint that somebody put there before the first start is where the node begins.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import trio

from chain.lightclient import TrustedCheckpoint, decode_checkpoint
from chain.primitives.errors import Refusal
from p2p.api.light_app import light_app
from p2p.api.server import serve_app
from p2p.clock import SystemClock
from p2p.config import BadConfig, NodeConfig
from p2p.light_node import LightNode, LightParts
from p2p.net.transport import Transport
from p2p.net.websocket import WebSocketTransport
from p2p.observer import Observer
from p2p.peers.peer import PeerId
from p2p.process import load_genesis, load_identity, stop_on_sigterm
from p2p.status import NodeAddresses

CHECKPOINT = "checkpoint"
SAVE_S = 60.0
"""What a kill costs: at most two questions more at the next start."""


async def run_light(
    config: NodeConfig,
    started: Callable[[NodeAddresses], None],
    transport: Callable[[trio.Nursery], Transport] = WebSocketTransport,
) -> None:
    """Run a light node with its API until SIGTERM or cancellation.

    Raises Refusal for files that do not fit together, and for a network where nobody votes.
    """
    if not config.bootstrap:
        raise BadConfig("a light node needs the addresses of nodes to ask: bootstrap is empty")
    genesis, identity = load_genesis(config), load_identity(config.data_dir / "key")
    file = config.data_dir / CHECKPOINT
    with (config.data_dir / "log.ndjson").open("a", buffering=1) as log:
        observer = Observer(config.name, config.log_level, log)
        async with trio.open_nursery() as links:
            node = LightNode(
                LightParts(
                    name=config.name,
                    genesis=genesis,
                    identity=identity,
                    addresses=config.bootstrap,
                    transport=transport(links),
                    clock=SystemClock(),
                    rng=random.SystemRandom(),
                    observer=observer,
                    checkpoint=load_checkpoint(file),
                )
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stop_on_sigterm, nursery.cancel_scope)
                nursery.start_soon(node.run)
                app = light_app(node, observer)
                api: str = await nursery.start(
                    serve_app, app, observer, config.api_host, config.api_port
                )
                started(NodeAddresses("", api, PeerId(identity.public)))
                await _keep_checkpoint(node, file)
            links.cancel_scope.cancel()


async def _keep_checkpoint(node: LightNode, file: Path) -> None:
    try:
        while True:
            await trio.sleep(SAVE_S)
            save_checkpoint(file, node.client.checkpoint())
    finally:
        save_checkpoint(file, node.client.checkpoint())


def load_checkpoint(file: Path) -> TrustedCheckpoint | None:
    """Where to go on from, if there is a file. Raises BadConfig."""
    try:
        return decode_checkpoint(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, Refusal) as error:
        raise BadConfig(f"checkpoint {file}: {error}; remove it to begin at the genesis") from error


def save_checkpoint(file: Path, checkpoint: TrustedCheckpoint | None) -> None:
    """Keep a checkpoint; an earlier one stays where there is none of the set in force."""
    if checkpoint is None:
        return
    draft = file.with_suffix(".new")
    draft.write_bytes(checkpoint.encode())
    os.replace(draft, file)
