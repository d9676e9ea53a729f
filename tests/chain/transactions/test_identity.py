"""Identities: what a document must be, who may found one, and which key counts when."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives import cbor
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair, verify
from chain.state import paths
from chain.state.journal import State
from chain.transactions import identity
from chain.transactions.document import (
    KEYS_MAX,
    DidDocument,
    Key,
    Purpose,
    Service,
    commit_next_keys,
)
from chain.transactions.envelope import Transaction, decode_transaction, sign_transaction
from chain.transactions.identity import (
    DidRecord,
    RecordedKey,
    Register,
    decode_record,
    give_consent,
    live_key,
    record_of,
    register,
)
from chain.transactions.rules import apply_transaction, check_transaction, next_sequence
from tests.chain.transactions.world import (
    CHAIN,
    context,
    did,
    document,
    pair,
    pairs,
    signed,
    state,
)

TX, ADMIN, SEAL = Purpose.TX, Purpose.ADMIN, Purpose.SEAL


def key(name: str, purpose: Purpose, seed: str = "") -> Key:
    return Key(name, purpose, sha256((seed or name).encode()))


def test_the_did_is_the_hash_of_the_document() -> None:
    made = document("dave")
    assert made.id == sha256(cbor.encode(made.to_value()))
    assert DidDocument.from_value(made.to_value()) == made


@pytest.mark.parametrize(
    ("keys", "threshold", "words"),
    [
        ((), 1, "a document has 1 to 32 keys, this one 0"),
        ((key("a", ADMIN),), 1, "no key of purpose tx"),
        ((key("t", TX),), 1, "threshold 1 of 0 admin keys"),
        ((key("a", ADMIN), key("t", TX)), 2, "threshold 2 of 1 admin keys: expected 1 to 1"),
        ((key("a", ADMIN), key("t", TX)), 0, "threshold 0 of 1"),
        ((key("a", ADMIN), key("a", TX, "b")), 1, "key id a appears twice"),
        ((key("a", ADMIN, "x"), key("t", TX, "x")), 1, "public key"),
        ((key("A", ADMIN), key("t", TX)), 1, "key id 'A'"),
        ((key("-a", ADMIN), key("t", TX)), 1, "key id '-a'"),
        ((Key("a", ADMIN, b"short"), key("t", TX)), 1, "expected 32 bytes, got 5"),
        (tuple(key(f"k{n}", ADMIN) for n in range(33)), 1, "this one 33"),
    ],
)
def test_refused_documents(keys: tuple[Key, ...], threshold: int, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        DidDocument(keys, threshold)
    assert words in str(refused.value)


def test_refused_services() -> None:
    keys = (key("a", ADMIN), key("t", TX))
    twice = Service("api", "Gateway", "https://example.org")
    with pytest.raises(Invalid, match="service id api appears twice"):
        DidDocument(keys, services=(twice, twice))
    with pytest.raises(Invalid, match="9 services, at most 8"):
        DidDocument(keys, services=tuple(replace(twice, id=f"s{n}") for n in range(9)))
    with pytest.raises(Invalid, match="printable"):
        DidDocument(keys, services=(replace(twice, endpoint="https://\n"),))
    unnamed = "\u0378"  # no letter in the Unicode of this Python; in that of another it may be one
    DidDocument(keys, services=(replace(twice, endpoint=unnamed),))


def test_unknown_purpose_lists_the_known() -> None:
    value = document("dave").to_value()
    assert isinstance(value[0], list)
    value[0][0] = ["a", "root", bytes(32)]
    with pytest.raises(Invalid, match="unknown key purpose 'root'; known: admin, tx, seal"):
        DidDocument.from_value(value)


def test_the_commitment_to_the_next_keys_ignores_their_order() -> None:
    one, two = bytes(32), bytes([1]) * 32
    assert commit_next_keys([one, two], 2) == commit_next_keys([two, one], 2)
    assert commit_next_keys([one, two], 2) != commit_next_keys([one, two], 1)


@given(st.integers(0, 50), st.integers(0, 50), st.none() | st.integers(0, 50))
def test_a_key_counts_from_since_and_before_until(slot: int, since: int, until: int | None) -> None:
    owned = key("t", TX)
    record = DidRecord(1, (RecordedKey(owned, since, until),), 1, Hash(bytes(32)), (), None, ())
    counts = since <= slot and (until is None or slot < until)
    assert live_key(record, owned.public, TX, slot) == counts
    assert not live_key(record, owned.public, SEAL, slot)
    assert not live_key(record, bytes(32), TX, slot)
    assert decode_record(record.encode()) == record


def registration(name: str) -> Register:
    return register(document(name), CHAIN, pairs(name))


def test_registration() -> None:
    ledger = state()
    tx = signed(registration("dave"), "dave")
    check_transaction(ledger, tx, context(slot=10))
    outcome = apply_transaction(ledger, tx, context(slot=10))
    assert (outcome.ok, outcome.events) == (True, (("registered", (did("dave"),)),))
    record = record_of(ledger, did("dave"))
    assert record == DidRecord.found(document("dave"), 10)
    assert next_sequence(ledger, did("dave"), 0) == 1
    assert decode_transaction(tx.raw, CHAIN).body == tx.body


def refusal_of(body: Register, sender: str = "dave", ledger: State | None = None) -> str:
    """Why a registration is un-includable."""
    with pytest.raises(Refusal) as refused:
        check_transaction(ledger or state(), signed(body, sender), context())
    return str(refused.value)


def test_one_cannot_register_another() -> None:
    assert "an identity is registered by itself" in refusal_of(registration("dave"), "erin")


def test_a_registration_is_signed_by_a_tx_key_of_its_document() -> None:
    other = replace(document("dave"), next=Hash(bytes(32)))
    keys = tuple(
        replace(k, public=pair("erin").public) if k.purpose is TX else k for k in other.keys
    )
    theirs = replace(other, keys=keys)
    body = register(theirs, CHAIN, pairs("dave") | pairs("erin"))
    tx = replace(signed(body, "dave"), sender=theirs.id)
    with pytest.raises(Invalid, match="no tx key of the document"):
        check_transaction(state(), tx, context())


def test_every_signing_key_proves_its_holder() -> None:
    body = registration("dave")
    for index, owned in enumerate(body.document.keys):
        proofs = list(body.proofs)
        proofs[index] = bytes(len(proofs[index]))
        broken = replace(body, proofs=tuple(proofs))
        if owned.purpose is Purpose.AGREE:
            assert broken == body
        else:
            assert f"proof of key '{owned.id}'" in refusal_of(broken)


def test_the_proofs_of_what_waits_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block's registrations were checked when they came, however many keys they have."""
    checked = 0

    def counted(public: bytes, message: bytes, signature: bytes) -> bool:
        nonlocal checked
        checked += 1
        return verify(public, message, signature)

    monkeypatch.setattr(identity, "verify", counted)
    waiting = [crowded(number) for number in range(40)]
    for _ in range(2):
        for tx in waiting:
            check_transaction(state(), tx, context())
    assert checked == 40 * KEYS_MAX


def crowded(number: int) -> Transaction:
    """A registration with as many keys as there may be."""
    owned = [KeyPair.from_seed(bytes((number, n)) + bytes(30)) for n in range(KEYS_MAX)]
    keys = (Key(f"k{n}", TX if n else ADMIN, pair.public) for n, pair in enumerate(owned))
    made = DidDocument(tuple(keys))
    body = register(made, CHAIN, {pair.public: pair for pair in owned})
    return sign_transaction(owned[1], CHAIN, made.id, 0, 0, 100, body)


def test_a_proof_for_another_chain_does_not_count() -> None:
    elsewhere = register(document("dave"), Hash(bytes(32)), pairs("dave"))
    assert "did-proof" in refusal_of(elsewhere)


def test_registering_twice_fails_and_uses_its_number() -> None:
    ledger = state()
    tx = signed(registration("alice"))
    check_transaction(ledger, tx, context())
    before = ledger.get(paths.did(did("alice")))
    outcome = apply_transaction(ledger, tx, context())
    assert (outcome.ok, outcome.code) == (False, "already-registered")
    assert ledger.get(paths.did(did("alice"))) == before
    assert next_sequence(ledger, did("alice"), 0) == 1


def controlled(consent_of: str, by: Purpose = ADMIN) -> Register:
    made = document("dave", controller=did("alice"))
    consent = give_consent(pair(consent_of, by), CHAIN, made.id)
    return register(made, CHAIN, pairs("dave"), consent)


def check_controlled(body: Register, ledger: State) -> None:
    tx = replace(signed(body, "dave"), sender=body.document.id)
    check_transaction(ledger, tx, context())
    assert apply_transaction(ledger, tx, context()).ok


def test_a_controller_consents_with_an_admin_key() -> None:
    check_controlled(controlled("alice"), state())
    assert controlled("alice").parties() == (did("alice"),)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (controlled("alice", TX), "is no live admin key"),
        (controlled("bob"), "is no live admin key"),
        (replace(controlled("alice"), consent=(pair("alice", ADMIN).public, bytes(64))), "verify"),
    ],
)
def test_refused_consents(body: Register, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_controlled(body, state())
    assert words in str(refused.value)


def test_an_unregistered_controller_cannot_consent() -> None:
    ledger = state()
    ledger.delete(paths.did(did("alice")))
    with pytest.raises(Invalid, match="did-controller"):
        check_controlled(controlled("alice"), ledger)


def test_consent_and_controller_come_together() -> None:
    orphan = replace(registration("dave"), consent=give_consent(pair("alice"), CHAIN, did("dave")))
    for body in (orphan, replace(controlled("alice"), consent=None)):
        with pytest.raises(Invalid, match="did-consent"):
            Register.from_value(body.to_value())


def test_proofs_match_the_keys_in_number_and_size() -> None:
    body = registration("dave")
    for proofs in (body.proofs[1:], (b"", *body.proofs[1:])):
        with pytest.raises(Refusal, match="shape"):
            Register.from_value(replace(body, proofs=proofs).to_value())
