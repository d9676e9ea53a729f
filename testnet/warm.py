"""`python -m testnet.warm DIR`: the supervisor's process, with everything a node needs imported.

What is imported here is memory that all nodes share. It is collected and frozen before the first
fork, so that no garbage collection in a child touches, and thereby copies, those pages.
"""

import gc
import sys
from pathlib import Path

from testnet.dashboard import dashboard_child
from testnet.directory import NetDirectory, exclusive
from testnet.node_runner import NodeCrew
from testnet.processes.clients import clients_child
from testnet.supervisor import Crew, Supervisor


def main(path: Path) -> None:
    """Runs the supervisor of the testnet in the folder. Raises LaunchFailure when it has one."""
    directory = NetDirectory(path)
    with exclusive(directory.lock):
        crew = Crew(node=NodeCrew(), dashboard=dashboard_child, clients=clients_child)
        supervisor = Supervisor(directory, crew)
        gc.collect()
        gc.freeze()
        supervisor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
