"""The interface of a consensus engine, and what it judges: a header on its parent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chain.block import Header
from chain.consensus.authorityset import AuthoritySet
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes blocks: an identity (32-byte id) and the key it seals with.

    With the key it votes with it takes part in finality, with the one of its transactions it
    reports offences.
    """

    did: bytes
    key: KeyPair
    vote: KeyPair | None = None
    tx: KeyPair | None = None


@dataclass(frozen=True, slots=True)
class HeaderNode:
    """An accepted header and its place: `weight` is that of the whole chain up to it."""

    header: Header
    seal: bytes
    weight: int
    target: int  # what the engine demanded of this block; 0 where it demands nothing of the kind

    @property
    def id(self) -> Hash:
        """The block's id."""
        return self.header.id

    @property
    def parent(self) -> Hash:
        """The parent's id."""
        return self.header.parent

    @property
    def height(self) -> int:
        """Blocks between genesis and this one."""
        return self.header.height

    @property
    def slot(self) -> int:
        """The slot the block was made for."""
        return self.header.slot


Ancestry = Callable[[Hash], HeaderNode]
"""The accepted node of a block id; the ids asked for are those of ancestors."""


class Engine(Protocol):
    """The rules of one kind of consensus. Pure: no clock, no state of its own."""

    name: str
    exclusive: bool
    """Whether a slot belongs to one author, who must then never make two blocks in it."""

    def proposes(
        self, author: bytes, slot: int, parent: HeaderNode, authorities: AuthoritySet
    ) -> bool:
        """Whether `author` may make a block for `slot` on `parent`, with that set in force."""
        ...

    def target(self, parent: HeaderNode, ancestry: Ancestry) -> int:
        """What a child of `parent` has to meet (see HeaderNode.target)."""
        ...

    def weight(self, target: int) -> int:
        """What a block that met `target` adds to its chain."""
        ...

    def check(self, header: Header, seal: bytes, target: int, authorities: AuthoritySet) -> None:
        """Raise Invalid unless author and seal are right, with that set in force."""
        ...

    def seal(self, header: Header, author: Author, target: int, attempts: range) -> bytes | None:
        """The seal of a header, or None when none of the attempts gave one."""
        ...
