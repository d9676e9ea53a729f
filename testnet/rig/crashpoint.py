"""A point of a node's work at which its process dies, the next time it gets there."""

from collections.abc import Callable

from chain.primitives.errors import Malformed
from p2p.wire.codec import decode_frame
from p2p.wire.messages import Blocks, CompactBlock, Message, Transactions


class Crashed(BaseException):
    """A simulated process dies here. Not an Exception: nothing in a node may survive it."""


Die = Callable[[str], None]
"""Ends the process at once, told where: by a signal, or in a simulation by raising Crashed."""


class CrashPoint:
    """Dies once, when the named point is reached."""

    def __init__(self, act: str, point: str, die: Die) -> None:
        self.act = act
        self.hits = 0
        self._point = point
        self._die = die

    def sent(self, frame: bytes) -> None:
        """A frame is about to leave the node."""
        if self._point == "block-sent" and _holds(frame, Blocks, CompactBlock):
            self.die()

    def received(self, frame: bytes) -> None:
        """A frame has come to the node."""
        if self._point == "block-received" and _holds(frame, Blocks, CompactBlock):
            self.die()
        if self._point == "transaction-received" and _holds(frame, Transactions):
            self.die()

    def reached(self, point: str) -> None:
        """The node is at a point that is named."""
        if point == self._point:
            self.die()

    def die(self) -> None:
        """End the process, once."""
        if not self.hits:
            self.hits = 1
            self._die(self._point)


def _holds(frame: bytes, *kinds: type[Message]) -> bool:
    try:
        return any(isinstance(message, kinds) for message in decode_frame(frame))
    except Malformed:
        return False
