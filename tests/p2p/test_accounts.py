"""Account files: written for the owner alone, read with care."""

import json
import resource
from pathlib import Path

import pytest

from chain.primitives.hashing import ZERO_HASH
from chain.transactions.document import Purpose
from p2p.accounts import (
    FILE_BYTES_MAX,
    Account,
    BadAccount,
    HeldKey,
    document_of,
    load_account,
    save_account,
    write_secret,
)

KEYS = (
    HeldKey("admin", Purpose.ADMIN, bytes([1]) * 32),
    HeldKey("tx", Purpose.TX, bytes([2]) * 32),
    HeldKey("agree", Purpose.AGREE, bytes([3]) * 32),
)
ACCOUNT = Account("acme", "test", document_of(KEYS, ZERO_HASH).id, KEYS)


def test_an_account_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "acme.json"
    save_account(path, ACCOUNT)
    assert load_account(path) == ACCOUNT
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_written_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "next"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as told:
            write_secret(path, bytes(32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert told.value.filename == str(path)
    assert not path.exists()
    write_secret(path, bytes(32))
    with pytest.raises(FileExistsError):
        write_secret(path, bytes(32))
    assert path.read_text() == bytes(32).hex() + "\n"


def test_its_keys_by_purpose() -> None:
    assert ACCOUNT.signing_key().public == KEYS[1].public
    assert ACCOUNT.agreement_key().public == KEYS[2].public
    assert set(ACCOUNT.signing_pairs()) == {KEYS[0].public, KEYS[1].public}
    with pytest.raises(BadAccount, match=r"no seal key \(has: admin, tx, agree\)"):
        ACCOUNT.signing_key(Purpose.SEAL)


def test_its_document_gives_its_did() -> None:
    assert ACCOUNT.document().id == ACCOUNT.did
    with pytest.raises(BadAccount, match="its file says"):
        Account("acme", "test", ACCOUNT.did, KEYS[:2]).document()


def test_secrets_are_not_printed() -> None:
    assert "02" * 32 not in repr(ACCOUNT)
    assert "02" * 32 not in repr(KEYS[1])


def edited(**changes: object) -> bytes:
    held = [{"id": k.id, "purpose": k.purpose.value, "secret": k.secret.hex()} for k in KEYS]
    value: dict[str, object] = {
        "format": "cornerstone/account/1",
        "name": "acme",
        "network": "test",
        "did": ACCOUNT.did_text,
        "keys": held,
    }
    return json.dumps(value | changes).encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no account file"),
        (b"[1]", "no account file"),
        (b"{}", "no account file"),
        (b"\xff", "no account file"),
        (b"[" * 60_000, "no account file"),
        (edited(format="other"), "expected 'cornerstone/account/1'"),
        (edited(did="did:key:z1"), "did:cornerstone"),
        (edited(network="other"), "is on network 'test'"),
        (edited(keys=[{"id": "tx", "purpose": "tx", "secret": "00"}]), "1 bytes, expected 32"),
        (edited(keys=[{"id": "tx", "purpose": "fun", "secret": "00" * 32}]), "fun"),
        (edited(keys=7), "no account file"),
        (b" " * (FILE_BYTES_MAX + 1), "more than"),
    ],
)
def test_what_is_no_account_file(tmp_path: Path, text: bytes, why: str) -> None:
    path = tmp_path / "acme.json"
    path.write_bytes(text)
    with pytest.raises(BadAccount, match=why):
        load_account(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadAccount, match="No such file"):
        load_account(tmp_path / "none.json")
