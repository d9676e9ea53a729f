"""The installed command: loads cli.py, and ends without a word when Ctrl-C comes meanwhile.

Importing everything takes a second, much more on a busy machine; nothing has been begun by then.
"""

import sys
from importlib import import_module

EXIT_INTERRUPTED = 130
"""What shells report for a command that SIGINT ended."""


def main() -> None:
    """The entry point of the installed command."""
    try:
        cli = import_module("cli")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    cli.main()
