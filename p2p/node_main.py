"""`python -m p2p.node_main CONFIG`: one node as a process, what `cornerstone node run` becomes.

A module of its own, so that the other commands start without importing the node.
"""

import signal
import sys

try:  # loading takes a second, much more on a busy machine, and nothing has been begun by then
    import json
    from dataclasses import replace
    from pathlib import Path

    import trio

    from chain.primitives.errors import Refusal, StoreFailure
    from p2p.config import load_config
    from p2p.light_process import run_light
    from p2p.net.transport import LinkClosed
    from p2p.process import run_node
    from p2p.status import NodeAddresses
except KeyboardInterrupt:
    sys.exit(128 + signal.SIGINT)

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_MACHINE = 3
EXIT_INTERRUPTED = 130
LIGHT = "--light"
FAILURES = (Refusal, StoreFailure, LinkClosed, OSError)


def main(arguments: list[str]) -> int:
    """Run the node of a configuration file until SIGTERM or Ctrl-C; the exit code."""
    if arguments[:1] == [LIGHT]:
        light, arguments = True, arguments[1:]
    else:
        light = False
    if len(arguments) not in (1, 2):
        print(f"usage: python -m p2p.node_main [{LIGHT}] CONFIG [RECOVERY]", file=sys.stderr)
        return EXIT_USAGE
    # Set explicitly: what a shell starts in the background inherits SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        config = load_config(Path(arguments[0]))
        if len(arguments) == 2:
            config = replace(config, recovery=Path(arguments[1]))
        trio.run(run_light if light else run_node, config, announce)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except FAILURES as error:
        return complain([error])
    except BaseExceptionGroup as group:
        known, unknown = group.split((*FAILURES, KeyboardInterrupt))
        if unknown is not None or known is None:
            raise
        return complain(leaves(known))
    return 0


def announce(addresses: NodeAddresses) -> None:
    """One JSON line that says where the node is, for people and for whoever started it."""
    line = {"p2p": addresses.p2p, "api": addresses.api, "id": addresses.id.hex()}
    print(json.dumps(line), flush=True)


def leaves(error: BaseException) -> list[BaseException]:
    """The single errors of a group of groups."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves(inner)]


def complain(errors: list[BaseException]) -> int:
    """One line for each on standard error; the exit code says whose fault it was."""
    if any(isinstance(error, KeyboardInterrupt) for error in errors):
        return EXIT_INTERRUPTED
    for error in errors:
        words = f"{error.reason} ({error.code})" if isinstance(error, Refusal) else str(error)
        print(f"error: {words}", file=sys.stderr)
    if all(isinstance(error, Refusal) for error in errors):
        return EXIT_REFUSED
    return EXIT_MACHINE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
