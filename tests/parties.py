"""Identities of small test networks: their keys follow from their names."""

from dataclasses import dataclass

from chain.consensus.engine import Author
from chain.primitives.hashing import sha256
from chain.primitives.keys import KeyPair
from chain.transactions.document import DidDocument, Key, Purpose


@dataclass(frozen=True, slots=True)
class Party:
    """An identity of a genesis with its keys."""

    name: str
    tx: KeyPair
    seal: KeyPair
    vote: KeyPair
    document: DidDocument

    @property
    def did(self) -> bytes:
        return self.document.id

    @property
    def author(self) -> Author:
        return Author(self.did, self.seal, self.vote, self.tx)


def party(name: str) -> Party:
    """An identity whose keys follow from its name."""
    admin, tx, seal, vote = (KeyPair.from_seed(sha256(f"{name}/{use}".encode())) for use in "atsv")
    keys = (
        Key("admin", Purpose.ADMIN, admin.public),
        Key("tx", Purpose.TX, tx.public),
        Key("seal", Purpose.SEAL, seal.public),
        Key("vote", Purpose.VOTE, vote.public),
    )
    return Party(name, tx, seal, vote, DidDocument(keys))
