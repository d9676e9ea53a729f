"""Every kind of transaction there is. A kind that is not here is invalid, never a crash."""

from chain.primitives.errors import Invalid
from chain.transactions.body import Body
from chain.transactions.dataset import Publish
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from chain.transactions.identity import Register
from chain.transactions.payment import Transfer

KIND_MAX = 32

FAMILIES: tuple[type[Body], ...] = (
    *(Register, Transfer, Publish),
    *(Propose, CastVote, SubmitEvidence),
)
KINDS: dict[str, type[Body]] = {body.KIND: body for body in FAMILIES}


def body_class(kind: str) -> type[Body]:
    """The class that reads bodies of a kind; Invalid("unknown-kind") lists the known ones."""
    found = KINDS.get(kind)
    if found is None:
        known = ", ".join(sorted(KINDS))
        raise Invalid("unknown-kind", f"unknown transaction kind {kind!r}; known: {known}")
    return found
