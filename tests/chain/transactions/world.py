"""A small network for tests: identities with known keys, a currency, signed transactions."""

from chain.genesis import Balance, Genesis, GenesisIdentity, initial_state
from chain.in_force import context_at
from chain.parameters import Consensus, Currency
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import AgreementKey, KeyPair
from chain.state.journal import State
from chain.transactions.body import Body, Context
from chain.transactions.document import DidDocument, Key, Purpose
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.rules import next_sequence

NAMES = ("alice", "bob", "carol")
FUNDS = 1_000


def pair(name: str, purpose: Purpose = Purpose.TX) -> KeyPair:
    """The signing key of an identity for a purpose, the same in every run."""
    return KeyPair.from_seed(sha256(f"{name}/{purpose}".encode()))


def pairs(name: str) -> dict[bytes, KeyPair]:
    """All signing keys of an identity, by public key."""
    made = [pair(name, purpose) for purpose in Purpose if purpose is not Purpose.AGREE]
    return {key.public: key for key in made}


def document(name: str, controller: bytes | None = None) -> DidDocument:
    """A document with one key of every purpose."""
    agree = AgreementKey(sha256(f"{name}/agree".encode())).public
    keys = tuple(
        Key(
            purpose.value,
            purpose,
            agree if purpose is Purpose.AGREE else pair(name, purpose).public,
        )
        for purpose in Purpose
    )
    return DidDocument(keys, next=Hash(sha256(name.encode())), controller=controller)


def did(name: str) -> bytes:
    """The 32-byte id of an identity."""
    return document(name).id


GENESIS = Genesis(
    network="test",
    genesis_time_ms=1_700_000_000_000,
    slot_ms=1_000,
    consensus=Consensus.AUTHORITY,
    identities=tuple(
        GenesisIdentity(name, document(name), ("member", "authority")) for name in NAMES
    ),
    currencies=(Currency("CNY", 2, "Renminbi"),),
    balances=(Balance("CNY", did("alice"), FUNDS), Balance("CNY", did("bob"), FUNDS)),
    test=True,
)
CHAIN = GENESIS.hash


def state() -> State:
    """A fresh state of the network's beginning."""
    return State(initial_state(GENESIS).get)


def context(slot: int = 10) -> Context:
    """Where transactions are judged."""
    return context_at(GENESIS, state(), slot)


def signed(
    body: Body, sender: str = "alice", sequence: int = 0, lane: int = 0, expiry: int = 100
) -> Transaction:
    """A transaction signed by the sender's tx key."""
    return sign_transaction(pair(sender), CHAIN, did(sender), lane, sequence, expiry, body)


def following(ledger: State, body: Body, sender: str = "alice") -> Transaction:
    """A transaction with the sequence number that the state expects."""
    return signed(body, sender, next_sequence(ledger, did(sender), 0))
