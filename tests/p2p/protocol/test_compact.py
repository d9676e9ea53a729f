"""Compact blocks put together again, against a naive model."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.block import Block
from chain.primitives.hashing import Hash, sha256
from p2p.protocol.compact import Puzzle, compact, short_id_of, transactions_at
from p2p.wire.messages import ID_BYTES, PREFILLED_BYTES_MAX, CompactBlock
from tests.p2p.protocol.conversation import extend, make_ledger

(TEMPLATE,) = extend(make_ledger(), 1)
RAWS = st.binary(min_size=1, max_size=3)


def block_of(raws: list[bytes]) -> Block:
    return Block(TEMPLATE.header, TEMPLATE.seal, (), tuple(raws))


def solved(message: CompactBlock, here: list[bytes]) -> Puzzle:
    puzzle = Puzzle(TEMPLATE.header, message)
    by_hash = {sha256(raw): raw for raw in here}
    puzzle.look(by_hash, by_hash.get)
    return puzzle


def missing_naively(raws: list[bytes], whole: list[bytes], here: list[bytes]) -> list[int]:
    """What is neither sent along nor here; and what stands twice as an id."""
    left = list(whole)
    places: list[int] = []
    ids: list[bytes] = []
    for place, raw in enumerate(raws):
        if raw in left:
            left.remove(raw)
        else:
            places.append(place)
            ids.append(raw)
    return [p for p in places if raws[p] not in here or ids.count(raws[p]) > 1]


@settings(max_examples=200)
@given(st.lists(RAWS, max_size=12), st.sets(RAWS, max_size=6), st.sets(RAWS, max_size=12))
def test_what_is_missing_is_what_a_naive_model_misses(
    raws: list[bytes], lacking: set[bytes], here: set[bytes]
) -> None:
    message = compact(block_of(raws), 7, sorted(lacking))
    puzzle = solved(message, sorted(here))
    assert list(puzzle.missing) == missing_naively(raws, sorted(lacking), sorted(here))
    for place in puzzle.missing:
        assert puzzle.fits(place, raws[place])
        puzzle.put(place, raws[place])
    assert puzzle.block().transactions == tuple(raws)
    assert len(puzzle) == len(raws)


def test_prefilled_is_what_lacks_first_as_far_as_it_fits() -> None:
    large, small = bytes(PREFILLED_BYTES_MAX - 10), b"small"
    message = compact(block_of([b"one", small, large]), 7, [large, b"not in the block", small])
    assert (message.places, message.prefilled) == ((1, 2), (small, large))
    assert len(message.short_ids) == 1
    none = compact(block_of([bytes(PREFILLED_BYTES_MAX + 1)]), 7, [bytes(PREFILLED_BYTES_MAX + 1)])
    assert none.prefilled == ()


def test_short_ids_depend_on_block_and_nonce() -> None:
    digest, other = sha256(b"raw"), Hash(sha256(b"another block"))
    ids = {
        short_id_of(block_id, nonce)(digest)
        for block_id in (TEMPLATE.id, other)
        for nonce in (0, 1)
    }
    assert len(ids) == 4
    assert {len(short) for short in ids} == {ID_BYTES}
    again = short_id_of(TEMPLATE.id, 0)
    assert again(digest) == again(digest) in ids


def test_two_transactions_that_clash_are_both_missing() -> None:
    """A clash of 48 bits cannot be found here, so the ids are made to clash."""
    message = compact(block_of([b"one", b"two"]), 7, ())
    clash = CompactBlock(message.header, message.seal, (), 7, (message.short_ids[0],) * 2, (), ())
    assert solved(clash, [b"one", b"two"]).missing == (0, 1)


def test_looking_ends_when_everything_is_found() -> None:
    message = compact(block_of([b"one"]), 7, ())
    puzzle = Puzzle(TEMPLATE.header, message)

    def digests() -> Iterator[Hash]:
        yield sha256(b"one")
        raise AssertionError("looked further than needed")

    puzzle.look(digests(), {sha256(b"one"): b"one"}.get)
    assert puzzle.missing == ()


def test_places_beyond_the_block_are_none() -> None:
    block = block_of([b"one", b"two"])
    assert transactions_at(block, (0, 1)) == [b"one", b"two"]
    assert transactions_at(block, (1, 2)) is None
