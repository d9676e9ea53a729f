"""The queues a message can wait in, in the order they leave."""

from enum import IntEnum


class Lane(IntEnum):
    """Which queue a message waits in; lower numbers leave first."""

    CONTROL = 0
    VOTE = 1
    BLOCK = 2
    REPLY = 3
    TRANSACTION = 4
    BULK = 5
