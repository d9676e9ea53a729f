"""What can go wrong in the laboratory, apart from a refusal: the machine's side of it."""

from chain.primitives.errors import Refusal


class Unfit(Refusal):
    """The user asked for a testnet, node or load that cannot be; the reason names what would do."""


class LaunchFailure(Exception):
    """The world's fault: a process that does not start, a supervisor that cannot be reached."""
