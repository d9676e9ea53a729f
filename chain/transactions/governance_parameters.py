"""The numbers of the network as votes have left them: read from the state, never from the genesis.

A change counts from the block after the one that decided it: a block is judged by its parent's
state, so what it contains cannot change the limits it is held to.
"""

from dataclasses import replace

from chain.parameters import PARAMETER_RANGES, Parameters
from chain.primitives import cbor, shape
from chain.state import paths
from chain.state.journal import State
from chain.transactions.governance_actions import CHANGEABLE


def initial_parameters(founded: Parameters) -> dict[bytes, bytes]:
    """The records under `gov/param/` before the first block."""
    return {paths.parameter(name): cbor.encode(getattr(founded, name)) for name in CHANGEABLE}


def parameters_in(state: State, founded: Parameters) -> Parameters:
    """The parameters in force; those that no vote can change are the genesis's."""
    return replace(founded, **{name: parameter_of(state, name) for name in CHANGEABLE})


def parameter_of(state: State, name: str) -> int:
    """One of the numbers that votes may change."""
    data = state.get(paths.parameter(name))
    assert data is not None, f"{name} is in the state from the genesis on"
    return shape.uint(cbor.decode(data), PARAMETER_RANGES[name][1], name)


def set_parameter(state: State, name: str, value: int) -> None:
    """Record a new value, which is within its range."""
    state.put(paths.parameter(name), cbor.encode(value))
