"""A supervisor whose children are toys: they say they serve, then wait. `python -m ... DIR`."""

import json
import signal
import socket
import sys
from pathlib import Path

from testnet.child import ChildMain
from testnet.directory import NetDirectory
from testnet.faults.process import ClockDrift
from testnet.pipes import (
    Begin,
    Begun,
    End,
    Ended,
    Hits,
    Order,
    decode_order,
    encode_answer,
    encode_report,
    encode_started,
)
from testnet.stage import Act, Undone
from testnet.supervisor import Crew, Supervisor
from testnet.views import NodeReport


def toy_node(directory: NetDirectory, name: str, acts: tuple[Act, ...]) -> ChildMain:
    """Reports, obeys every order, writes the last one to a file, ends when its pipe does.

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
                end.sendall(encode_answer(obeyed(decode_order(line))))
        return 0

    return main


def obeyed(order: Order) -> Begun | Ended:
    """A toy carries out everything, except a drift of its clock."""
    match order:
        case Begin(act):
            drifts = isinstance(act.kind, ClockDrift)
            return Begun(act.id, "a toy's clock cannot drift" if drifts else "")
        case End(act_id):
            return Ended(act_id, Undone(7, clean=True))


def toy_clients(directory: NetDirectory, act: Act) -> ChildMain:
    def main(end: socket.socket) -> int:
        end.sendall(encode_started())
        end.sendall(encode_answer(Hits(((act.id, 3),))))
        end.recv(1)
        return 0

    return main


def toy_dashboard(directory: NetDirectory, port: int) -> ChildMain:
    def main(end: socket.socket) -> int:
        end.sendall(encode_started())
        end.recv(1)
        return 0

    return main


if __name__ == "__main__":
    Supervisor(NetDirectory(Path(sys.argv[1])), Crew(toy_node, toy_dashboard, toy_clients)).run()
