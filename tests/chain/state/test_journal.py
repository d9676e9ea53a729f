"""The journal beside a list of whole copies."""

from hypothesis import given
from hypothesis import strategies as st

from chain.state.journal import State

keys = st.sampled_from([b"a", b"b", b"c", b"d"])
steps = st.lists(
    st.tuples(st.just("put"), keys, st.binary(max_size=2))
    | st.tuples(st.just("delete"), keys)
    | st.tuples(st.just("mark"))
    | st.tuples(st.just("revert"), st.integers(0, 5)),
    max_size=40,
)


@given(st.dictionaries(keys, st.binary(max_size=2)), steps)
def test_against_copies(stored: dict[bytes, bytes], program: list[tuple[object, ...]]) -> None:
    state = State(stored.get)
    model = dict(stored)
    marks: list[tuple[int, dict[bytes, bytes]]] = []
    for step in program:
        match step:
            case ("put", bytes(key), bytes(value)):
                state.put(key, value)
                model[key] = value
            case ("delete", bytes(key)):
                state.delete(key)
                model.pop(key, None)
            case ("mark",):
                marks.append((state.mark(), dict(model)))
            case ("revert", int(back)) if marks:
                del marks[len(marks) - min(back, len(marks) - 1) :]
                mark, model = marks[-1][0], dict(marks[-1][1])
                state.revert(mark)
        assert {key: state.get(key) for key in (b"a", b"b", b"c", b"d")} == {
            key: model.get(key) for key in (b"a", b"b", b"c", b"d")
        }
    changes = state.changes()
    undo = {key: state.stored(key) for key in changes}
    after = {k: v for k, v in {**stored, **changes}.items() if v is not None}
    assert after == model
    assert {k: v for k, v in {**after, **undo}.items() if v is not None} == stored
    assert all(stored.get(key) != value for key, value in changes.items())
