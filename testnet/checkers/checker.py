"""What a judge looks like, and what it may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chain.genesis import Genesis
from testnet.observation import Seen
from testnet.outcome import Violation
from testnet.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known before the first event. `hostile` nodes are never judged."""

    scenario: Scenario
    genesis: Genesis
    nodes: tuple[str, ...]
    authors: tuple[tuple[str, str], ...]  # (node, its author's did in hex)
    hostile: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FinalNode:
    """A node at the end, with its chain's raw blocks by height (0 is the founding one)."""

    name: str
    running: bool
    honest: bool
    blocks: tuple[bytes, ...]  # encoded, chain.block.decode_block reads them
    state: str  # state root of the head, hex
    pending: tuple[str, ...]  # transaction ids in its mempool
    supplies: tuple[tuple[str, int], ...]  # (currency, minor units) by the node's own state


@dataclass(frozen=True, slots=True)
class Ending:
    """What is looked at when the run is over."""

    at_s: float
    nodes: tuple[FinalNode, ...]
    last_fault_end_s: float
    rejected: tuple[tuple[str, bytes], ...]  # (node, encoded block) honest nodes refused as invalid


class Checker(Protocol):
    """Watches a whole run. Findings come as early as they are certain; each is reported once."""

    NAME: str

    def see(self, seen: Seen) -> Sequence[Violation]:
        """The next fact, in order of time."""
        ...

    def finish(self, ending: Ending) -> Sequence[Violation]:
        """The run is over."""
        ...
