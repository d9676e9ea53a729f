"""A node as an operating system process: opens files, builds the parts, serves until SIGTERM.

Files in the node's folder: `key` (the identity's seed in hex), `db/` (the ledger), `peers` (the
address book), `log.ndjson`.
"""

import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import trio

from chain.consensus.engine import Author
from chain.consensus.finality.recovery import decode_recovery
from chain.consensus.selection import engine_of
from chain.genesis import Genesis
from chain.ledger import Ledger
from chain.primitives.did import parse_did
from chain.primitives.hashing import sha256
from chain.primitives.keys import SEED_BYTES, KeyPair
from chain.recovering import told
from chain.store import Durability, KeyValueStore, RocksStore
from chain.transactions.document import Purpose
from p2p.accounts import load_account
from p2p.api.app import Application
from p2p.api.server import serve_api
from p2p.bookfile import BookFile
from p2p.clock import Clock, SystemClock
from p2p.config import BadConfig, NodeConfig
from p2p.net.connection import Tap
from p2p.net.transport import Transport
from p2p.net.websocket import WebSocketTransport
from p2p.node import Node, NodeParts
from p2p.observer import Observer
from p2p.status import NodeAddresses
from p2p.vault import write_durably
from p2p.verifier import ThreadVerifier

# A verifier thread that has finished one signature waits for the interpreter until the loop's
# thread lets go: with Python's default of 5 ms a busy loop would starve it to 200 checks a second.
SWITCH_INTERVAL_S = 0.0005
# What a kill costs: the contacts of so long. The first save is early, for the anchors of a node
# that is killed soon after its start.
SAVE_PEERS_S = 60.0
SAVE_FIRST_S = 15.0

Companion = Callable[[Node], Awaitable[None]]


def open_ledger(genesis: Genesis, store: KeyValueStore) -> Ledger:
    """The ledger in a store, with the engine that its genesis names."""
    return Ledger(genesis, store, engine_of(genesis))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node runs in. The defaults are the real world; laboratories give it their own.

    A `companion` runs beside the node once it serves; an `application` built before saves building
    one.
    """

    clock: Clock = field(default_factory=SystemClock)
    transport: Callable[[trio.Nursery], Transport] = WebSocketTransport
    ledger: Callable[[Genesis, KeyValueStore], Ledger] = open_ledger
    tap: Tap | None = None
    companion: Companion | None = None
    application: Application | None = None


async def run_node(
    config: NodeConfig,
    started: Callable[[NodeAddresses], None],
    surroundings: Surroundings | None = None,
) -> None:
    """Run one node with its HTTP API until SIGTERM or cancellation; returns after a clean stop.

    `started` is called once, when peers and clients can connect. Raises Refusal for files that do
    not fit together (genesis hash, keys), StoreFailure when the database cannot be opened,
    LinkClosed or OSError when an address cannot be had.
    """
    around = surroundings or Surroundings()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    genesis = load_genesis(config)
    identity = load_identity(config.data_dir / "key")
    author = load_author(config)
    with ExitStack() as opened:
        log = opened.enter_context((config.data_dir / "log.ndjson").open("a", buffering=1))
        store = RocksStore(config.data_dir / "db", Durability(config.durability))
        opened.callback(store.close)
        ledger = around.ledger(genesis, store)
        observer = Observer(config.name, config.log_level, log)
        recover(config, ledger, around.clock, observer)
        peers = BookFile(config.data_dir / "peers", genesis.hash, observer)

        def node_on(transport: Transport) -> Node:
            return Node(
                NodeParts(
                    config=config,
                    identity=identity,
                    author=author,
                    ledger=ledger,
                    transport=transport,
                    clock=around.clock,
                    rng=random.SystemRandom(),
                    verifier=ThreadVerifier(),
                    observer=observer,
                    tap=around.tap,
                    remembered=peers.load(),
                )
            )

        await _serve(config, node_on, _Beside(started, around, peers))
        observer.log("info", "node-stopped", height=ledger.head.height)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What accompanies a running node: whom to tell, where it runs, where to keep its peers."""

    started: Callable[[NodeAddresses], None]
    around: Surroundings
    peers: BookFile


async def _serve(config: NodeConfig, node_on: Callable[[Transport], Node], beside: _Beside) -> None:
    """The links' nursery outlives the node, so that a stopping node can still say goodbye."""
    async with trio.open_nursery() as links:
        node = node_on(beside.around.transport(links))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop_on_sigterm, nursery.cancel_scope)
            address: str = await nursery.start(node.run)
            api: str = await nursery.start(
                serve_api, node, config.api_host, config.api_port, beside.around.application
            )
            beside.started(NodeAddresses(address, api, node.status().id))
            nursery.start_soon(_keep_peers, node, beside.peers)
            if beside.around.companion is not None:
                nursery.start_soon(beside.around.companion, node)
        links.cancel_scope.cancel()


async def stop_on_sigterm(scope: trio.CancelScope) -> None:
    """Cancel the scope when the process is asked to end."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()


async def _keep_peers(node: Node, peers: BookFile) -> None:
    try:
        await trio.sleep(SAVE_FIRST_S)
        while True:
            peers.save(node.remember())
            await trio.sleep(SAVE_PEERS_S)
    finally:
        peers.save(node.remember())


def load_genesis(config: NodeConfig) -> Genesis:
    """The genesis the configuration pins. Raises BadConfig, or Refusal when it is malformed."""
    try:
        data = config.genesis.read_bytes()
    except OSError as error:
        raise BadConfig(f"genesis {config.genesis}: cannot be read ({error.strerror})") from error
    found = sha256(data)
    if found != config.genesis_hash:
        raise BadConfig(
            f"genesis {config.genesis} has hash {found.hex()}, the configuration names "
            f"{config.genesis_hash.hex()}: use that network's file, or correct genesis_hash"
        )
    return decode_genesis(data)


def recover(config: NodeConfig, ledger: Ledger, clock: Clock, observer: Observer) -> None:
    """Load the recovery that the operator names, and say which ones were loaded, at every start.

    Raises BadConfig, or Refusal for a recovery that does not fit.
    """
    if config.recovery is not None:
        try:
            data = config.recovery.read_bytes()
        except OSError as error:
            raise BadConfig(
                f"recovery {config.recovery}: cannot be read ({error.strerror})"
            ) from error
        slot = ledger.genesis.slot_at(clock.now().unix_ms)
        ledger.recover(decode_recovery(data), slot)
    for recovery in ledger.recoveries:
        observer.log("warning", "recovered", reason=told(recovery))


@lru_cache(maxsize=1)
def decode_genesis(data: bytes) -> Genesis:
    """The genesis in these bytes; remembered, so that a fork server reads it once for all nodes."""
    return Genesis.decode(data)


def load_identity(path: Path) -> KeyPair:
    """The node's key, made on the first start. Raises BadConfig."""
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        seed = os.urandom(SEED_BYTES)
        write_durably(path, f"{seed.hex()}\n".encode())
        return KeyPair.from_seed(seed)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"key {path}: cannot be read ({error})") from error
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        raise BadConfig(f"key {path}: expected {2 * SEED_BYTES} hex digits") from None
    if len(seed) != SEED_BYTES:
        raise BadConfig(f"key {path}: expected {SEED_BYTES} bytes in hex, got {len(seed)}")
    return KeyPair.from_seed(seed)


def load_author(config: NodeConfig) -> Author | None:
    """Whom the node makes blocks for, if anybody. Raises Refusal when file and DID differ."""
    if config.author_key is None:
        return None
    account = load_account(config.author_key)
    if config.author and parse_did(config.author, account.network) != account.did:
        raise BadConfig(
            f"author is {config.author}, but {config.author_key} holds the keys of "
            f"{account.did_text}"
        )
    held = {key.purpose: KeyPair.from_seed(key.secret) for key in account.keys}
    seal = account.signing_key(Purpose.SEAL)
    return Author(account.did, seal, held.get(Purpose.VOTE), held.get(Purpose.TX))
