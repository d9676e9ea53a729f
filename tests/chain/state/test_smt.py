"""The state tree: ICS-23 vectors, a naive tree beside it, proofs and their forgeries."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.primitives.hashing import Hash
from chain.state.smt import EMPTY_STATE_ROOT, StateProof, StateTree, verify_state_proof

SMT = Path(__file__).parents[2] / "data/ics23/smt"
keys = st.integers(0, 60).map(lambda number: b"key/%d" % number)
changes = st.dictionaries(keys, st.none() | st.binary(max_size=3), max_size=12)


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def naive_root(contents: dict[bytes, bytes]) -> bytes:
    """SmtSpec by its definition, on whole key paths."""
    return _naive(sorted((digest(k), digest(v)) for k, v in contents.items()), 0)


def _naive(leaves: list[tuple[bytes, bytes]], depth: int) -> bytes:
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return digest(b"\0" + leaves[0][0] + leaves[0][1])
    left = [leaf for leaf in leaves if not leaf[0][depth >> 3] >> (7 - depth % 8) & 1]
    return digest(b"\1" + _naive(left, depth + 1) + _naive(leaves[len(left) :], depth + 1))


class Tree:
    """A tree over rows in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.tree = StateTree(self.rows.get, EMPTY_STATE_ROOT)

    def apply(self, change: dict[bytes, bytes | None]) -> None:
        update = self.tree.update(change)
        for key, row in update.pages.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.tree.commit(update)

    def reopened(self) -> StateTree:
        return StateTree(self.rows.get, self.tree.root)


@given(st.lists(changes, max_size=8))
@settings(max_examples=60)
def test_against_the_naive_tree(history: list[dict[bytes, bytes | None]]) -> None:
    tree, contents = Tree(), dict[bytes, bytes]()
    for change in history:
        before, old_root = dict(contents), tree.tree.root
        tree.apply(change)
        contents = {k: v for k, v in {**contents, **change}.items() if v is not None}
        assert tree.tree.root == naive_root(contents)
        undo = {key: before.get(key) for key in change}
        assert tree.tree.update(undo).root == old_root
    for number in range(61):
        key = b"key/%d" % number
        proof = tree.reopened().prove(key)
        assert verify_state_proof(tree.tree.root, key, contents.get(key), proof)
        assert not verify_state_proof(tree.tree.root, key, b"other", proof)
        if key in contents:
            assert not verify_state_proof(tree.tree.root, key, None, proof)
    tree.apply(dict.fromkeys(contents))
    assert tree.tree.root == EMPTY_STATE_ROOT
    assert not tree.rows


def test_an_update_that_is_not_committed_leaves_no_trace() -> None:
    tree = Tree()
    tree.apply({b"a": b"1", b"b": b"2"})
    root = tree.tree.root
    tree.tree.update({b"a": b"3", b"c": b"4"})
    assert tree.tree.root == root
    assert verify_state_proof(root, b"a", b"1", tree.tree.prove(b"a"))
    tree.apply({})
    assert tree.tree.root == root


def test_many_keys_in_any_order_give_one_root() -> None:
    contents = {b"bal/%d" % number: b"%d" % number for number in range(3000)}
    at_once, piecemeal = Tree(), Tree()
    at_once.apply(dict(contents))
    for start in range(2999, -1, -500):
        part = list(contents.items())[max(start - 499, 0) : start + 1]
        piecemeal.apply(dict(part))
    assert at_once.tree.root == piecemeal.tree.root == naive_root(contents)
    assert at_once.rows == piecemeal.rows


def test_forged_proofs_are_refused() -> None:
    tree = Tree()
    tree.apply({b"key/%d" % number: b"v" for number in range(40)})
    root, proof = tree.tree.root, tree.tree.prove(b"key/7")
    assert proof.leaf is not None
    path, content = proof.leaf
    short = (*proof.siblings[:-1], Hash(proof.siblings[-1][:31]))
    long = (*proof.siblings[:-1], Hash(proof.siblings[-1] + b"\0"))
    for forged in (
        replace(proof, siblings=short),
        replace(proof, siblings=long),
        replace(proof, siblings=proof.siblings[:-1]),
        replace(proof, siblings=(*proof.siblings, Hash(bytes(32)))),
        replace(proof, leaf=None),
        replace(proof, leaf=(path, digest(b"w"))),
        replace(proof, leaf=(path[:31], content)),
        StateProof(tuple(Hash(bytes(32)) for _ in range(257)), None),
    ):
        assert not verify_state_proof(root, b"key/7", b"v", forged)
        assert not verify_state_proof(root, b"key/7", None, forged)


def fields(message: bytes) -> list[tuple[int, bytes]]:
    """The length-delimited fields of a protobuf message; its varints, as bytes, too."""
    found, position = list[tuple[int, bytes]](), 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while position < len(message):
        tag = varint()
        if tag & 7 == 2:
            size = varint()
            found.append((tag >> 3, message[position : position + size]))
            position += size
        else:
            found.append((tag >> 3, bytes((varint(),))))
    return found


def existence(message: bytes) -> tuple[bytes, bytes, StateProof]:
    """Key, value and proof of an ICS-23 ExistenceProof of SmtSpec."""
    parts = fields(message)
    key, value = (next(data for number, data in parts if number == wanted) for wanted in (1, 2))
    siblings = []
    for number, data in parts:
        if number == 4:
            step = dict(fields(data))
            prefix, suffix = step[2], step.get(3, b"")
            assert prefix[:1] == b"\x01"
            siblings.append(Hash(suffix or prefix[1:]))
    return key, value, StateProof(tuple(reversed(siblings)), (digest(key), digest(value)))


@pytest.mark.parametrize("name", ["exist_left", "exist_middle", "exist_right"])
def test_ics23_existence_vectors(name: str) -> None:
    vector = json.loads((SMT / f"{name}.json").read_text())
    [(one_of, proof)] = fields(bytes.fromhex(vector["proof"]))
    assert one_of == 1
    key, value, state_proof = existence(proof)
    assert (key.hex(), value.hex()) == (vector["key"], vector["value"])
    root = bytes.fromhex(vector["root"])
    assert verify_state_proof(root, key, value, state_proof)
    assert not verify_state_proof(root, key, value + b"x", state_proof)
    assert not verify_state_proof(root, key, None, state_proof)


@pytest.mark.parametrize("name", ["nonexist_left", "nonexist_middle", "nonexist_right"])
def test_ics23_non_existence_vectors(name: str) -> None:
    """Their neighbours exist; ours proves absence by the leaf or gap on the key's own path."""
    vector = json.loads((SMT / f"{name}.json").read_text())
    root, absent = bytes.fromhex(vector["root"]), bytes.fromhex(vector["key"])
    [(one_of, proof)] = fields(bytes.fromhex(vector["proof"]))
    assert one_of == 2
    neighbours = [existence(data) for number, data in fields(proof) if number in (2, 3)]
    assert neighbours
    for key, value, state_proof in neighbours:
        assert verify_state_proof(root, key, value, state_proof)
        assert digest(key) != digest(absent)
        shared = _shared_bits(digest(key), digest(absent))
        covers = shared >= len(state_proof.siblings)
        assert verify_state_proof(root, absent, None, state_proof) == covers


def _shared_bits(a: bytes, b: bytes) -> int:
    return 256 - (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_length()
