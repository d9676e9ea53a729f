"""The steps of verifying a receipt, and the refusal that names the one that failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from chain.primitives.errors import Invalid, Malformed, Refusal


class Step(StrEnum):
    """What is verified, in this order; a receipt has only some of the later ones."""

    ENCODING = "encoding"  # the bytes are the one encoding of a receipt
    NETWORK = "network"  # its headers are of the chain with this genesis
    HANDOVERS = "handovers"  # from the genesis' authorities to those that signed
    CERTIFICATE = "certificate"  # more than two thirds of them made the final header final
    HISTORY = "history"  # the block's header is in the history of the final one
    INCLUSION = "inclusion"  # the transaction is in the block
    RESULT = "result"  # what came of it is in the block, and is its own
    SIGNATURE = "signature"  # the sender's key signed it, for this network
    STATE = "state"  # the key has the value, or none, in the final state


class Unproven(Refusal):
    """A receipt that does not prove what it says: the step that failed, and the values compared."""

    def __init__(self, step: Step, reason: str) -> None:
        super().__init__(f"receipt-{step}", f"{step}: {reason}")
        self.step = step


@contextmanager
def proving(step: Step) -> Iterator[None]:
    """Refusals inside are failures of this step."""
    try:
        yield
    except (Malformed, Invalid) as refusal:
        raise Unproven(step, str(refusal)) from None
