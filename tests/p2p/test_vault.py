"""The vault: what a holder keeps, how a file finds its record, and what happens to damage."""

import os
from pathlib import Path

import pytest

from chain.primitives.hashing import sha256
from chain.transactions.dataset import commit
from p2p import vault as vault_module
from p2p.vault import UnfitFile, Vault, VaultRecord, commitment_of, find_record, read_file

SALT = bytes(range(32))


def record_of(path: Path, content: bytes, number: int = 1) -> tuple[VaultRecord, bytes]:
    sealed = b"sealed " + content + bytes([number])
    record = VaultRecord(
        path=str(path),
        dataset=sha256(bytes([number]) + content).hex(),
        genesis_hash="00" * 32,
        owner="did:cornerstone:test:z1",
        salt=SALT.hex(),
        commitment=commit(SALT, content).hex(),
        ciphertext_hash=sha256(sealed).hex(),
        media_type="text/plain",
        size=len(content),
        sector="shipping",
        stored_ms=number,
    )
    return record, sealed


def put(vault: Vault, path: Path, content: bytes, number: int = 1) -> VaultRecord:
    record, sealed = record_of(path, content, number)
    vault.put(record, sealed)
    return record


def test_what_is_put_is_found_by_path_and_by_dataset(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    record = put(vault, tmp_path / "a.txt", b"one")
    assert vault.of_path(tmp_path / "a.txt") == record
    assert vault.of_dataset(record.dataset) == record
    assert vault.of_path(tmp_path / "b.txt") is None
    assert vault.ciphertext(record) == b"sealed one\x01"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    put(Vault(tmp_path / "vault"), tmp_path / "a.txt", b"one")
    for folder, _, names in os.walk(tmp_path / "vault"):
        for name in names:
            assert (Path(folder) / name).stat().st_mode & 0o077 == 0
            assert not name.endswith(".new")


def test_the_latest_of_a_path_counts_whoever_published_it(tmp_path: Path) -> None:
    ann, bob = Vault(tmp_path / "ann"), Vault(tmp_path / "bob")
    path = tmp_path / "a.txt"
    put(ann, path, b"one", 1)
    newest = put(bob, path, b"two", 3)
    put(ann, path, b"one", 2)
    assert find_record([ann, bob], path, b"two")[1] == newest


def test_a_moved_file_is_found_by_content_then_by_name(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    record = put(vault, tmp_path / "a.txt", b"one")
    assert find_record([vault], tmp_path / "elsewhere", b"one")[1] == record
    assert find_record([vault], tmp_path / "copy" / "a.txt", b"changed")[1] == record
    put(vault, tmp_path / "other" / "a.txt", b"another", 2)
    with pytest.raises(UnfitFile, match=r"2 published files are called a\.txt"):
        find_record([vault], tmp_path / "copy" / "a.txt", b"changed")
    with pytest.raises(UnfitFile, match="in no vault here"):
        find_record([vault], tmp_path / "b.txt", b"changed")


def test_a_changed_byte_changes_the_commitment(tmp_path: Path) -> None:
    record, _ = record_of(tmp_path, b"one")
    assert commitment_of(record, b"one") == record.commitment
    assert commitment_of(record, b"onf") != record.commitment


def test_a_refused_record_leaves_nothing_but_what_others_use(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    first = put(vault, tmp_path / "a.txt", b"one")
    second = put(vault, tmp_path / "b.txt", b"one")  # same sealed bytes, another path
    vault.discard(first)
    assert vault.of_path(tmp_path / "a.txt") is None
    assert vault.ciphertext(second)
    vault.discard(second)
    assert list(vault.records()) == []
    with pytest.raises(UnfitFile, match="cannot be read"):
        vault.ciphertext(second)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"{}", b'{"format": "other"}', b'{"format": "cornerstone/vault/1"}']
)
def test_a_damaged_record_is_named(tmp_path: Path, text: bytes) -> None:
    vault = Vault(tmp_path)
    put(vault, tmp_path / "a.txt", b"one")
    (path,) = (tmp_path / "records").iterdir()
    path.write_bytes(text)
    with pytest.raises(UnfitFile, match=path.name):
        vault.of_path(tmp_path / "a.txt")


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnfitFile, match=r"is a directory; name its files"):
        read_file(tmp_path)
    with pytest.raises(UnfitFile, match="No such file"):
        read_file(tmp_path / "none")
    monkeypatch.setattr(vault_module, "FILE_BYTES_MAX", 3)
    (tmp_path / "big").write_bytes(b"four")
    with pytest.raises(UnfitFile, match="has 4 bytes, at most 3"):
        read_file(tmp_path / "big")
