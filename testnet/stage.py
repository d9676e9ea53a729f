"""The stage: a running network as the director sees it, the same face over every tier.

Orders are carried out when the call returns. A stage reports facts to the audience it was given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chain.genesis import Genesis
from testnet.checkers.checker import Ending
from testnet.faults.kinds import Kind
from testnet.observation import Fact


@dataclass(frozen=True, slots=True)
class Act:
    """A fault with everything resolved: who is hit, who is at the other side, its own chance."""

    id: str
    kind: Kind
    on: tuple[str, ...]
    to: tuple[str, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node stands right now."""

    name: str
    running: bool
    height: int
    head: str
    peers: int
    mempool: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What ending a fault found: how often it hit, and whether nothing of it is left."""

    hits: int
    clean: bool


class Audience(Protocol):
    """Whom a stage tells what it sees."""

    def saw(self, fact: Fact) -> None: ...


class Stage(Protocol):
    """A network that runs."""

    genesis: Genesis
    names: tuple[str, ...]

    async def begin(self, act: Act) -> None:
        """Put a fault in force. Raises Unfit when this tier cannot."""
        ...

    async def end(self, act_id: str) -> Undone:
        """Undo a fault and verify that it is undone; harmless when it has ended already."""
        ...

    async def offer(self, node: str, raws: Sequence[bytes]) -> list[str] | None:
        """Submit transactions to a node: a code for each, empty when taken; None: no answer."""
        ...

    async def look(self) -> tuple[Standing, ...]:
        """All nodes, in order of `names`."""
        ...

    def unix_ms(self) -> int:
        """The true wall time, which the slots are counted by."""
        ...

    async def finish(self) -> Ending:
        """Read out the nodes' chains; the network is of no more use afterwards."""
        ...
