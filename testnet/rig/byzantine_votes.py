"""Authorities that vote dishonestly: votes are kept back, or two are signed for one epoch.

The node itself votes as it should; what is done to its votes is done as they leave.
"""

from chain.consensus.finality.vote import Checkpoint, SignedVote, Vote, decode_vote
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now
from p2p.wire.messages import Votes
from testnet.faults.byzantine import WithholdVotes
from testnet.rig.aim import is_for
from testnet.rig.behaviour import Item
from testnet.rig.held import Held, Outbound, go_on
from testnet.rig.quiet import Quiet

MS = 1_000


class VoteBending(Quiet):
    """Tells the node's own votes, for `shown` to replace, from those it passes on."""

    def __init__(self, to: frozenset[str]) -> None:
        super().__init__()
        self._to = to

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        left: list[Item] = []
        for item in items:
            left += self._split(peer, item) if isinstance(item, Votes) else [item]
        return left

    def _split(self, peer: PeerId, votes: Votes) -> list[Item]:
        own = tuple(raw for raw in votes.raws if self._is_own(raw))
        if not own:
            return [votes]
        others = tuple(raw for raw in votes.raws if raw not in own)
        passed: list[Item] = [Votes(others)] if others else []
        return [*passed, *self.shown(peer, own)]

    def _is_own(self, raw: bytes) -> bool:
        author, signed = self.host.author, decode_vote(raw)
        if author is None or author.vote is None:
            return False
        members = self.host.ledger.finality.sets.numbered(signed.vote.set_id).members
        return members[signed.member].did == author.did

    def shown(self, peer: PeerId, own: tuple[bytes, ...]) -> list[Item]:
        """What a peer gets in place of the node's own votes."""
        return [Votes(own)]


class WithholdingVotes(VoteBending):
    """WithholdVotes: own votes do not leave, or only later."""

    def __init__(self, kind: WithholdVotes, to: frozenset[str]) -> None:
        super().__init__(to)
        self._release_s = kind.release_ms / MS
        self._held = Held()

    def shown(self, peer: PeerId, own: tuple[bytes, ...]) -> list[Item]:
        """See VoteBending."""
        self.hits += 1
        if self._release_s:
            self._held.put(self.host.now().s + self._release_s, Outbound(peer, Votes(own)))
        return []

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._held.deadline_s()

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        go_on(self.host, self._held.due(now.s))

    def end(self) -> None:
        """See Behaviour."""
        go_on(self.host, self._held.clear())


class DoubleVoting(VoteBending):
    """DoubleVote: every second peer gets a vote for the parent of what the others get."""

    def shown(self, peer: PeerId, own: tuple[bytes, ...]) -> list[Item]:
        """See VoteBending."""
        peers = self.host.peers()
        if peer not in peers or peers.index(peer) % 2 == 0:
            return [Votes(own)]
        return [Votes(tuple(self._other(raw) for raw in own))]

    def _other(self, raw: bytes) -> bytes:
        """A second vote for the same epoch; the same one where the source leaves no room."""
        signed, ledger, author = decode_vote(raw), self.host.ledger, self.host.author
        vote = signed.vote
        header, source = ledger.header(vote.target.block), ledger.header(vote.source.block)
        if header is None or source is None or header.height <= source.height:
            return raw
        assert author is not None
        assert author.vote is not None, "the vote is its own"
        second = Vote(vote.set_id, vote.source, Checkpoint(header.parent, vote.target.epoch))
        self.hits += 1
        signature = author.vote.sign(second.signed_bytes(ledger.chain))
        return SignedVote(second, signed.member, signature).encode()
