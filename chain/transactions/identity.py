"""Identities on the ledger: the record kept for each, and `did.register` that founds one.

Rules:
- The sender is the document's own hash, and a `tx` key of the document signs. *Why:* founding
  needs no permission of anyone already there, and nobody can found in another's name.
- Every signing key proves that its holder wants to be here, by signing chain and DID. *Why:* else
  a document could list a stranger's key, and the stranger's signatures would count as ours.
- A controlled identity carries a consent by a live `admin` key of its controller, and at most four
  stand one above the other over it. *Why:* whoever judges a transaction asks for the organisation
  on top, and must not walk a chain that a stranger made long.
- A registration that breaks any of these is un-includable, not failed. *Why:* an identity that
  does not exist has no sequence number to spend, so failures would be free to repeat.
Spec: docs/spec/ledger.md, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import ClassVar, Self

from chain.primitives import cbor, shape
from chain.primitives.cbor import Value
from chain.primitives.errors import Invalid
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair, verify
from chain.state import paths
from chain.state.journal import State
from chain.transactions.body import Context, Event, Failed
from chain.transactions.document import KEYS_MAX, DidDocument, Key, Purpose, Service

POSSESSION = b"cornerstone/possession/1"
CONSENT = b"cornerstone/consent/1"
SLOT_MAX = 2**63 - 1
ROLE_MAX = 32
ROLES_MAX = 16
CONTROLLERS_MAX = 4
"""Above one identity: organisation, division, department, office; then the device itself."""
RECORDS_CACHED = 4096
"""Decoded records kept: the senders of a busy hour, about 8 MB at worst."""
PROOFS_CACHED = 2_560
"""A registration is checked at admission and again in its block; the second time is free. More than
wait at most, and some that came with a block; 5 KB each with the most keys, 13 MB at worst."""


@dataclass(frozen=True, slots=True)
class RecordedKey:
    """A key and the slots in which it counts: from `since`, before `until` (None: no end)."""

    key: Key
    since: int
    until: int | None


class Standing(IntEnum):
    """How the network stands to an identity. Votes change it; only an organisation's counts."""

    ACTIVE = 0
    SUSPENDED = 1
    REMOVED = 2


@dataclass(frozen=True, slots=True)
class DidRecord:
    """What the ledger keeps for an identity (state value under `did/<id>`)."""

    version: int
    keys: tuple[RecordedKey, ...]
    threshold: int
    next: Hash
    services: tuple[Service, ...]
    controller: bytes | None
    roles: tuple[str, ...]
    standing: Standing = Standing.ACTIVE

    @classmethod
    def found(cls, document: DidDocument, slot: int, roles: tuple[str, ...] = ()) -> Self:
        """The first record of an identity founded in `slot`."""
        keys = tuple(RecordedKey(key, slot, None) for key in document.keys)
        return cls(
            1,
            keys,
            document.threshold,
            document.next,
            document.services,
            document.controller,
            roles,
        )

    def encode(self) -> bytes:
        return cbor.encode(
            [
                self.version,
                [[*kept.key.to_value(), kept.since, kept.until] for kept in self.keys],
                self.threshold,
                self.next,
                [service.to_value() for service in self.services],
                self.controller,
                list(self.roles),
                int(self.standing),
            ]
        )


@lru_cache(maxsize=RECORDS_CACHED)
def decode_record(data: bytes) -> DidRecord:
    """Read a state value under `did/<id>`. Raises Malformed when the bytes are not a record."""
    version, keys, threshold, next_, services, controller, roles, standing = shape.array(
        cbor.decode(data), 8, "identity record"
    )
    return DidRecord(
        shape.uint(version, SLOT_MAX, "record version"),
        tuple(_recorded_key(key) for key in shape.items(keys, KEYS_MAX, "record keys")),
        shape.uint(threshold, KEYS_MAX, "record threshold"),
        Hash(shape.blob(next_, 32, "record next")),
        tuple(Service.from_value(s) for s in shape.items(services, KEYS_MAX, "record services")),
        None if controller is None else shape.blob(controller, 32, "record controller"),
        tuple(shape.text(r, ROLE_MAX, "role") for r in shape.items(roles, ROLES_MAX, "roles")),
        Standing(shape.uint(standing, max(Standing), "standing")),
    )


def _recorded_key(value: Value) -> RecordedKey:
    id_, purpose, public, since, until = shape.array(value, 5, "recorded key")
    return RecordedKey(
        Key.from_value([id_, purpose, public]),
        shape.uint(since, SLOT_MAX, "key since"),
        None if until is None else shape.uint(until, SLOT_MAX, "key until"),
    )


def record_of(state: State, did: bytes) -> DidRecord | None:
    """The record of an identity (32-byte id), or None when it is not registered."""
    data = state.get(paths.did(did))
    return None if data is None else decode_record(data)


def organisation_of(state: State, did: bytes) -> bytes:
    """The identity on top of the controllers of a registered one; itself when it has none.

    The walk is at most CONTROLLERS_MAX long: registration and genesis see to that.
    """
    record = record_of(state, did)
    while record is not None and record.controller is not None:
        did = record.controller
        record = record_of(state, did)
    return did


def standing_of(state: State, did: bytes) -> Standing:
    """The standing of the organisation that a registered identity is or belongs to."""
    record = record_of(state, organisation_of(state, did))
    assert record is not None, "a controller is registered before what it controls"
    return record.standing


def controllers_above(state: State, did: bytes) -> int:
    """How many identities stand above a registered one."""
    above = 0
    record = record_of(state, did)
    while record is not None and record.controller is not None:
        above += 1
        record = record_of(state, record.controller)
    return above


def live_key(record: DidRecord, public: bytes, purpose: Purpose, slot: int) -> bool:
    """Whether `public` is a key of that purpose and counts in `slot`."""
    for kept in record.keys:
        if kept.key.public == public:
            return (
                kept.key.purpose is purpose
                and kept.since <= slot
                and (kept.until is None or slot < kept.until)
            )
    return False


@dataclass(frozen=True, slots=True)
class Register:
    """`did.register`: found an identity.

    `proofs` has one entry per key of the document, in its order: 64 bytes by that key, or none at
    all for an `agree` key, which cannot sign. `consent` is (public key, signature) of the
    controller, exactly when the document names one.
    """

    KIND: ClassVar[str] = "did.register"

    document: DidDocument
    proofs: tuple[bytes, ...]
    consent: tuple[bytes, bytes] | None = None

    @classmethod
    def from_value(cls, value: Value) -> Self:
        document, proofs, consent = shape.array(value, 3, "did.register body")
        read = DidDocument.from_value(document)
        signatures = shape.array(proofs, len(read.keys), "did.register proofs")
        if (read.controller is None) != (consent is None):
            raise Invalid(
                "did-consent", "a consent is given exactly when the document names a controller"
            )
        return cls(
            read,
            tuple(
                shape.blob(proof, 0 if key.purpose is Purpose.AGREE else 64, f"proof of {key.id}")
                for key, proof in zip(read.keys, signatures, strict=True)
            ),
            None if consent is None else _consent(consent),
        )

    def to_value(self) -> list[Value]:
        consent: list[Value] | None = None if self.consent is None else list(self.consent)
        return [self.document.to_value(), list(self.proofs), consent]

    @property
    def signatures(self) -> int:
        """How many it brings, beside that of its envelope."""
        return sum(bool(proof) for proof in self.proofs) + (self.consent is not None)

    def parties(self) -> tuple[bytes, ...]:
        return () if self.document.controller is None else (self.document.controller,)

    def check_self(self, sender: bytes, key: bytes, context: Context) -> None:
        """Raise Invalid unless this founds `sender`, signed by its tx key. Reads no state."""
        did = self.document.id
        if did != sender:
            raise Invalid(
                "did-mismatch",
                f"the document's id is {did.hex()}, the sender {sender.hex()}: "
                "an identity is registered by itself",
            )
        record = DidRecord.found(self.document, context.slot)
        if not live_key(record, key, Purpose.TX, context.slot):
            raise Invalid(
                "key-not-live", f"signed by {key.hex()}, which is no tx key of the document"
            )
        _check_possession(POSSESSION + context.chain + did, self.document.keys, self.proofs)

    def check_consent(self, state: State, sender: bytes, context: Context) -> None:
        """Raise Invalid unless the controller, if there is one, consents and is registered."""
        controller = self.document.controller
        if controller is None or self.consent is None:
            return
        record = record_of(state, controller)
        if record is None:
            raise Invalid("did-controller", f"the controller {controller.hex()} is not registered")
        if controllers_above(state, controller) >= CONTROLLERS_MAX:
            raise Invalid(
                "did-depth",
                f"{CONTROLLERS_MAX} identities stand above {controller.hex()}; it controls none",
            )
        if standing_of(state, controller) is not Standing.ACTIVE:
            raise Invalid(
                "did-controller", f"the organisation of {controller.hex()} is not in good standing"
            )
        public, signature = self.consent
        if not live_key(record, public, Purpose.ADMIN, context.slot):
            raise Invalid(
                "did-consent", f"{public.hex()} is no live admin key of {controller.hex()}"
            )
        if not _verified(public, CONSENT + context.chain + sender, signature):
            raise Invalid("did-consent", f"the consent by {public.hex()} does not verify")

    def apply(self, state: State, sender: bytes, txid: Hash, context: Context) -> list[Event]:
        path = paths.did(sender)
        if state.get(path) is not None:
            raise Failed("already-registered", f"{sender.hex()} is registered already")
        state.put(path, DidRecord.found(self.document, context.slot).encode())
        return [("registered", (sender,))]


def register(
    document: DidDocument,
    chain: Hash,
    signers: Mapping[bytes, KeyPair],
    consent: tuple[bytes, bytes] | None = None,
) -> Register:
    """Make a registration; `signers` holds the key pair of every signing key, by public key."""
    message = POSSESSION + chain + document.id
    proofs = tuple(
        b"" if key.purpose is Purpose.AGREE else signers[key.public].sign(message)
        for key in document.keys
    )
    return Register(document, proofs, consent)


def give_consent(admin: KeyPair, chain: Hash, did: bytes) -> tuple[bytes, bytes]:
    """A controller's consent to the registration of `did` (32-byte id) under it."""
    return admin.public, admin.sign(CONSENT + chain + did)


def _consent(value: Value) -> tuple[bytes, bytes]:
    public, signature = shape.array(value, 2, "consent")
    return shape.blob(public, 32, "consent key"), shape.blob(signature, 64, "consent signature")


@lru_cache(maxsize=PROOFS_CACHED)
def _check_possession(message: bytes, keys: tuple[Key, ...], proofs: tuple[bytes, ...]) -> None:
    """Raise Invalid unless each signing key signed the message; remembered for all at once."""
    for owned, proof in zip(keys, proofs, strict=True):
        if owned.purpose is not Purpose.AGREE and not verify(owned.public, message, proof):
            raise Invalid(
                "did-proof", f"the proof of key {owned.id!r} ({owned.public.hex()}) does not verify"
            )


@lru_cache(maxsize=PROOFS_CACHED)
def _verified(public: bytes, message: bytes, signature: bytes) -> bool:
    return verify(public, message, signature)
