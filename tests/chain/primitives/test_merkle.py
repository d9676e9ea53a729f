"""RFC 9162 trees: the transparency.dev vectors, a naive model, the growing edge."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import merkle
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash, sha256
from chain.primitives.merkle import CompactRange

VECTORS = sorted((Path(__file__).parents[2] / "data/rfc6962-merkle/inclusion").rglob("*.json"))
leaves = st.lists(st.binary(max_size=4), max_size=40)


def naive_root(data: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not data:
        return sha256(b"")
    if len(data) == 1:
        return sha256(b"\0" + data[0])
    split = 1
    while split * 2 < len(data):
        split *= 2
    return sha256(b"\1" + naive_root(data[:split]) + naive_root(data[split:]))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_official_inclusion_vectors(path: Path) -> None:
    vector = json.loads(path.read_text())
    accepted = merkle.verify_inclusion(
        base64.b64decode(vector["leafHash"] or ""),
        vector["leafIdx"],
        vector["treeSize"],
        [base64.b64decode(step) for step in vector["proof"] or ()],
        base64.b64decode(vector["root"] or ""),
    )
    assert accepted != vector["wantErr"]


def test_there_are_vectors() -> None:
    assert len(VECTORS) > 90


@given(leaves)
def test_root_is_the_naive_one_and_grows_at_the_edge(data: list[bytes]) -> None:
    assert merkle.root(data) == naive_root(data)
    edge = CompactRange()
    for leaf in data:
        edge = edge.append(merkle.leaf_hash(leaf))
    assert edge.root() == naive_root(data)
    assert CompactRange.from_value(edge.to_value()) == edge


def test_a_range_whose_peaks_do_not_fit_its_size_is_refused() -> None:
    with pytest.raises(Malformed, match="64 bytes"):
        CompactRange.from_value([3, bytes(32)])


@given(leaves.filter(bool), st.data())
def test_inclusion(data: list[bytes], draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, len(data) - 1))
    root, proof = merkle.root(data), merkle.inclusion_proof(data, index)
    leaf = merkle.leaf_hash(data[index])
    assert merkle.verify_inclusion(leaf, index, len(data), proof, root)
    assert not merkle.verify_inclusion(leaf, index, len(data), [*proof, Hash(bytes(32))], root)
    assert not merkle.verify_inclusion(sha256(b"other"), index, len(data), proof, root)
    if proof:
        assert not merkle.verify_inclusion(leaf, index, len(data), proof[:-1], root)


@given(leaves.filter(bool), st.data())
def test_consistency(data: list[bytes], draw: st.DataObject) -> None:
    old = draw.draw(st.integers(1, len(data)))
    proof = merkle.consistency_proof(data, old)
    old_root, new_root = merkle.root(data[:old]), merkle.root(data)
    assert merkle.verify_consistency(old, len(data), old_root, new_root, proof)
    assert not merkle.verify_consistency(old, len(data), sha256(b"x"), new_root, proof)
    if old != len(data):
        assert not merkle.verify_consistency(old, len(data), old_root, sha256(b"x"), proof)
