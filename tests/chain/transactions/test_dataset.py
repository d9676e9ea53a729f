"""Datasets: recorded with their lineage, and nothing that gives the content away."""

from dataclasses import replace

import pytest

from chain.primitives.cbor import Value
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash, sha256
from chain.state import paths
from chain.transactions.dataset import Dataset, Parent, Publish, commit, dataset_of
from chain.transactions.rules import apply_transaction
from tests.chain.transactions.world import context, did, following, signed, state

CONTENT = b"a,b\n1,2\n"
SALT = bytes(32)
PUBLISH = Publish(
    "Timetable", commit(SALT, CONTENT), sha256(b"ciphertext"), "text/csv", len(CONTENT), "transit"
)


def test_a_dataset_is_recorded_under_the_id_of_its_transaction() -> None:
    ledger = state()
    tx = signed(PUBLISH)
    outcome = apply_transaction(ledger, tx, context(slot=12))
    assert outcome.events == (("published", (tx.id, PUBLISH.commitment)),)
    assert dataset_of(ledger, tx.id) == Dataset(did("alice"), 12, PUBLISH)
    assert dataset_of(ledger, Hash(bytes(32))) is None


def test_parents_exist() -> None:
    ledger = state()
    first = signed(PUBLISH)
    apply_transaction(ledger, first, context())
    derived = replace(PUBLISH, parents=(Parent(first.id, "derived"),))
    assert apply_transaction(ledger, following(ledger, derived, "bob"), context()).ok
    orphan = replace(PUBLISH, parents=(Parent(first.id, "derived"), Parent(Hash(SALT), "version")))
    tx = following(ledger, orphan)
    outcome = apply_transaction(ledger, tx, context())
    assert (outcome.ok, outcome.code) == (False, "unknown-parent")
    assert ledger.get(paths.dataset(tx.id)) is None


def test_the_commitment_needs_the_salt_and_every_byte() -> None:
    assert commit(SALT, CONTENT) == sha256(SALT + CONTENT)
    assert commit(SALT, CONTENT) != commit(bytes([1]) * 32, CONTENT)
    assert commit(SALT, CONTENT) != commit(SALT, CONTENT[:-1])


@pytest.mark.parametrize(
    ("index", "field", "words"),
    [
        (0, "x" * 257, "title: expected text of at most 256"),
        (1, bytes(31), "commitment: expected 32 bytes, got 31"),
        (2, b"", "ciphertext hash: expected 32 bytes, got 0"),
        (3, "csv", "media type 'csv': expected type/subtype"),
        (3, "Text/CSV", "in lower case"),
        (4, -1, "size: expected an integer"),
        (5, "", "sector '': expected 1 to 32"),
        (5, "Shipping", "sector 'Shipping'"),
        (6, [[bytes(32), "v"]] * 17, "parents: expected an array of at most 16"),
        (6, [[bytes(32), "v"], [bytes(32), "w"]], "the same parent is listed twice"),
        (6, [[bytes(32), "A"]], "relation 'A'"),
        (6, [[bytes(32)]], "parent: expected an array of 2"),
    ],
)
def test_refused_bodies(index: int, field: Value, words: str) -> None:
    value = PUBLISH.to_value()
    assert isinstance(value, list)
    value[index] = field
    with pytest.raises(Refusal) as refused:
        Publish.from_value(value)
    assert words in str(refused.value)
