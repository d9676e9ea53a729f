"""An account file: an organisation's name, its DID on one network, and the keys it signs with.

One JSON file per account, readable by its owner only. A testnet writes one for each of its people;
`cornerstone keys new` writes one for an organisation of a network of your own.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from chain.files import naming
from chain.primitives.did import format_did, parse_did
from chain.primitives.errors import Malformed, Refusal
from chain.primitives.hashing import ZERO_HASH, Hash
from chain.primitives.keys import SEED_BYTES, AgreementKey, KeyPair
from chain.transactions.document import DidDocument, Key, Purpose

FORMAT = "cornerstone/account/1"
FILE_BYTES_MAX = 64 * 1024
"""32 keys take about 8 KB; a larger file is something else."""


class BadAccount(Refusal):
    """An account that cannot be used; the reason names the file and what is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__("bad-account", reason)


@dataclass(frozen=True, slots=True, repr=False)
class HeldKey:
    """A key with its 32-byte secret: an Ed25519 seed, or an X25519 secret when it is to agree."""

    id: str
    purpose: Purpose
    secret: bytes

    @property
    def public(self) -> bytes:
        """The public half, 32 bytes."""
        if self.purpose is Purpose.AGREE:
            return AgreementKey(self.secret).public
        return KeyPair.from_seed(self.secret).public


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Whom a command acts for. `did` is the 32-byte id."""

    name: str
    network: str
    did: bytes
    keys: tuple[HeldKey, ...]
    next: Hash = ZERO_HASH  # the document's commitment to the admin keys that may follow

    @property
    def did_text(self) -> str:
        """The DID as people write it."""
        return format_did(self.network, self.did)

    def signing_key(self, purpose: Purpose = Purpose.TX) -> KeyPair:
        """The key of that purpose. Raises BadAccount when the file holds none."""
        return KeyPair.from_seed(self._secret(purpose))

    def agreement_key(self) -> AgreementKey:
        """The key that files are encrypted to. Raises BadAccount when the file holds none."""
        return AgreementKey(self._secret(Purpose.AGREE))

    def document(self) -> DidDocument:
        """The identity document the account was made from. Raises BadAccount for another DID's."""
        document = document_of(self.keys, self.next)
        if document.id != self.did:
            raise BadAccount(
                f"the keys of {self.name!r} make the identity {document.id.hex()}, its file says "
                f"{self.did.hex()}"
            )
        return document

    def signing_pairs(self) -> dict[bytes, KeyPair]:
        """All keys that can sign, by public key."""
        pairs = [
            KeyPair.from_seed(key.secret) for key in self.keys if key.purpose is not Purpose.AGREE
        ]
        return {pair.public: pair for pair in pairs}

    def _secret(self, purpose: Purpose) -> bytes:
        for key in self.keys:
            if key.purpose is purpose:
                return key.secret
        held = ", ".join(key.purpose.value for key in self.keys) or "none"
        raise BadAccount(f"account {self.name!r} has no {purpose.value} key (has: {held})")


def document_of(keys: tuple[HeldKey, ...], following: Hash) -> DidDocument:
    """The identity document that lists these keys; `following` commits to the next admin keys."""
    return DidDocument(tuple(Key(key.id, key.purpose, key.public) for key in keys), next=following)


def save_account(path: Path, account: Account) -> None:
    """Write the file, readable by its owner only, in one step. Raises OSError that names it."""
    value = {
        "format": FORMAT,
        "name": account.name,
        "network": account.network,
        "did": account.did_text,
        "keys": [
            {"id": key.id, "purpose": key.purpose.value, "secret": key.secret.hex()}
            for key in account.keys
        ],
        "next": account.next.hex(),
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with naming(path), os.fdopen(opened, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
    draft.replace(path)


def write_secret(path: Path, seed: bytes) -> None:
    """Write a 32-byte seed in hex, readable by its owner alone. Raises OSError that names it.

    A file that is there is left as it is; half a file is not left at all.
    """
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with naming(path), os.fdopen(opened, "w") as file:
            file.write(seed.hex() + "\n")
    except OSError:
        path.unlink()
        raise


def load_account(path: Path) -> Account:
    """Read an account file. Raises BadAccount."""
    try:
        text = path.read_bytes()[: FILE_BYTES_MAX + 1]
    except OSError as error:
        raise BadAccount(f"{path} cannot be read ({error.strerror})") from error
    if len(text) > FILE_BYTES_MAX:
        raise BadAccount(f"{path} has more than {FILE_BYTES_MAX} bytes; it is no account file")
    try:
        value = json.loads(text)
        if value["format"] != FORMAT:
            raise BadAccount(f"{path}: format {value['format']!r}, expected {FORMAT!r}")
        network = value["network"]
        did = parse_did(value["did"], network)
        keys = tuple(_held_key(key["id"], key["purpose"], key["secret"]) for key in value["keys"])
        following = Hash(bytes.fromhex(value.get("next", ZERO_HASH.hex())))
        return Account(value["name"], network, did, keys, following)
    except Malformed as error:
        raise BadAccount(f"{path}: {error.reason}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadAccount(f"{path} is no account file ({error!r})") from error


def _held_key(id_: str, purpose: str, secret: str) -> HeldKey:
    raw = bytes.fromhex(secret)
    if len(raw) != SEED_BYTES:
        raise ValueError(f"secret of key {id_!r} has {len(raw)} bytes, expected {SEED_BYTES}")
    return HeldKey(id_, Purpose(purpose), raw)
