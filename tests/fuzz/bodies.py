"""A body of each kind of transaction; a new kind needs one here."""

from chain.primitives.hashing import Hash
from chain.transactions.body import Body
from chain.transactions.dataset import Parent, Publish
from chain.transactions.identity import Register
from chain.transactions.payment import Transfer
from tests.chain.transactions.world import did, document


def bodies() -> list[Body]:
    """Valid shapes; whether a ledger would take them is another question."""
    ours = document("dave")
    proofs = tuple(b"" if key.purpose.value == "agree" else b"p" * 64 for key in ours.keys)
    return [
        Transfer("CNY", did("bob"), 5, b"invoice"),
        Publish(
            "A title",
            Hash(b"c" * 32),
            Hash(b"h" * 32),
            "text/plain",
            17,
            "transport",
            (Parent(Hash(b"p" * 32), "derived"),),
        ),
        Register(ours, proofs),
    ]
