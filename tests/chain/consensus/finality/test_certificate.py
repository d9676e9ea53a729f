"""Votes and certificates: one encoding each, and a quorum of the right set."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.consensus.finality.certificate import (
    Certificate,
    check_signatures,
    decode_certificate,
)
from chain.consensus.finality.vote import Checkpoint, Vote, decode_vote
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import Hash, sha256
from tests.chain.consensus.finality.world import CHAIN, LINK, certify, parties, set_of, sign

SEVEN = parties(7)
SET = set_of(SEVEN)
GOOD = certify(LINK, SEVEN, range(5))

hashes = st.binary(min_size=32, max_size=32).map(Hash)
numbers = st.integers(0, 2**63 - 1)
checkpoints = st.builds(Checkpoint, hashes, numbers)
links = st.builds(Vote, numbers, checkpoints, checkpoints)


@st.composite
def certificates(draw: st.DrawFn) -> Certificate:
    bits = draw(st.binary(max_size=25))
    count = sum(byte.bit_count() for byte in bits)
    signature = st.binary(min_size=64, max_size=64)
    signatures = draw(st.lists(signature, min_size=count, max_size=count))
    return Certificate(draw(links), bits, tuple(signatures))


@given(certificates())
def test_certificates_round_trip(certificate: Certificate) -> None:
    raw = certificate.encode()
    assert decode_certificate(raw) == certificate
    assert decode_certificate(raw).encode() == raw
    assert len(certificate.signers) == len(certificate.votes())


@given(certificates(), st.integers(0), st.binary(min_size=1, max_size=3))
def test_other_bytes_are_other_certificates_or_none(
    certificate: Certificate, at: int, with_: bytes
) -> None:
    raw = certificate.encode()
    at %= len(raw)
    other = raw[:at] + with_ + raw[at + 1 :]
    try:
        decoded = decode_certificate(other)
    except Refusal:
        return
    assert (decoded == certificate) == (other == raw)
    assert decoded.encode() == other


@given(st.binary(max_size=400))
def test_noise_is_refused_not_crashed_on(noise: bytes) -> None:
    for decode in (decode_certificate, decode_vote):
        with pytest.raises(Refusal):
            decode(noise)


def test_a_vote_round_trips_and_verifies_by_its_key_on_its_chain() -> None:
    vote = sign(LINK, 2, SEVEN[2])
    assert decode_vote(vote.encode()) == vote
    assert vote.verifies(SET.members[2].vote, CHAIN)
    assert not vote.verifies(SET.members[3].vote, CHAIN)
    assert not vote.verifies(SET.members[2].vote, sha256(b"other chain"))
    for other in (
        replace(LINK, set_id=1),
        replace(LINK, source=Checkpoint(LINK.source.block, 2)),
        replace(LINK, target=Checkpoint(sha256(b"other"), 4)),
    ):
        assert not replace(vote, vote=other).verifies(SET.members[2].vote, CHAIN)


@pytest.mark.parametrize(("members", "needed"), [(3, 3), (4, 3), (6, 5), (7, 5)])
def test_two_thirds_exactly_are_not_enough(members: int, needed: int) -> None:
    of = parties(members)
    check_signatures(certify(LINK, of, range(needed)), set_of(of), CHAIN)
    with pytest.raises(Invalid, match=f"{needed - 1} of {members} signed, {needed} are needed"):
        check_signatures(certify(LINK, of, range(needed - 1)), set_of(of), CHAIN)


def _with_bits(*bits: int) -> bytes:
    return bytes([sum(1 << bit for bit in bits)])


STRANGER = parties(1, "stranger")[0]
BAD: dict[str, tuple[str, Certificate]] = {
    "foreign signer": (
        "certificate-signature",
        certify(LINK, (*SEVEN[:4], STRANGER, *SEVEN[5:]), range(5)),
    ),
    "signer twice": (
        "certificate-signature",
        replace(GOOD, signatures=(*GOOD.signatures[:4], GOOD.signatures[3])),
    ),
    "signatures in another order": (
        "certificate-signature",
        replace(GOOD, signatures=GOOD.signatures[::-1]),
    ),
    "bits of others": ("certificate-signature", replace(GOOD, bits=_with_bits(0, 1, 2, 3, 5))),
    "padding bit": ("certificate-bits", replace(GOOD, bits=_with_bits(0, 1, 2, 3, 7))),
    "no bits": ("certificate-bits", replace(GOOD, bits=b"", signatures=())),
    "too many bits": ("certificate-bits", replace(GOOD, bits=GOOD.bits + b"\0")),
    "another set": ("certificate-set", certify(replace(LINK, set_id=1), SEVEN, range(5))),
    "another vote": (
        "certificate-signature",
        replace(GOOD, vote=replace(LINK, source=Checkpoint(LINK.source.block, 2))),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_signatures_that_do_not_make_a_certificate(name: str) -> None:
    code, certificate = BAD[name]
    with pytest.raises(Invalid) as refused:
        check_signatures(certificate, SET, CHAIN)
    assert refused.value.code == code


def test_a_certificate_counts_on_its_chain_only() -> None:
    check_signatures(GOOD, SET, CHAIN)
    with pytest.raises(Invalid, match="does not verify"):
        check_signatures(GOOD, SET, sha256(b"other chain"))


def test_bits_and_signatures_are_as_many() -> None:
    for wrong in (
        replace(GOOD, signatures=GOOD.signatures[:4]),
        replace(GOOD, bits=_with_bits(0, 1, 2, 3)),
    ):
        with pytest.raises(Invalid, match="certificate-signers"):
            decode_certificate(wrong.encode())
