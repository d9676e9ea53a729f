"""Votes as they come in: tallied into certificates, and watched for two that exclude each other.

Rules:
- A vote is taken when its set is known, its epoch is within the window around now, and its
  signature is good. Its blocks need not be known: what a quorum has signed is a certificate, which
  the closure parks. *Why:* votes often come before the block they are for.
- At most two votes of a member for one epoch are kept: the second is evidence, a third is nothing
  new. *Why:* the pool stays within members * window * 2 votes, whatever anybody signs.
- A vote whose target is newer than any of its signer's, and whose source is no older, excludes none
  of them; only others are compared one by one. *Why:* the honest vote forward only.
- Votes inside certificates are watched as well. *Why:* who votes twice may show each vote to few.
Spec: docs/spec/consensus.md, sections 5 and 8.
"""

from dataclasses import dataclass

from chain.consensus.authorityset import AuthoritySet
from chain.consensus.finality.certificate import Certificate, assemble
from chain.consensus.finality.evidence import Evidence, exclude, of_votes
from chain.consensus.finality.vote import SignedVote, Vote
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash

WINDOW_SLOTS = 64
"""How far back votes are taken: later ones decide nothing that newer ones do not."""
AHEAD_SLOTS = 1
"""Clocks differ; as for blocks."""
PER_EPOCH_MAX = 2


@dataclass(frozen=True, slots=True)
class Tallied:
    """What came of a vote: the certificate it completed, and evidence against its signer."""

    certificate: Certificate | None
    evidence: Evidence | None


class VotePool:
    """The votes of the last slots, by signer and by content."""

    def __init__(self, chain: Hash) -> None:
        self._chain = chain
        self._tallies: dict[Vote, dict[int, bytes]] = {}
        self._signed: dict[tuple[int, int], dict[int, list[SignedVote]]] = {}
        self._newest: dict[tuple[int, int], tuple[int, int]] = {}  # source and target of each
        self._swept = 0

    def add(
        self, signed: SignedVote, authorities: AuthoritySet, slot: int, *, checked: bool = False
    ) -> Tallied:
        """Take a vote in; `checked` says that its signature was found good.

        Raises Declined (old, early or known) or Invalid (a wrong signature).
        """
        self.judge(signed, authorities, slot)
        vote = signed.vote
        key = authorities.members[signed.member].vote
        if not checked and not signed.verifies(key, self._chain):
            raise Invalid("vote-signature", f"the signature of member {signed.member} is wrong")
        self._sweep(slot)
        evidence = self._record(signed, authorities)
        tally = self._tallies.setdefault(vote, {})
        tally[signed.member] = signed.signature
        if len(tally) != authorities.quorum:
            return Tallied(None, evidence)
        return Tallied(assemble(vote, tally, len(authorities.members)), evidence)

    def judge(self, signed: SignedVote, authorities: AuthoritySet, slot: int) -> None:
        """Raise Declined or Invalid unless a vote with a good signature would be taken."""
        vote = signed.vote
        if not slot - WINDOW_SLOTS <= vote.target.epoch <= slot + AHEAD_SLOTS:
            raise Declined("vote-time", f"a vote for epoch {vote.target.epoch}, now is {slot}")
        if vote.source.epoch >= vote.target.epoch:
            raise Invalid("vote-epochs", f"from epoch {vote.source.epoch} to {vote.target.epoch}")
        if vote.set_id != authorities.id or signed.member >= len(authorities.members):
            raise Invalid(
                "vote-member",
                f"member {signed.member} of set {vote.set_id}, judged by set {authorities.id} of "
                f"{len(authorities.members)}",
            )
        by_epoch = self._signed.get((vote.set_id, signed.member), {})
        same = by_epoch.get(vote.target.epoch, [])
        if any(known.vote == vote for known in same) or len(same) >= PER_EPOCH_MAX:
            raise Declined("vote-known", f"a vote of member {signed.member} that is here already")

    def watch(
        self, certificate: Certificate, authorities: AuthoritySet, slot: int
    ) -> list[Evidence]:
        """Look for offences among the votes of a certificate, whose signatures are good."""
        epoch = certificate.vote.target.epoch
        if not slot - WINDOW_SLOTS <= epoch <= slot + AHEAD_SLOTS:
            return []
        self._sweep(slot)
        found: list[Evidence] = []
        tally = self._tallies.setdefault(certificate.vote, {})
        for signed in certificate.votes():
            if signed.member in tally:
                continue
            same = self._signed.get((certificate.vote.set_id, signed.member), {}).get(epoch, [])
            if len(same) < PER_EPOCH_MAX:
                tally[signed.member] = signed.signature
                evidence = self._record(signed, authorities)
                found += [] if evidence is None else [evidence]
        return found

    def verified(self, signed: SignedVote) -> bool:
        """Whether this very signature was found good before."""
        return self._tallies.get(signed.vote, {}).get(signed.member) == signed.signature

    def tally(self, vote: Vote) -> tuple[int, ...]:
        """The members that voted so, by their places."""
        return tuple(sorted(self._tallies.get(vote, ())))

    def votes(self, epoch: int) -> list[SignedVote]:
        """The votes for an epoch, the first of each member."""
        return [
            by_epoch[epoch][0] for _, by_epoch in sorted(self._signed.items()) if epoch in by_epoch
        ]

    def newest(self) -> list[SignedVote]:
        """Of each member the votes with the newest target and with the newest source."""
        found: dict[SignedVote, None] = {}
        for _, by_epoch in sorted(self._signed.items()):
            votes = [signed for epoch in sorted(by_epoch) for signed in by_epoch[epoch]]
            found[votes[-1]] = None
            found[max(votes, key=_by_source)] = None
        return list(found)

    def _record(self, signed: SignedVote, authorities: AuthoritySet) -> Evidence | None:
        """Keep a vote; evidence if an earlier one of its signer excludes it."""
        vote, signer = signed.vote, (signed.vote.set_id, signed.member)
        by_epoch = self._signed.setdefault(signer, {})
        source, target = self._newest.get(signer, (-1, -1))
        forward = vote.source.epoch >= source and vote.target.epoch > target
        offence = None if forward else _excluded(vote, by_epoch)
        self._newest[signer] = max(source, vote.source.epoch), max(target, vote.target.epoch)
        by_epoch.setdefault(vote.target.epoch, []).append(signed)
        if offence is None:
            return None
        member = authorities.members[signed.member]
        return of_votes(
            member.did,
            member.vote,
            (offence.vote, offence.signature),
            (vote, signed.signature),
        )

    def _sweep(self, slot: int) -> None:
        """Forget what has left the window, once a slot."""
        if slot <= self._swept:
            return
        self._swept = slot
        oldest = slot - WINDOW_SLOTS
        self._tallies = {v: t for v, t in self._tallies.items() if v.target.epoch >= oldest}
        for signer, by_epoch in list(self._signed.items()):
            left = {epoch: kept for epoch, kept in by_epoch.items() if epoch >= oldest}
            if left:
                self._signed[signer] = left
            else:
                del self._signed[signer]
                del self._newest[signer]


def _by_source(signed: SignedVote) -> tuple[int, int]:
    return signed.vote.source.epoch, signed.vote.target.epoch


def _excluded(vote: Vote, by_epoch: dict[int, list[SignedVote]]) -> SignedVote | None:
    """The first vote of a signer that excludes another of the same signer."""
    return next(
        (
            known
            for epoch in sorted(by_epoch)
            for known in by_epoch[epoch]
            if exclude(known.vote, vote)
        ),
        None,
    )
