"""Two nodes with a bad line between them: 10% of packets lost, 300 ms there and back.

Each node lives in a network namespace of its own with a TUN device; between the two devices stands
this process, which carries IP packets over, late, or not at all. The kernel's own TCP sees real
loss; unlike `tc netem` it needs no kernel module, and the losses follow from a seed. It takes root
and iproute2; `permitted` says whether this machine allows it.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from testnet.bench.conductor import Loads, Run, seated
from testnet.bench.figures import GossipFigures
from testnet.bench.host import serve
from testnet.bench.orders import Cast, Seat
from testnet.bench.plan import GossipPlan
from testnet.bench.sizes import Mint
from testnet.founding import make_genesis
from testnet.spec import LaunchSpec

LOSS = 0.10
ONE_WAY_S = 0.150
MTU = 1_500
QUEUE_PACKETS = 1_000
"""What a router's queue holds; more are lost."""

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
NAMESPACES = Path("/run/netns")
PORT = 4001
PLAN = GossipPlan(
    2, processes=2, rate=20.0, burst=1_000, from_one=True, unloaded=50, idle_s=5.0, steady_s=30.0
)


def permitted() -> str:
    """Empty if namespaces and TUN devices can be made here; otherwise why not."""
    if shutil.which("ip") is None:
        return "`ip` is missing: apt-get install iproute2"
    try:
        with line_between("probe-a", "probe-b"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces or TUN devices are not permitted here ({error})"


def ip(*words: str) -> None:
    """An `ip` command. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def namespace(name: str, address: str) -> Iterator[int]:
    """A namespace whose only way out is the TUN device of the descriptor given."""
    device = f"cs-{name[-8:]}"
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
        ip("netns", "add", name)
        try:
            ip("link", "set", device, "netns", name)
            ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "up", "mtu", str(MTU))
            yield tun
        finally:
            ip("netns", "del", name)
    finally:
        os.close(tun)


class Wire(threading.Thread):
    """Carries packets between two descriptors, as a bad line would."""

    def __init__(self, ends: tuple[int, int], seed: int = 1) -> None:
        super().__init__(daemon=True)
        self._others = {ends[0]: ends[1], ends[1]: ends[0]}
        self._rng = random.Random(seed)
        self._due: list[tuple[float, int, int, bytes]] = []
        self._ended = threading.Event()
        self.carried = self.lost = 0

    def run(self) -> None:
        while not self._ended.is_set():
            wait_s = self._due[0][0] - time.monotonic() if self._due else 0.1
            ready, _, _ = select.select(list(self._others), [], [], max(0.0, min(wait_s, 0.1)))
            for end in ready:
                self._take(end)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(self._due)
                os.write(to, packet)

    def end(self) -> None:
        """Carry no more."""
        self._ended.set()
        self.join()

    def _take(self, end: int) -> None:
        packet = os.read(end, MTU + 100)
        if self._rng.random() < LOSS or len(self._due) >= QUEUE_PACKETS:
            self.lost += 1
            return
        self.carried += 1
        at_s = time.monotonic() + ONE_WAY_S
        heapq.heappush(self._due, (at_s, self.carried, self._others[end], packet))


@contextmanager
def line_between(left: str, right: str) -> Iterator[Wire]:
    """Two namespaces, 10.77.0.1 and 10.77.0.2, and the line."""
    with ExitStack() as stack:
        ends = [
            stack.enter_context(namespace(name, f"10.77.0.{number}"))
            for number, name in enumerate((left, right), 1)
        ]
        wire = Wire((ends[0], ends[1]))
        wire.start()
        stack.callback(wire.end)
        yield wire


def serve_in(name: str, cast: Cast, pipe: Connection) -> None:
    """Enter the namespace, then hold the node."""
    libc = ctypes.CDLL(None, use_errno=True)
    opened = os.open(NAMESPACES / name, os.O_RDONLY)
    if libc.setns(opened, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns {name}")
    os.close(opened)
    serve(cast, pipe)


@dataclass(frozen=True, slots=True)
class LossyFigure:
    """What two nodes made of the line."""

    run: GossipFigures
    carried: int
    lost: int

    @property
    def bytes_per_s(self) -> float:
        """Of the burst: what the transactions themselves come to."""
        return self.run.burst.deliveries_per_s * PLAN.size


def measure_lossy_link(plan: GossipPlan = PLAN) -> LossyFigure:
    """One run: idle, single messages, a steady rate, a burst, all from the same node."""
    spec = LaunchSpec("bench", plan.seed, 2, authorities=2)
    genesis = make_genesis(spec, time.time_ns() // 1_000_000)
    loads = Loads(plan, Mint(spec, genesis, plan.size))
    names = (f"cs-left-{os.getpid()}", f"cs-right-{os.getpid()}")
    addresses = [f"ws://10.77.0.{number}:{PORT}" for number in (1, 2)]
    seats = [
        Seat(0, addresses[0], (), 1, author=False),
        Seat(1, addresses[1], (addresses[0],), 1, author=False),
    ]
    parts = [Cast(spec, genesis, (seat,), plan.eager) for seat in seats]
    with line_between(*names) as wire:
        places = [partial(serve_in, name) for name in names]
        with seated(parts, places) as company:
            run = Run(plan, company, lambda what: None).perform(
                loads.unloaded(), loads.steady(), loads.burst()
            )
        return LossyFigure(replace(run, links=1), wire.carried, wire.lost)
