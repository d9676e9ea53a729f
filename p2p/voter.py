"""Whether a node votes: what its configuration, its keys and its store say together."""

from chain.consensus.engine import Author
from chain.ledger import Ledger
from chain.primitives.errors import Invalid
from chain.voting import Voter
from p2p.config import NodeConfig, VotePolicy
from p2p.observer import Observer
from p2p.protocol.voting import open_voter


def voter_of(
    config: NodeConfig, ledger: Ledger, author: Author | None, observer: Observer
) -> Voter | None:
    """The voter of a node, or None; see VotePolicy.

    Raises Invalid `vote-guard-missing` or `vote-guard-behind` when the key must not vote with this
    store, and the configuration does not let the node run without voting.
    """
    if config.vote is VotePolicy.NEVER:
        return None
    try:
        return open_voter(ledger, author)
    except Invalid as refusal:
        if config.vote is VotePolicy.REQUIRED:
            raise Invalid(
                refusal.code,
                f'{refusal.reason}; or set vote = "if-safe" to run this node without voting',
            ) from None
        observer.log("warning", refusal.code, why=refusal.reason)
        return None
