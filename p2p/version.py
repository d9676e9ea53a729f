"""The version of the installed distribution, as peers, clients and `--version` see it."""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "cornerstone"


def _installed() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # run from a bare checkout
        return "0+checkout"


VERSION = _installed()
