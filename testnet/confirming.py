"""What a ledger says of blocks and finality, as facts of every tier, and each vote once."""

from chain.consensus.finality.vote import SignedVote
from chain.ledger import BlockFinalized, BlockJustified, EvidenceFound, Ledger
from chain.primitives.hashing import Hash
from testnet.observation import BlockJoined, Confirmed, EvidenceSeen, SetConfirmed, VoteSeen
from testnet.stage import Audience


def block_joined(
    node: str, ledger: Ledger, block_id: Hash, transactions: tuple[Hash, ...]
) -> BlockJoined:
    """The fact that a block of its ledger joined the chain of a node's head."""
    header = ledger.header(block_id)
    assert header is not None, "a block that joined the chain is in the ledger"
    return BlockJoined(
        node=node,
        block=block_id.hex(),
        parent=header.parent.hex(),
        height=header.height,
        slot=header.slot,
        author=header.author.hex(),
        state=header.state.hex(),
        transactions=tuple(txid.hex() for txid in transactions),
    )


def confirmed(
    node: str, event: BlockJustified | BlockFinalized | EvidenceFound
) -> Confirmed | EvidenceSeen:
    """The fact that an event of a node's ledger is."""
    if isinstance(event, EvidenceFound):
        evidence = event.evidence
        return EvidenceSeen(node, evidence.offender.hex(), evidence.offence.value)
    final = isinstance(event, BlockFinalized)
    return Confirmed(node, event.block_id.hex(), event.height, event.epoch, event.set_id, final)


class Herald:
    """Tells an audience of a node's finality, and of each further set that makes blocks final."""

    def __init__(self, node: str, audience: Audience) -> None:
        self._node = node
        self._audience = audience
        self._set_id = 0

    def told(self, ledger: Ledger, event: BlockJustified | BlockFinalized | EvidenceFound) -> None:
        """An event of the node's ledger."""
        self._audience.saw(confirmed(self._node, event))
        if isinstance(event, BlockFinalized) and event.set_id > self._set_id:
            self._set_id = event.set_id
            members = ledger.finality.sets.numbered(event.set_id).members
            seats = tuple(member.did.hex() for member in members)
            self._audience.saw(SetConfirmed(self._node, event.set_id, seats))


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
