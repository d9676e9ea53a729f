"""What every kind of transaction offers to its envelope, to the rules, and to the indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from chain.primitives.cbor import Value
from chain.primitives.hashing import Hash
from chain.state.journal import State

EventField = bytes | int | str
Event = tuple[str, tuple[EventField, ...]]
"""A fact a transaction brought about: its name and its fields, recorded in the receipt."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a transaction is judged: which chain, in which slot, under which window of expiry."""

    chain: Hash
    network: str
    slot: int
    expiry_slots_max: int


class Failed(Exception):
    """A transaction did not succeed: included as failed, its sequence number used, nothing changed.

    Only `code` enters the receipt, so that no wording is ever part of consensus; `reason` carries
    the compared values for the person who asks why.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Body(Protocol):
    """The part of a transaction that differs from kind to kind. An immutable value."""

    KIND: ClassVar[str]

    @classmethod
    def from_value(cls, value: Value) -> Self:
        """Check the shape of a decoded body. Raises Malformed or Invalid; reads no state."""
        ...

    def to_value(self) -> Value:
        """The array that travels; `from_value(to_value())` gives an equal body."""
        ...

    def parties(self) -> Sequence[bytes]:
        """Identities (32-byte ids) beside the sender under which people will look for this."""
        ...

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        """Change the state, or raise Failed (what was changed before is then undone)."""
        ...
