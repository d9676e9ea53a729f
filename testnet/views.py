"""What the laboratory knows about its nodes: reports from the nodes, views for people and scripts.

A node tells its supervisor about itself over a pipe (NodeReport), so that a live table of fifty
nodes costs no HTTP request. The supervisor adds what only it knows (pid, state) and answers with
a Snapshot. Both travel as JSON lines between processes of one user.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from testnet.errors import LaunchFailure


class State(StrEnum):
    """Where a node's process stands."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    KILLED = "killed"  # on request; stays down until `restart`
    FALLEN = "fallen"  # unasked; comes back by itself after its backoff
    STOPPING = "stopping"
    STOPPED = "stopped"  # the whole testnet is


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A node on itself. `first` is its block at height 1 (hex), empty until it has one."""

    height: int = 0
    head: str = ""
    finalized: int = 0
    inbound: int = 0
    outbound: int = 0
    mempool: int = 0
    behind: int = 0  # blocks to go while it catches up
    first: str = ""
    late: str = ""  # why nothing newer is final
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node as the supervisor sees it. `peers` in the report are node ids in hex.

    `faults` were put in force on it by hand: `link.delay (f1)`.
    """

    name: str
    id: str
    p2p: str
    api: str
    pid: int | None
    state: State
    restarts: int
    last_exit: str
    report: NodeReport
    faults: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Able to answer: a paused process is not."""
        return self.state is State.RUNNING


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole testnet at one moment.

    `dashboard` is empty until it serves; `groups` is the split in force, empty when there is none;
    `version` grows with every change.
    """

    nodes: tuple[NodeView, ...]
    dashboard: str
    groups: tuple[tuple[str, ...], ...]
    supervisor: int
    version: int

    def node(self, name: str) -> NodeView:
        return next(node for node in self.nodes if node.name == name)

    def ready(self) -> bool:
        """Every node has a peer (when there are others) and all share a block after genesis."""
        serving = bool(self.dashboard) and all(node.running for node in self.nodes)
        return serving and settled([node.report for node in self.nodes])


def settled(reports: list[NodeReport]) -> bool:
    """Whether these nodes form one network that has begun: peers, and one first block."""
    connected = len(reports) == 1 or all(r.inbound + r.outbound > 0 for r in reports)
    return connected and bool(reports[0].first) and len({r.first for r in reports}) == 1


def encode_snapshot(snapshot: Snapshot) -> dict[str, object]:
    """The JSON form of a snapshot."""
    return asdict(snapshot)


def decode_snapshot(value: Any) -> Snapshot:
    """Reads what encode_snapshot wrote; LaunchFailure when another version wrote it."""
    try:
        return Snapshot(
            nodes=tuple(decode_node(node) for node in value["nodes"]),
            dashboard=value["dashboard"],
            groups=tuple(tuple(group) for group in value["groups"]),
            supervisor=value["supervisor"],
            version=value["version"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LaunchFailure(f"the supervisor speaks another version: {error!r}") from error


def decode_node(value: Any) -> NodeView:
    """One node of a snapshot. Raises KeyError, TypeError or ValueError for another version's."""
    read = {
        "state": State(value["state"]),
        "report": decode_report(value["report"]),
        "faults": tuple(value["faults"]),
    }
    return NodeView(**{**value, **read})


def decode_report(value: Any) -> NodeReport:
    """A node's report. Raises TypeError for another version's."""
    return NodeReport(**{**value, "peers": tuple(value["peers"])})
