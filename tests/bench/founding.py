"""Ledgers to measure on: a genesis with as many accounts as wanted, and transfers among them."""

import random
from dataclasses import dataclass

from chain.consensus.engine import Author
from chain.genesis import AUTHORITY, Balance, Genesis, GenesisIdentity
from chain.parameters import Consensus, Currency
from chain.primitives.keys import KeyPair
from chain.transactions.document import DidDocument, Key, Purpose
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.payment import Transfer

CODE = "CNY"
EXPIRY = 9_000


def pair(number: int) -> KeyPair:
    """The key of an account, by number."""
    return KeyPair.from_seed(number.to_bytes(32, "big"))


def identity(number: int, *roles: str) -> GenesisIdentity:
    """An account with a key to pay and one to administer; an authority seals and votes too."""
    keys = [
        Key("tx", Purpose.TX, pair(number).public),
        Key("admin", Purpose.ADMIN, pair(number + (1 << 65)).public),
    ]
    if AUTHORITY in roles:
        keys.append(Key("seal", Purpose.SEAL, pair(number + (1 << 64)).public))
        keys.append(Key("vote", Purpose.VOTE, pair(number + (1 << 66)).public))
    return GenesisIdentity(f"a{number}", DidDocument(tuple(keys)), ("member", *roles))


@dataclass(frozen=True, slots=True)
class World:
    """A genesis with one authority, and its accounts."""

    genesis: Genesis
    accounts: tuple[bytes, ...]
    author: Author


def found(accounts: int) -> World:
    """A network of that many accounts, each with ten million minor units."""
    authority = identity(0, AUTHORITY)
    members = [identity(number) for number in range(1, accounts + 1)]
    genesis = Genesis(
        "bench",
        0,
        1000,
        Consensus.AUTHORITY,
        (authority, *members),
        (Currency(CODE, 2, "Yuan"),),
        tuple(Balance(CODE, member.id, 10**7) for member in members),
        test=True,
    )
    author = Author(authority.id, pair(1 << 64))
    return World(genesis, tuple(member.id for member in members), author)


def transfers(world: World, count: int, rng: random.Random) -> list[Transaction]:
    """Signed transfers between random accounts, each sender's in sequence."""
    sequences: dict[int, int] = {}
    made: list[Transaction] = []
    for _ in range(count):
        number = rng.randrange(len(world.accounts))
        sequence = sequences.get(number, 0)
        sequences[number] = sequence + 1
        body = Transfer(CODE, rng.choice(world.accounts), 5, b"invoice")
        made.append(
            sign_transaction(
                pair(number + 1),
                world.genesis.hash,
                world.accounts[number],
                0,
                sequence,
                EXPIRY,
                body,
            )
        )
    return made
