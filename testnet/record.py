"""testnet.json: what exists in a testnet and where to reach it; the contract with other tools.

Written when the testnet is founded, rewritten by the supervisor whenever an address or pid
changes. Scripts and the command line (`--testnet NAME`) read it.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from testnet.directory import NetDirectory, write_json
from testnet.errors import LaunchFailure


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node: its name, id (hex of its public key), addresses; `pid` is None while it is down."""

    name: str
    id: str
    p2p: str = ""
    api: str = ""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A funded account whose key file is accounts/NAME.json."""

    name: str
    did: str


@dataclass(frozen=True, slots=True)
class NetRecord:
    """The whole testnet. `dashboard` is a URL, empty before the first start."""

    name: str
    genesis_hash: str
    nodes: tuple[NodeRecord, ...]
    accounts: tuple[AccountRecord, ...]
    dashboard: str = ""

    def with_node(self, node: NodeRecord) -> "NetRecord":
        """The record with a node replaced, or appended when it is new."""
        if any(other.name == node.name for other in self.nodes):
            nodes = tuple(node if other.name == node.name else other for other in self.nodes)
        else:
            nodes = (*self.nodes, node)
        return replace(self, nodes=nodes)

    def without_node(self, name: str) -> "NetRecord":
        """The record with a node taken out."""
        return replace(self, nodes=tuple(node for node in self.nodes if node.name != name))


def encode_record(record: NetRecord, directory: NetDirectory) -> dict[str, object]:
    """The JSON object that `up --json` prints and testnet.json holds."""
    return {
        "name": record.name,
        "dir": str(directory.path),
        "genesis": str(directory.genesis),
        "genesis_hash": record.genesis_hash,
        "dashboard": record.dashboard,
        "nodes": [
            {"name": n.name, "id": n.id, "p2p": n.p2p, "api": n.api, "pid": n.pid}
            for n in record.nodes
        ],
        "accounts": [{"name": a.name, "did": a.did} for a in record.accounts],
        "accounts_dir": str(directory.accounts),
    }


def save_record(directory: NetDirectory, record: NetRecord) -> None:
    """Rewrites testnet.json."""
    write_json(directory.record, encode_record(record, directory))


def load_record(directory: NetDirectory) -> NetRecord:
    """Reads testnet.json. Raises LaunchFailure when it is absent or damaged."""
    try:
        value: Any = json.loads(directory.record.read_text())
        return NetRecord(
            name=value["name"],
            genesis_hash=value["genesis_hash"],
            nodes=tuple(NodeRecord(**node) for node in value["nodes"]),
            accounts=tuple(AccountRecord(**account) for account in value["accounts"]),
            dashboard=value["dashboard"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LaunchFailure(f"{directory.record} cannot be used: {error!r}") from error
