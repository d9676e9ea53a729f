"""Ed25519 against RFC 8032, Wycheproof and CCTV; the verdict is strict libsodium's."""

import json
from pathlib import Path

import pytest

from chain.primitives.keys import AgreementKey, KeyPair, verify, verify_all

DATA = Path(__file__).parents[2] / "data"


def test_rfc_8032_vectors() -> None:
    """Secret key, public key, message, signature: both making and checking."""
    lines = (DATA / "ed25519-rfc8032/sign.input.first256").read_text().splitlines()
    assert len(lines) == 256
    for line in lines:
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        pair = KeyPair.from_seed(secret[:32])
        assert pair.public == public
        assert pair.seed == secret[:32]
        signature = pair.sign(message)
        assert signature + message == signed
        assert verify(public, message, signature)
        assert not verify(public, message + b"x", signature)


def test_wycheproof_vectors() -> None:
    groups = json.loads((DATA / "ed25519-wycheproof/ed25519_test.json").read_text())["testGroups"]
    judged = 0
    for group in groups:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            accepted = verify(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            assert accepted == (test["result"] == "valid"), test
            judged += 1
    assert judged > 140


def test_cctv_vectors_are_judged_as_strict_libsodium_does() -> None:
    """libsodium refuses low-order and non-canonical points and checks the equation unmultiplied.

    So a vector passes exactly when it has no flag beyond a low-order component that leaves no
    residue (CCTV ed25519/README.md).
    """
    vectors = json.loads((DATA / "ed25519-cctv/ed25519vectors.json").read_text())
    harmless = {"low_order_component_A", "low_order_component_R"}
    verdicts = []
    for vector in vectors:
        flags = set(vector["flags"] or ())
        accepted = verify(
            bytes.fromhex(vector["key"]), vector["msg"].encode(), bytes.fromhex(vector["sig"])
        )
        assert accepted == (flags <= harmless), vector
        verdicts.append(accepted)
    assert len(verdicts) == 914
    assert any(verdicts)
    assert not all(verdicts)


def test_wrong_lengths_are_no_signatures() -> None:
    pair = KeyPair.from_seed(bytes(32))
    signature = pair.sign(b"m")
    assert not verify(pair.public[:-1], b"m", signature)
    assert not verify(pair.public, b"m", signature[:-1])
    assert not verify(pair.public, b"m", signature + b"\0")


def test_verify_all_answers_in_order() -> None:
    pair = KeyPair.from_seed(bytes(32))
    good = (pair.public, b"m", pair.sign(b"m"))
    bad = (pair.public, b"n", pair.sign(b"m"))
    assert verify_all([good, bad, good]) == [True, False, True]


def test_secrets_stay_out_of_repr() -> None:
    assert bytes(range(32)).hex() not in repr(KeyPair.from_seed(bytes(range(32))))
    assert bytes(range(32)).hex() not in repr(AgreementKey(bytes(range(32))))


@pytest.mark.parametrize("secret", [bytes(32), bytes(range(32))])
def test_agreement_keys_are_deterministic(secret: bytes) -> None:
    assert AgreementKey(secret).public == AgreementKey(secret).public
    assert len(AgreementKey(secret).public) == 32
