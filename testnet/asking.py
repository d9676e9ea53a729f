"""What the laboratory asks nodes, whoever answers: their APIs, or a fake network in a test."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from testnet.agreement import Witness


class Unanswered(Exception):
    """A node did not answer, or not what was asked. What that means is the asker's business."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A node on one submitted transaction. No code: taken. `again`: it may be taken later."""

    code: str
    again: bool


@dataclass(frozen=True, slots=True)
class BlockContent:
    """A block with the ids (32 bytes) of its transactions and of those that failed."""

    id: str
    parent: str
    height: int
    transactions: tuple[bytes, ...]
    failed: tuple[bytes, ...]


class Nodes(Protocol):
    """Nodes by the base URL of their API. Every question may raise Unanswered."""

    async def head(self, api: str) -> str:
        """The id of the node's head block."""
        ...

    async def block(self, api: str, key: str | int) -> BlockContent:
        """A block by id, or of the node's chain by height."""
        ...

    async def submit(self, api: str, raws: Sequence[bytes]) -> list[Verdict]:
        """Submits a batch; verdicts in order."""
        ...

    async def follow(self, api: str, heard: Callable[[str], Awaitable[None]]) -> None:
        """Tells `heard` the head now and each block the node connects, until Unanswered."""
        ...

    def witness(self, name: str, api: str) -> Witness:
        """The node as `agree` wants to ask it."""
        ...
