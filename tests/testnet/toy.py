"""A supervisor whose children are toys: they say they serve, then wait. `python -m ... DIR`."""

import json
import signal
import socket
import sys
from pathlib import Path

from testnet.child import ChildMain
from testnet.directory import NetDirectory
from testnet.pipes import encode_report, encode_started
from testnet.supervisor import Crew, Supervisor
from testnet.views import NodeReport


def toy_node(directory: NetDirectory, name: str) -> ChildMain:
    """Reports, writes the firewall orders it gets to a file, ends when its pipe does.

    A file `crash` in its folder makes it end at once, `stubborn` makes it ignore SIGTERM.
    """

    def main(end: socket.socket) -> int:
        folder = directory.node(name)
        if (folder / "crash").exists():
            return 9
        if (folder / "stubborn").exists():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end.sendall(encode_started())
        end.sendall(encode_report(NodeReport(height=1, first="aa", inbound=1)))
        with end.makefile("rb") as orders:
            for line in orders:
                fresh = folder / "order.fresh"
                fresh.write_text(json.dumps(json.loads(line)))
                fresh.rename(folder / "order.json")  # whole at once: the test may be reading
        return 0

    return main


def toy_dashboard(directory: NetDirectory, port: int) -> ChildMain:
    def main(end: socket.socket) -> int:
        end.sendall(encode_started())
        end.recv(1)
        return 0

    return main


if __name__ == "__main__":
    Supervisor(NetDirectory(Path(sys.argv[1])), Crew(toy_node, toy_dashboard)).run()
