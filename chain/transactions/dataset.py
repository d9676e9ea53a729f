"""Datasets: `ds.publish` records what was published, by whom and when, and never the content.

Rules:
- The commitment is salted: sha256(salt | content). *Why:* the hash of a predictable document can
  be found by guessing; once salt and content are destroyed, what remains says nothing.
- Parents exist. *Why:* a lineage that points nowhere proves nothing.
- The dataset's id is the id of the transaction that published it. *Why:* nothing to agree on.
Spec: docs/spec/ledger.md, section 5.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed

TITLE_MAX = 256
"""In characters, for people; a description belongs in the off-chain catalogue."""
MEDIA_TYPE_MAX = 127
SIZE_MAX = 2**63 - 1
WORD_MAX = 32
PARENTS_MAX = 16
"""Each parent is a state read in execution and 32 bytes for ever."""
MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")
WORD = re.compile(r"[a-z0-9][a-z0-9-]*")


def commit(salt: bytes, content: bytes) -> Hash:
    """The commitment to a content under its secret 32-byte salt."""
    return sha256(salt + content)


@dataclass(frozen=True, slots=True)
class Parent:
    """A dataset this one was made from, and how: `derived`, `version`, `translation`, ..."""

    dataset: Hash
    relation: str

    @classmethod
    def from_value(cls, value: Value) -> Self:
        dataset, relation = shape.array(value, 2, "parent")
        return cls(Hash(shape.blob(dataset, 32, "parent dataset")), _word(relation, "relation"))

    def to_value(self) -> list[Value]:
        return [self.dataset, self.relation]


@dataclass(frozen=True, slots=True)
class Publish:
    """`ds.publish`: record a dataset. `title` may be empty; `size` is of the content, in bytes."""

    KIND: ClassVar[str] = "ds.publish"

    title: str
    commitment: Hash
    ciphertext_hash: Hash
    media_type: str
    size: int
    sector: str
    parents: tuple[Parent, ...] = ()

    @classmethod
    def from_value(cls, value: Value) -> Self:
        title, commitment, ciphertext_hash, media, size, sector, parents = shape.array(
            value, 7, "ds.publish body"
        )
        read = cls(
            shape.text(title, TITLE_MAX, "title"),
            Hash(shape.blob(commitment, 32, "commitment")),
            Hash(shape.blob(ciphertext_hash, 32, "ciphertext hash")),
            _media_type(media),
            shape.uint(size, SIZE_MAX, "size"),
            _word(sector, "sector"),
            tuple(Parent.from_value(p) for p in shape.items(parents, PARENTS_MAX, "parents")),
        )
        if len({parent.dataset for parent in read.parents}) != len(read.parents):
            raise Invalid("parent-repeated", "the same parent is listed twice")
        return read

    def to_value(self) -> list[Value]:
        return [
            self.title,
            self.commitment,
            self.ciphertext_hash,
            self.media_type,
            self.size,
            self.sector,
            [parent.to_value() for parent in self.parents],
        ]

    def parties(self) -> tuple[bytes, ...]:
        return ()

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        for parent in self.parents:
            if state.get(paths.dataset(parent.dataset)) is None:
                raise Failed("unknown-parent", f"no dataset {parent.dataset.hex()} is published")
        state.put(paths.dataset(txid), Dataset(sender, context.slot, self).encode())
        return [("published", (txid, self.commitment))]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What the ledger keeps for a dataset (state value under `ds/<id>`)."""

    owner: bytes
    slot: int
    published: Publish

    def encode(self) -> bytes:
        return cbor.encode([self.owner, self.slot, self.published.to_value()])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        owner, slot, published = shape.array(cbor.decode(data), 3, "dataset record")
        return cls(
            shape.blob(owner, 32, "dataset owner"),
            shape.uint(slot, SIZE_MAX, "dataset slot"),
            Publish.from_value(published),
        )


def dataset_of(state: State, dataset: Hash) -> Dataset | None:
    """The record of a dataset, or None when nothing was published under that id."""
    data = state.get(paths.dataset(dataset))
    return None if data is None else Dataset.decode(data)


def _word(value: Value, what: str) -> str:
    word = shape.text(value, WORD_MAX, what)
    if not WORD.fullmatch(word):
        raise Invalid("word", f"{what} {word!r}: expected 1 to {WORD_MAX} of a-z, 0-9 and -")
    return word


def _media_type(value: Value) -> str:
    media_type = shape.text(value, MEDIA_TYPE_MAX, "media type")
    if not MEDIA_TYPE.fullmatch(media_type):
        raise Invalid(
            "media-type", f"media type {media_type!r}: expected type/subtype in lower case"
        )
    return media_type
