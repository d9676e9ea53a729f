"""Base58 and DIDs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import base58
from chain.primitives.did import check_network_name, format_did, parse_did
from chain.primitives.errors import Malformed


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (b"The quick brown fox jumps over the lazy dog.",
         "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
    ],
)  # fmt: skip
def test_base58_vectors_of_the_ietf_draft(data: bytes, text: str) -> None:
    assert base58.encode(data) == text
    assert base58.decode(text) == data


@given(st.binary(max_size=60))
def test_base58_round_trip(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "é", "1" * 129])
def test_base58_refuses(text: str) -> None:
    with pytest.raises(Malformed, match="base58"):
        base58.decode(text)


@given(st.binary(min_size=32, max_size=32))
def test_did_round_trip(identifier: bytes) -> None:
    assert parse_did(format_did("demo", identifier), "demo") == identifier


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("alice", "not of the form"),
        ("did:key:z6Mk", "not of the form"),
        ("did:cornerstone:other:z1", "network 'other', this one is 'demo'"),
        ("did:cornerstone:demo:z1", "1 bytes, not 32"),
        ("did:cornerstone:demo:zl", "not base58"),
    ],
)
def test_did_refusals_name_the_values(text: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_did(text, "demo")


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a" * 33])
def test_network_names(name: str) -> None:
    with pytest.raises(Malformed, match="network-name"):
        check_network_name(name)
