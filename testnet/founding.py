"""Founds a testnet on disk: keys, accounts, genesis. The same spec and time give the same bytes."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from chain.consensus.engine import Author
from chain.genesis import AUTHORITY, Balance, Genesis, GenesisIdentity
from chain.genesis_text import to_toml
from chain.parameters import Consensus as Engine
from chain.parameters import Currency, Parameters
from chain.primitives.keys import AgreementKey, KeyPair
from chain.transactions.document import DidDocument, Key, Purpose, commit_next_keys
from p2p.accounts import Account, HeldKey, save_account
from testnet.directory import NetDirectory
from testnet.record import AccountRecord, NetRecord, NodeRecord, load_record, save_record
from testnet.spec import (
    ACCOUNT_BALANCE,
    ACCOUNTS,
    CURRENCIES,
    LOAD_BALANCE,
    NODES_MAX,
    Consensus,
    LaunchSpec,
    load_spec,
    save_spec,
    within,
)

MEMBER_PURPOSES = (Purpose.ADMIN, Purpose.TX, Purpose.AGREE, Purpose.ASSERT)
AUTHOR_PURPOSES = (*MEMBER_PURPOSES, Purpose.SEAL, Purpose.VOTE)
SENDER_PURPOSES = (Purpose.ADMIN, Purpose.TX)
NEXT_ADMIN = "next-admin"

ATTEMPTS_NODE_S = 60_000
ATTEMPTS_MACHINE_S = 600_000
"""Proof-of-work attempts a second of one node (it pauses between bites) and of two cores."""

FIRST_SLOT_LEAD_MS = 900
FIRST_SLOT_LEAD_NODE_MS = 30
"""About how long the nodes need to start: slot 1 begins when they are there to use it."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """An identity of the testnet with all its secret keys, which follow from the spec."""

    spec: LaunchSpec
    name: str
    purposes: tuple[Purpose, ...]

    def key(self, purpose: Purpose) -> KeyPair:
        """The signing key of a purpose (any but AGREE)."""
        return KeyPair.from_seed(self.spec.seed_of(self.name, purpose.value))

    def author(self) -> Author:
        """With what it makes blocks, votes and reports."""
        return Author(
            self.document().id,
            self.key(Purpose.SEAL),
            self.key(Purpose.VOTE),
            self.key(Purpose.TX),
        )

    def agreement_key(self) -> AgreementKey:
        """The key others encrypt to."""
        return AgreementKey(self.spec.seed_of(self.name, Purpose.AGREE.value))

    def document(self) -> DidDocument:
        """The document whose hash is the DID."""
        successor = KeyPair.from_seed(self.spec.seed_of(self.name, NEXT_ADMIN))
        return DidDocument(
            keys=tuple(Key(p.value, p, self._public(p)) for p in self.purposes),
            next=commit_next_keys([successor.public], 1),
        )

    def held(self, network: str) -> Account:
        """The identity with its secrets, as an account file holds it."""
        keys = tuple(
            HeldKey(purpose.value, purpose, self.spec.seed_of(self.name, purpose.value))
            for purpose in self.purposes
        )
        document = self.document()
        return Account(self.name, network, document.id, keys, document.next)

    def _public(self, purpose: Purpose) -> bytes:
        if purpose is Purpose.AGREE:
            return self.agreement_key().public
        return self.key(purpose).public


def account(spec: LaunchSpec, name: str) -> Organisation:
    """One of the accounts people use: alice, bob, ..."""
    return Organisation(spec, name, MEMBER_PURPOSES)


def author(spec: LaunchSpec, name: str) -> Organisation:
    """The organisation behind a node that makes blocks."""
    return Organisation(spec, name, AUTHOR_PURPOSES)


def load_sender(spec: LaunchSpec, name: str) -> Organisation:
    """One of the accounts that make load."""
    return Organisation(spec, name, SENDER_PURPOSES)


def node_key(spec: LaunchSpec, name: str) -> KeyPair:
    """The identity a node has towards its peers."""
    return KeyPair.from_seed(spec.seed_of(name, "node"))


def make_genesis(spec: LaunchSpec, now_ms: int) -> Genesis:
    """The testnet's genesis; slot 1 begins about when its nodes will have started."""
    authors = [
        GenesisIdentity(name, author(spec, name).document(), ("member", AUTHORITY))
        for name in spec.author_names
    ]
    people = [GenesisIdentity(name, account(spec, name).document()) for name in ACCOUNTS]
    senders = [GenesisIdentity(n, load_sender(spec, n).document()) for n in spec.load_names]
    parameters = parameters_of(spec)
    slot_ms = spec.block_ms
    if spec.consensus is Consensus.WORK:
        slot_ms = spec.block_ms // parameters.work_block_slots
    lead_ms = FIRST_SLOT_LEAD_MS + FIRST_SLOT_LEAD_NODE_MS * spec.nodes
    return Genesis(
        network=spec.name,
        genesis_time_ms=now_ms + lead_ms - slot_ms,
        slot_ms=slot_ms,
        consensus=Engine(spec.consensus.value),
        identities=(*authors, *people, *senders),
        currencies=tuple(Currency(*fields) for fields in CURRENCIES),
        balances=tuple(
            Balance(code, identity.id, amount)
            for code, _, _ in CURRENCIES
            for group, amount in ((people, ACCOUNT_BALANCE), (senders, LOAD_BALANCE))
            for identity in group
        ),
        parameters=parameters,
        test=True,
    )


def parameters_of(spec: LaunchSpec) -> Parameters:
    """The network's numbers; under work the first difficulty is about what these nodes can do."""
    attempts_s = min(ATTEMPTS_NODE_S * spec.nodes, ATTEMPTS_MACHINE_S)
    attempts = attempts_s * spec.block_ms / 1_000
    return Parameters(work_target_bits=max(1, round(math.log2(attempts))))


def found(directory: NetDirectory, spec: LaunchSpec, now_ms: int) -> None:
    """Writes everything a new testnet needs before its first start. spec.json comes last.

    *Why last:* the folder is a testnet from the moment that file is there.
    """
    genesis = make_genesis(spec, now_ms)
    directory.genesis.write_bytes(genesis.encode())
    directory.genesis_toml.write_text(to_toml(genesis))
    directory.accounts.mkdir(mode=0o700, exist_ok=True)  # of a founding that the disk ended
    for name in ACCOUNTS:
        organisation = account(spec, name)
        save_account(directory.accounts / f"{name}.json", organisation.held(directory.name))
    for name in spec.author_names:
        save_account(directory.accounts / f"{name}.json", author(spec, name).held(directory.name))
    nodes = tuple(found_node_files(directory, spec, name) for name in spec.node_names)
    dids = {identity.name: genesis.did(identity.id) for identity in genesis.identities}
    accounts = tuple(AccountRecord(name, dids[name]) for name in ACCOUNTS)
    save_record(directory, NetRecord(spec.name, genesis.hash.hex(), nodes, accounts))
    save_spec(directory.spec, spec)


def found_node(directory: NetDirectory) -> str:
    """Writes what one more node needs and lists it in testnet.json; its name."""
    spec, record = load_spec(directory.spec), load_record(directory)
    number = 1 + max(int(node.name.removeprefix("n")) for node in record.nodes)
    within(len(record.nodes) + 1, 1, NODES_MAX, "the number of nodes")
    node = found_node_files(directory, spec, f"n{number}")
    save_record(directory, record.with_node(node))
    return node.name


def write_secret(path: Path, seed: bytes) -> None:
    """Writes a 32-byte seed in hex, readable by its owner alone."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w") as file:
        file.write(seed.hex() + "\n")


def found_node_files(directory: NetDirectory, spec: LaunchSpec, name: str) -> NodeRecord:
    """Writes a node's secret keys into its folder."""
    folder = directory.node(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = node_key(spec, name)
    write_secret(folder / "key", key.seed)
    if name in spec.author_names:
        save_account(folder / "author.json", author(spec, name).held(spec.name))
    return NodeRecord(name, key.public.hex())
