"""The engine a genesis names."""

from chain.consensus.authority import AuthorityEngine
from chain.consensus.engine import Engine
from chain.consensus.work import WorkEngine, WorkRules
from chain.genesis import AUTHORITY, Genesis
from chain.parameters import Consensus
from chain.transactions.document import Purpose


def engine_of(genesis: Genesis) -> Engine:
    """The consensus engine of a network."""
    if genesis.consensus is Consensus.WORK:
        rules = genesis.parameters
        return WorkEngine(
            WorkRules(rules.work_target_bits, rules.work_block_slots, rules.work_retarget_blocks)
        )
    seal_keys = {
        identity.id: [key.public for key in identity.document.keys if key.purpose is Purpose.SEAL]
        for identity in genesis.identities
        if AUTHORITY in identity.roles
    }
    return AuthorityEngine(genesis.authorities, seal_keys)
