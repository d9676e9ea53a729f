"""The identity document: an organisation's keys, from whose hash its DID follows.

Rules:
- The DID is the hash of this document. *Why:* nobody has to hand out names, and nobody can claim
  a name without the keys that made it.
- A key appears once and has one purpose. *Why:* a key that seals blocks on a server must not also
  be able to move money or replace the other keys.
- `next` commits to the keys that may replace the admin keys (pre-rotation, as in KERI). *Why:* a
  thief of the current admin keys cannot rotate the owner out.
Spec: docs/spec/ledger.md, section 3.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.primitives.printable import is_printable

KEYS_MAX = 32
"""Enough for a k-of-n board and the servers of a large organisation; a record stays under 4 KiB."""
SERVICES_MAX = 8
KEY_ID_MAX = 32
SERVICE_TEXT_MAX = 256
"""An endpoint address; longer ones belong behind a shorter one, not on every node for ever."""
KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class Purpose(StrEnum):
    """What a key may do, and nothing else."""

    ADMIN = "admin"  # replaces keys; `threshold` of them together
    TX = "tx"  # signs transactions
    SEAL = "seal"  # seals blocks
    VOTE = "vote"  # votes for finality
    AGREE = "agree"  # X25519: others encrypt to it; cannot sign
    ASSERT = "assert"  # signs credentials


PURPOSES = {purpose.value: purpose for purpose in Purpose}


@dataclass(frozen=True, slots=True)
class Key:
    """One public key (32 bytes) under a name that is unique in its document."""

    id: str
    purpose: Purpose
    public: bytes

    @classmethod
    def from_value(cls, value: Value) -> Self:
        id_, purpose, public = shape.array(value, 3, "key")
        named = shape.text(purpose, KEY_ID_MAX, "key purpose")
        if named not in PURPOSES:
            known = ", ".join(PURPOSES)
            raise Invalid("key-purpose", f"unknown key purpose {named!r}; known: {known}")
        return cls(
            shape.text(id_, KEY_ID_MAX, "key id"),
            PURPOSES[named],
            shape.blob(public, 32, "public key"),
        )

    def to_value(self) -> list[Value]:
        return [self.id, self.purpose.value, self.public]


@dataclass(frozen=True, slots=True)
class Service:
    """Where the organisation can be reached, as in a W3C DID document."""

    id: str
    type: str
    endpoint: str

    @classmethod
    def from_value(cls, value: Value) -> Self:
        id_, type_, endpoint = shape.array(value, 3, "service")
        return cls(
            shape.text(id_, KEY_ID_MAX, "service id"),
            shape.text(type_, SERVICE_TEXT_MAX, "service type"),
            shape.text(endpoint, SERVICE_TEXT_MAX, "service endpoint"),
        )

    def to_value(self) -> list[Value]:
        return [self.id, self.type, self.endpoint]


@dataclass(frozen=True, slots=True)
class DidDocument:
    """The document an identity is founded with; correct by construction (raises Invalid)."""

    keys: tuple[Key, ...]
    threshold: int = 1
    next: Hash = ZERO_HASH  # ZERO_HASH: the admin keys can never be replaced
    services: tuple[Service, ...] = ()
    controller: bytes | None = None  # the organisation this department or device belongs to

    def __post_init__(self) -> None:
        _check_keys(self.keys, self.threshold)
        _check_services(self.services)

    @property
    def id(self) -> bytes:
        """The 32 bytes of the DID."""
        return sha256(cbor.encode(self.to_value()))

    @classmethod
    def from_value(cls, value: Value) -> Self:
        keys, threshold, next_, services, controller = shape.array(value, 5, "document")
        return cls(
            tuple(Key.from_value(key) for key in shape.items(keys, KEYS_MAX, "document keys")),
            shape.uint(threshold, KEYS_MAX, "document threshold"),
            Hash(shape.blob(next_, 32, "document next")),
            tuple(
                Service.from_value(service)
                for service in shape.items(services, SERVICES_MAX, "document services")
            ),
            None if controller is None else shape.blob(controller, 32, "document controller"),
        )

    def to_value(self) -> list[Value]:
        return [
            [key.to_value() for key in self.keys],
            self.threshold,
            self.next,
            [service.to_value() for service in self.services],
            self.controller,
        ]


def commit_next_keys(publics: Iterable[bytes], threshold: int) -> Hash:
    """The `next` field for the admin keys (32-byte publics) that shall replace the current ones."""
    return sha256(cbor.encode([[*sorted(publics)], threshold]))


def _check_keys(keys: tuple[Key, ...], threshold: int) -> None:
    if not 1 <= len(keys) <= KEYS_MAX:
        raise Invalid("document-keys", f"a document has 1 to {KEYS_MAX} keys, this one {len(keys)}")
    for key in keys:
        if not KEY_ID.fullmatch(key.id):
            raise Invalid(
                "document-keys",
                f"key id {key.id!r}: expected 1 to {KEY_ID_MAX} of a-z, 0-9 and -, no leading -",
            )
        if len(key.public) != 32:
            raise Invalid(
                "document-keys", f"key {key.id!r}: expected 32 bytes, got {len(key.public)}"
            )
    _refuse_repeated("key id", [key.id for key in keys])
    _refuse_repeated("public key", [key.public.hex() for key in keys])
    if not any(key.purpose is Purpose.TX for key in keys):
        raise Invalid("document-keys", "no key of purpose tx: nobody could ever sign for it")
    admins = sum(key.purpose is Purpose.ADMIN for key in keys)
    if not 1 <= threshold <= admins:
        raise Invalid(
            "document-threshold",
            f"threshold {threshold} of {admins} admin keys: expected 1 to {max(admins, 1)}",
        )


def _check_services(services: tuple[Service, ...]) -> None:
    if len(services) > SERVICES_MAX:
        raise Invalid(
            "document-services", f"{len(services)} services, at most {SERVICES_MAX} are allowed"
        )
    for service in services:
        for text in (service.id, service.type, service.endpoint):
            if not text or not is_printable(text):
                raise Invalid(
                    "document-services",
                    f"service {service.id!r}: expected printable text, not empty",
                )
    _refuse_repeated("service id", [service.id for service in services])


def _refuse_repeated(what: str, values: list[str]) -> None:
    seen = set[str]()
    for value in values:
        if value in seen:
            raise Invalid("document-repeated", f"{what} {value} appears twice")
        seen.add(value)
