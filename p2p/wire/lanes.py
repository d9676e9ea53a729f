"""The queues a message can wait in, in the order they leave."""

from enum import IntEnum


class Lane(IntEnum):
    """Which queue a message waits in; lower numbers leave first. Votes will join BLOCK."""

    CONTROL = 0
    BLOCK = 1
    REPLY = 2
    TRANSACTION = 3
    BULK = 4
