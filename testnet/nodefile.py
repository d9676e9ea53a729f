"""node.toml of a testnet's node: the same file an operator would write by hand."""

import json
from dataclasses import dataclass

from chain.primitives.did import format_did
from testnet.directory import NetDirectory
from testnet.founding import author
from testnet.ports import HOST
from testnet.record import NetRecord
from testnet.spec import NODES_MAX, LaunchSpec, Wiring
from testnet.topology import BOOTSTRAPS, dials

DISCOVER_OUTBOUND = 6
"""Links each node opens by itself: a random graph of this degree survives half its nodes."""

FEELER_S = 15
"""Instead of two minutes: what lasts hours in the world lasts minutes here."""


@dataclass(frozen=True, slots=True)
class NodePorts:
    """Where a node listens on loopback."""

    p2p: int
    api: int

    @property
    def p2p_address(self) -> str:
        return f"ws://{HOST}:{self.p2p}"

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api}"


def dialled(spec: LaunchSpec, record: NetRecord, name: str) -> tuple[str, ...]:
    """The names of the nodes a node is told about."""
    planned = dials(spec.node_names, spec.wiring, spec.seed)
    if name in planned:
        return planned[name]
    known = [node.name for node in record.nodes if node.name != name]
    return tuple(known[:BOOTSTRAPS])


def node_toml(spec: LaunchSpec, record: NetRecord, name: str, ports: NodePorts) -> str:
    """The text of a node's configuration; every other node's address is in the record."""
    addresses = {node.name: node.p2p for node in record.nodes}
    bootstrap = [addresses[other] for other in dialled(spec, record, name) if other in addresses]
    explore = spec.wiring is Wiring.DISCOVER
    values: dict[str, str | int | list[str]] = {
        "name": name,
        "genesis": "../../genesis.cbor",
        "genesis_hash": record.genesis_hash,
        "listen": ports.p2p_address,
        "api_port": ports.api,
        "bootstrap": bootstrap,
        "explore": explore,
        "outbound_target": DISCOVER_OUTBOUND if explore else len(bootstrap),
        "inbound_max": NODES_MAX,
        "feeler_s": FEELER_S,
        "durability": spec.durability.value,
    }
    if name in spec.author_names:
        values["author_key"] = "author.json"
        values["vote"] = "if-safe"  # a lost disk is an experiment here, and the node comes back
        values["author"] = format_did(spec.name, author(spec, name).document().id)
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([f"# Node {name} of the testnet {spec.name}; rewritten at start.", *lines, ""])


def write_node_file(
    directory: NetDirectory, spec: LaunchSpec, record: NetRecord, name: str, ports: NodePorts
) -> None:
    """Writes nodes/NAME/node.toml."""
    folder = directory.node(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node.toml").write_text(node_toml(spec, record, name, ports))
