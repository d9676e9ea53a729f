"""What the holder of published files keeps: the salt and the sealed content, never the content.

The chain has only sha256(salt | content) and the hash of the age file. With the salt the holder
can prove a file against the chain; without it nobody can, which is also how a dataset is erased.

VAULT/
    records/<path digest>-<dataset id>.json    which file, which dataset, its salt and hashes
    sealed/<ciphertext hash>.age               the content, for the owner's `agree` key

- A record is on disk before its transaction is sent. *Why:* a commitment on the chain whose salt
  was lost in a crash proves nothing for ever.
- Every file is written beside its place, flushed and renamed. *Why:* no reader sees half of one.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from chain.files import naming
from chain.primitives.errors import Refusal
from chain.transactions.dataset import commit

FORMAT = "cornerstone/vault/1"
SALT_BYTES = 32
FILE_BYTES_MAX = 128 * 1024 * 1024
"""A file is read whole, so that what is committed to is what is sealed; twice this in memory."""
PATH_DIGITS = 16
"""Enough of the path's hash that two paths of one vault never share it."""


class UnfitFile(Refusal):
    """A file that cannot be published or verified; the reason says which and what to do."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)


@dataclass(frozen=True, slots=True)
class VaultRecord:
    """One published file. Hashes, salt and ids in hex; `stored_ms` orders records of one path."""

    path: str
    dataset: str
    genesis_hash: str
    owner: str
    salt: str
    commitment: str
    ciphertext_hash: str
    media_type: str
    size: int
    sector: str
    stored_ms: int


def read_file(path: Path) -> bytes:
    """The content of a file to publish or verify. Raises UnfitFile."""
    try:
        if path.is_dir():
            raise UnfitFile(
                "directory", f"{path} is a directory; name its files, for example {path}/*.json"
            )
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise UnfitFile(
                "file-size", f"{path} has {size} bytes, at most {FILE_BYTES_MAX} can be published"
            )
        return path.read_bytes()
    except OSError as error:
        raise UnfitFile("file", f"{path} cannot be read ({error.strerror})") from error


class Vault:
    """The vault of one account, in its folder."""

    def __init__(self, folder: Path) -> None:
        self._records = folder / "records"
        self._sealed = folder / "sealed"

    def put(self, record: VaultRecord, ciphertext: bytes) -> None:
        """Keep a file's record and sealed content; on disk when this returns. Raises OSError."""
        for folder in (self._records, self._sealed):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"format": FORMAT, **asdict(record)}, indent=2) + "\n"
        write_durably(self.sealed_path(record), ciphertext)
        write_durably(self._record_path(record), text.encode())

    def discard(self, record: VaultRecord) -> None:
        """Forget a record whose transaction was refused."""
        self._record_path(record).unlink(missing_ok=True)
        if not any(r.ciphertext_hash == record.ciphertext_hash for r in self.records()):
            self.sealed_path(record).unlink(missing_ok=True)

    def records(self, pattern: str = "*") -> Iterator[VaultRecord]:
        """The records whose file names match, the latest first. Raises UnfitFile."""
        found = [load_record(path) for path in self._records.glob(f"{pattern}.json")]
        yield from sorted(found, key=lambda r: (-r.stored_ms, r.dataset))

    def of_path(self, path: Path) -> VaultRecord | None:
        """The latest record of the file at a path."""
        return next(self.records(f"{_digest(path)}-*"), None)

    def of_dataset(self, dataset: str) -> VaultRecord | None:
        """The record of a dataset."""
        return next(self.records(f"*-{dataset}"), None)

    def sealed_path(self, record: VaultRecord) -> Path:
        """Where the sealed content is."""
        return self._sealed / f"{record.ciphertext_hash}.age"

    def ciphertext(self, record: VaultRecord) -> bytes:
        """The sealed content. Raises UnfitFile when it is gone."""
        path = self.sealed_path(record)
        try:
            return path.read_bytes()
        except OSError as error:
            raise UnfitFile("sealed-file", f"{path} cannot be read ({error.strerror})") from error

    def _record_path(self, record: VaultRecord) -> Path:
        return self._records / f"{_digest(Path(record.path))}-{record.dataset}.json"


def find_record(vaults: list[Vault], path: Path, content: bytes) -> tuple[Vault, VaultRecord]:
    """The record a file belongs to: by its path (the latest), else by its content, or its name.

    Raises UnfitFile when no vault knows it, or when only an ambiguous name does.
    """
    there = [(vault, record) for vault in vaults if (record := vault.of_path(path)) is not None]
    if there:
        return max(there, key=lambda one: one[1].stored_ms)
    everything = [(vault, record) for vault in vaults for record in vault.records()]
    for vault, record in everything:
        if record.size == len(content) and commitment_of(record, content) == record.commitment:
            return vault, record
    named = [(v, r) for v, r in everything if Path(r.path).name == path.name]
    if len({record.path for _, record in named}) == 1:
        return named[0]
    if named:
        raise UnfitFile(
            "ambiguous-file",
            f"{len(named)} published files are called {path.name}; say which with --dataset ID",
        )
    raise UnfitFile(
        "not-published",
        f"{path} is in no vault here: it was not published from this machine (or under another "
        "--from); say which dataset it is with --dataset ID",
    )


def commitment_of(record: VaultRecord, content: bytes) -> str:
    """What the commitment to a content would be under the record's salt, in hex."""
    return commit(bytes.fromhex(record.salt), content).hex()


def load_record(path: Path) -> VaultRecord:
    """Read a record. Raises UnfitFile when it is damaged."""
    try:
        value = json.loads(path.read_bytes())
        if value.pop("format") != FORMAT:
            raise ValueError("another format")
        return VaultRecord(**value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnfitFile("vault-record", f"{path} cannot be used ({error!r})") from error


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file in one step, readable by its owner only, flushed to disk. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with naming(path), os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:PATH_DIGITS]
