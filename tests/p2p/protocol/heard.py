"""All votes that are sent in a network of routers, and pairs that no honest authority signs."""

from chain.consensus.finality.evidence import exclude
from chain.consensus.finality.vote import SignedVote, decode_vote
from p2p.wire.messages import Message, Votes


class Heard:
    """All votes that were ever sent, by whoever signed them."""

    def __init__(self) -> None:
        self.votes: dict[bytes, SignedVote] = {}

    def __call__(self, message: Message) -> bool:
        if isinstance(message, Votes):
            for raw in message.raws:
                self.votes[raw] = decode_vote(raw)
        return False

    def offences(self) -> list[tuple[SignedVote, SignedVote]]:
        """Pairs that no honest authority signs."""
        by_member: dict[int, list[SignedVote]] = {}
        for signed in self.votes.values():
            by_member.setdefault(signed.member, []).append(signed)
        return [
            (a, b)
            for votes in by_member.values()
            for place, a in enumerate(votes)
            for b in votes[:place]
            if exclude(a.vote, b.vote)
        ]
