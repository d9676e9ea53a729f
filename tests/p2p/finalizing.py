"""A vote of the only authority, for chains whose nodes do not vote."""

from contextlib import suppress

from chain.consensus.finality.vote import Checkpoint, Vote
from chain.ledger import Ledger
from chain.primitives.errors import Declined
from tests.chain.consensus.finality.world import sign
from tests.parties import Party


def make_final(ledger: Ledger, authority: Party) -> None:
    """The only authority votes for the head twice: what the first vote justifies becomes final."""
    head = ledger.head
    for epoch in (head.slot, head.slot + 1):
        source = ledger.finality.justified
        link = Vote(0, Checkpoint(source.block, source.epoch), Checkpoint(head.id, epoch))
        with suppress(Declined):  # it has voted so already
            ledger.add_vote(sign(link, 0, authority, ledger.chain), head.slot + 1)
