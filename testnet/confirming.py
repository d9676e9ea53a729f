"""What a ledger says of finality, as the facts of every tier, and each vote once."""

from chain.consensus.finality.vote import SignedVote
from chain.ledger import BlockFinalized, BlockJustified, EvidenceFound, Ledger
from testnet.observation import Confirmed, EvidenceSeen, VoteSeen
from testnet.stage import Audience


def confirmed(
    node: str, event: BlockJustified | BlockFinalized | EvidenceFound
) -> Confirmed | EvidenceSeen:
    """The fact that an event of a node's ledger is."""
    if isinstance(event, EvidenceFound):
        evidence = event.evidence
        return EvidenceSeen(node, evidence.offender.hex(), evidence.offence.value)
    final = isinstance(event, BlockFinalized)
    return Confirmed(node, event.block_id.hex(), event.height, event.epoch, event.set_id, final)


class Scrutineer:
    """Tells an audience of each vote, whoever took it first; seldom of one twice.

    Votes of sets that are over are forgotten. *Why:* only who is late with the handover takes such
    a vote any more; that one is told again.
    """

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._told: dict[bytes, None] = {}
        self._set_id = 0

    def took(self, node: str, ledger: Ledger, signed: SignedVote) -> None:
        """A node's ledger has taken a vote."""
        vote = signed.vote
        if vote.set_id > self._set_id:
            self._told.clear()
            self._set_id = vote.set_id
        raw = signed.encode()
        if raw in self._told:
            return
        self._told[raw] = None
        members = ledger.finality.sets.numbered(vote.set_id).members
        self._audience.saw(
            VoteSeen(
                node=node,
                author=members[signed.member].did.hex(),
                set_id=vote.set_id,
                source=vote.source.epoch,
                target=vote.target.epoch,
                source_block=vote.source.block.hex(),
                block=vote.target.block.hex(),
            )
        )
