"""The nodes of a testnet and their addresses: kept in testnet.json, reserved while down."""

import shutil
from dataclasses import replace

from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.nodefile import NodePorts, write_node_file
from testnet.ports import HOST, PortReservations
from testnet.record import NetRecord, NodeRecord, load_record, save_record
from testnet.spec import LaunchSpec, load_spec


class Roster:
    """Loaded from a founded testnet's folder. Raises LaunchFailure when the files are damaged."""

    def __init__(self, directory: NetDirectory) -> None:
        self._directory = directory
        self._spec: LaunchSpec = load_spec(directory.spec)
        self._record: NetRecord = load_record(directory)
        self._ports = PortReservations()
        self._changed = True
        self.dashboard_port = self._ports.reserve("dashboard", port_of(self._record.dashboard))
        dashboard = f"http://{HOST}:{self.dashboard_port}"
        self._record = replace(self._record, dashboard=dashboard)
        for node in self._record.nodes:
            self._give_addresses(node)
        for node in self._record.nodes:
            self._write_node_file(node)

    @property
    def nodes(self) -> tuple[NodeRecord, ...]:
        return self._record.nodes

    @property
    def dashboard(self) -> str:
        return self._record.dashboard

    def node(self, name: str) -> NodeRecord:
        """The node's record, or Unfit naming those there are."""
        for node in self._record.nodes:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self._record.nodes)
        raise Unfit("unknown-node", f"no node {name!r} in {self._record.name}; there are {names}")

    def adopt(self, name: str) -> None:
        """Takes in a node that was founded in testnet.json meanwhile."""
        found = [node for node in load_record(self._directory).nodes if node.name == name]
        if not found:
            raise Unfit("unknown-node", f"{self._directory.record} lists no node {name!r}")
        self._record = self._record.with_node(found[0])
        self._give_addresses(found[0])
        self._write_node_file(self.node(name))

    def forget(self, name: str) -> None:
        """Takes a node out for good: its addresses, its folder, its line in testnet.json."""
        self._record = self._record.without_node(name)
        self._changed = True
        for port in ("p2p", "api"):
            self._ports.release(f"{name}/{port}")
        shutil.rmtree(self._directory.node(name), ignore_errors=True)

    def note_pid(self, name: str, pid: int | None) -> None:
        """Remembers the process of a node; unknown names are not nodes and are ignored."""
        for node in self._record.nodes:
            if node.name == name:
                self._record = self._record.with_node(replace(node, pid=pid))
                self._changed = True

    def save(self) -> None:
        """Rewrites testnet.json when something changed."""
        if self._changed:
            self._changed = False
            save_record(self._directory, self._record)

    def close_ports(self) -> None:
        """Lets go of every reserved port (in a forked child)."""
        self._ports.close()

    def _give_addresses(self, node: NodeRecord) -> None:
        ports = NodePorts(
            p2p=self._ports.reserve(f"{node.name}/p2p", port_of(node.p2p)),
            api=self._ports.reserve(f"{node.name}/api", port_of(node.api)),
        )
        placed = replace(node, p2p=ports.p2p_address, api=ports.api_url)
        self._record = self._record.with_node(placed)
        self._changed = True

    def _write_node_file(self, node: NodeRecord) -> None:
        ports = NodePorts(p2p=port_of(node.p2p), api=port_of(node.api))
        write_node_file(self._directory, self._spec, self._record, node.name, ports)


def port_of(address: str) -> int:
    """The port at the end of ws://host:port or http://host:port; 0 when there is none yet."""
    text = address.rpartition(":")[2]
    return int(text) if text.isdigit() else 0
