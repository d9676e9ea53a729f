"""Starts and ends of a testnet's nodes, found by comparing what the supervisor shows over time."""

from testnet.observation import NodeStarted, NodeStopped
from testnet.views import NodeView, State


class Lives:
    """The lives of one node.."""

    def __init__(self, name: str, honest: bool) -> None:
        self.serving = False
        self._name = name
        self._honest = honest
        self._pid: int | None = None
        self._restarts = 0

    def look(self, view: NodeView, crashing: bool) -> list[NodeStarted | NodeStopped]:
        """What has happened since the last look; deaths between two looks are found by pids."""
        found: list[NodeStarted | NodeStopped] = []
        ended = self.serving and view.pid != self._pid
        in_vain = not self.serving and view.restarts > self._restarts
        if ended or in_vain:
            self.serving = False
            found.append(NodeStopped(self._name, how_ended(view, crashing), view.last_exit))
        if not self.serving and view.state is State.RUNNING:
            self.serving = True
            found.append(NodeStarted(self._name, self._honest))
        self._pid, self._restarts = view.pid, view.restarts
        return found


def how_ended(view: NodeView, crashing: bool) -> str:
    """A node's end in the words of NodeStopped."""
    match view.last_exit:
        case "SIGKILL":
            return "crashed" if crashing else "killed"
        case "exit 0" | "SIGTERM":
            return "stopped"
        case "exit 1":
            return "refused"
        case _:
            return "crashed"
