"""The engine a genesis names."""

from chain.consensus.authority import AuthorityEngine
from chain.consensus.engine import Engine
from chain.consensus.work import WorkEngine, WorkRules
from chain.genesis import Genesis
from chain.parameters import Consensus


def engine_of(genesis: Genesis) -> Engine:
    """The consensus engine of a network."""
    if genesis.consensus is Consensus.WORK:
        rules = genesis.parameters
        return WorkEngine(
            WorkRules(rules.work_target_bits, rules.work_block_slots, rules.work_retarget_blocks)
        )
    return AuthorityEngine()
