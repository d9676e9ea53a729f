"""The rules a block is judged by: those of the genesis, as far as votes have not changed them."""

from chain.genesis import Genesis
from chain.parameters import Parameters
from chain.state.journal import State
from chain.transactions.body import Context
from chain.transactions.governance_parameters import parameter_of, parameters_in


def parameters_at(genesis: Genesis, parent: State) -> Parameters:
    """The parameters of a block on a parent with that state."""
    return parameters_in(parent, genesis.parameters)


def context_at(genesis: Genesis, parent: State, slot: int) -> Context:
    """Where the transactions of a block of that slot are judged, on that parent."""
    expiry_slots_max = parameter_of(
        parent, "expiry_slots_max"
    )  # one row, not all: it is done often
    return Context(genesis.hash, genesis.network, slot, expiry_slots_max)
