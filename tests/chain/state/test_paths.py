"""State keys and their text form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import Malformed
from chain.state import paths

ids = st.binary(min_size=32, max_size=32)


@given(
    st.builds(paths.did, ids)
    | st.builds(paths.sequence, ids, st.integers(0, 15))
    | st.builds(paths.balance, st.sampled_from([b"CNY", b"BRL2"]), ids)
    | st.builds(paths.dataset, ids)
    | st.builds(paths.proposal, ids)
    | st.builds(paths.vote, ids, ids)
    | st.builds(paths.offence, ids)
    | st.sampled_from([paths.OPEN_PROPOSALS, paths.parameter("block_bytes_max")])
    | st.sampled_from([paths.AUTHORITY_SET, paths.SEATED_SINCE, paths.PENDING_SET])
    | st.just(paths.currency(b"CNY"))
)
def test_round_trip(key: bytes) -> None:
    assert paths.parse_path(paths.format_path(key, "demo"), "demo") == key


@given(
    st.sampled_from([b"", b"did/", b"seq/", b"bal/", b"cur/", b"ds/", b"gov/param/", b"gov/vote/"]),
    st.binary(max_size=80),
)
def test_any_bytes_have_a_form_that_can_be_shown(prefix: bytes, rest: bytes) -> None:
    text = paths.format_path(prefix + rest, "demo")
    assert text.isascii()
    assert text.isprintable()
    assert "[" not in text
    if not text.startswith("hex/"):
        assert paths.parse_path(text, "demo") == prefix + rest


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "did", "did/alice", "seq/did:cornerstone:demo:z1/16", "ds/00", "ds/zz"),
        *("bal/é/x", "cur/", "cur/\x1b[31m", "gov/param/a b"),
        f"seq/did:cornerstone:demo:z1/{'1' * 5_000}",
    ],
)
def test_refusals_list_the_forms(text: str) -> None:
    with pytest.raises(Malformed):
        paths.parse_path(text, "demo")
