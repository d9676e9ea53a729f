"""A moment as engines see it: two clocks read together, because they answer different questions."""

from typing import NamedTuple


class Now(NamedTuple):
    """One reading of the node's clock.

    `s` is monotonic seconds and drives every timeout and budget; a stepped system clock never
    moves it. `unix_ms` is wall time in milliseconds and is used for slots alone.
    """

    s: float
    unix_ms: int
