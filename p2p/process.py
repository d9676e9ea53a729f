"""A node as an operating system process: opens the files, builds the parts, serves until SIGTERM."""

from collections.abc import Callable

from p2p.config import NodeConfig
from p2p.net.connection import Tap
from p2p.status import NodeAddresses


async def run_node(
    config: NodeConfig, started: Callable[[NodeAddresses], None], tap: Tap | None = None
) -> None:
    """Run one node with its HTTP API until SIGTERM or cancellation; returns after a clean stop.

    `started` is called once, when peers and clients can connect. Raises Refusal for files that
    do not fit together (genesis hash, keys) and StoreFailure when the database cannot be opened.
    """
