"""The relay policy: what a node turns away without blame, and what it blames."""

from dataclasses import replace

import pytest

from chain.pool.policy import check_relay
from chain.primitives.errors import Declined, Invalid
from chain.state import paths
from chain.state.journal import State
from chain.transactions.document import Purpose
from chain.transactions.identity import give_consent, register
from chain.transactions.payment import Transfer
from tests.chain.pool.waiting import waiting
from tests.chain.transactions.world import (
    CHAIN,
    FUNDS,
    context,
    did,
    document,
    pair,
    pairs,
    signed,
    state,
)

PAY = Transfer("CNY", did("bob"), 1)
REGISTRATION = register(document("dave"), CHAIN, pairs("dave"))


def test_what_is_kept() -> None:
    check_relay(state(), signed(PAY), context())
    check_relay(state(), signed(REGISTRATION, "dave"), context())
    check_relay(state(), signed(Transfer("CNY", did("bob"), FUNDS)), context())


def test_the_sequence_number_is_the_mempools_to_judge() -> None:
    check_relay(state(), signed(PAY, sequence=40), context())


@pytest.mark.parametrize(
    ("sender", "amount", "slot", "words"),
    [
        ("dave", 1, 10, "unknown-sender"),
        ("alice", 1, 101, "expired: good until slot 100, now is 101"),
        ("alice", FUNDS + 1, 10, "holds 1000 minor units of CNY, 1001 are needed"),
        ("carol", 1, 10, "holds 0 minor units of CNY"),
    ],
)
def test_what_is_turned_away(sender: str, amount: int, slot: int, words: str) -> None:
    tx = signed(Transfer("CNY", did("bob"), amount), sender)
    with pytest.raises(Declined) as refused:
        check_relay(state(), tx, context(slot))
    assert words in str(refused.value)


def test_a_key_that_does_not_count_may_count_tomorrow() -> None:
    tx = replace(signed(PAY), key=pair("alice", Purpose.SEAL).public)
    with pytest.raises(Declined, match="key-not-live"):
        check_relay(state(), tx, context())


def test_a_registration_without_proof_is_wrong_everywhere() -> None:
    forged = replace(REGISTRATION, proofs=(bytes(64), *REGISTRATION.proofs[1:]))
    with pytest.raises(Invalid, match="did-proof"):
        check_relay(state(), signed(forged, "dave"), context())


def test_a_controller_may_be_registered_tomorrow() -> None:
    made = document("dave", controller=did("alice"))
    consent = give_consent(pair("alice", Purpose.ADMIN), CHAIN, made.id)
    body = register(made, CHAIN, pairs("dave"), consent)
    tx = replace(signed(body, "dave"), sender=made.id)
    ledger = state()
    ledger.delete(paths.did(did("alice")))
    with pytest.raises(Declined, match="did-controller"):
        check_relay(ledger, tx, context())
    check_relay(state(), tx, context())


def test_strangers_cost_one_read() -> None:
    reads: list[bytes] = []

    def read(key: bytes) -> None:
        reads.append(key)

    with pytest.raises(Declined, match="unknown-sender"):
        check_relay(State(read), waiting(), context())
    assert reads == [paths.did(waiting().sender)]
