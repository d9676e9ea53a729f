"""A small network's genesis with all its keys, for tests of engines and nodes."""

from dataclasses import dataclass

from chain.genesis import Balance, Genesis, GenesisIdentity
from chain.parameters import Consensus, Currency, Parameters
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.payment import Transfer
from tests.parties import Party, party

GENESIS_TIME_MS = 1_800_000_000_000
HELD = 1_000_000


@dataclass(frozen=True, slots=True)
class Founding:
    """A genesis, its authorities in the order of their slots, and two account holders."""

    genesis: Genesis
    authorities: tuple[Party, ...]
    ann: Party
    bob: Party

    def transfer(self, sequence: int, amount: int = 1, *, lane: int = 0) -> Transaction:
        """A transfer from Ann to Bob, good for long."""
        body = Transfer("CNY", self.bob.did, amount)
        return sign_transaction(
            self.ann.tx, self.genesis.hash, self.ann.did, lane, sequence, 5000, body
        )


def found(
    authorities: int = 4, slot_ms: int = 1000, consensus: Consensus = Consensus.AUTHORITY
) -> Founding:
    """A network of that many authorities, with Ann and Bob holding CNY."""
    parties = sorted((party(f"authority{i}") for i in range(authorities)), key=lambda p: p.did)
    ann, bob = party("ann"), party("bob")
    identities = [GenesisIdentity(p.name, p.document, ("authority",)) for p in parties]
    identities += [GenesisIdentity(p.name, p.document) for p in (ann, bob)]
    genesis = Genesis(
        network="test",
        genesis_time_ms=GENESIS_TIME_MS,
        slot_ms=slot_ms,
        consensus=consensus,
        identities=tuple(identities),
        currencies=(Currency("CNY", 2, "Renminbi"),),
        balances=(Balance("CNY", ann.did, HELD), Balance("CNY", bob.did, HELD)),
        parameters=Parameters(work_target_bits=8),
        test=True,
    )
    return Founding(genesis, tuple(parties), ann, bob)
