"""Authorities that change who they are, again and again: what they propose, and their votes on it.

Rules:
- The first change halves the set; then, in turn, one is added, one removed, one replaced, three
  replaced at once, and all of them by others. Who has sat longest goes, who was out longest comes.
  *Why half:* only the genesis founds nodes that can be authorities, and a wholly different set
  needs as many outside as inside.
- A change is proposed when its time has come and the last one has taken over, as its votes show. As
  many as it needs vote, once the proposal is final. *Why:* a vote in a block before its proposal
  fails, and stays in the chain.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from chain.primitives.hashing import Hash, sha256
from chain.transactions.document import Purpose
from chain.transactions.envelope import Transaction
from chain.transactions.governance_actions import ChangeAuthorities, arguments_hash
from chain.transactions.governance_propose import Propose
from chain.transactions.governance_vote import CastVote
from testnet.founding import author
from testnet.observation import BlockJoined, Confirmed, Seen, SetConfirmed
from testnet.offering import EXPIRY_SLOTS
from testnet.scenario.model import Load
from testnet.senders import Sender
from testnet.spec import LaunchSpec

AT_ONCE = 3
RATIONALE = Hash(sha256(b"the laboratory changes seats"))


@dataclass(slots=True)
class _Motion:
    """A change under way."""

    change: ChangeAuthorities
    proposal: Transaction
    height: int = 0  # of the block it is in, once it is in one
    final: bool = False
    voted: bool = False


def next_change(
    number: int, seated: list[bytes], outside: list[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """Who goes and who comes with that change, counted from 0; both lists are by length of time."""
    if number == 0:
        return seated[: len(seated) // 2], []
    match (number - 1) % 5:
        case 0:
            return [], outside[:1]
        case 1:
            return seated[:1], []
        case 2:
            return seated[:1], outside[:1]
        case 3:
            return seated[:AT_ONCE], outside[:AT_ONCE]
        case _:
            return seated, outside


class SeatChanges:
    """Implements testnet.offering.Source for all authorities of a genesis."""

    def __init__(self, load: Load, spec: LaunchSpec, chain: Hash) -> None:
        self._for_s = load.for_ms / 1_000
        self._every_s = 1 / load.rate
        parties = [author(spec, name) for name in spec.author_names]
        self._dids = [party.document().id for party in parties]
        self._senders = [
            Sender(party.key(Purpose.TX), did, chain, 0)
            for party, did in zip(parties, self._dids, strict=True)
        ]
        self.clients = len(parties)
        self._seated = list(self._dids)
        self._outside: list[bytes] = []
        self._number = 0
        self._set_id = 0
        self._motion: _Motion | None = None

    def due(self, passed_s: float, slot: int) -> list[tuple[int, Transaction]]:
        """See Source."""
        motion = self._motion
        if motion is None:
            at_s = self._number * self._every_s
            return [self._propose(slot)] if at_s <= passed_s and at_s < self._for_s else []
        if motion.final and not motion.voted:
            motion.voted = True
            return list(self._votes(motion, slot))
        return []

    def see(self, seen: Seen) -> None:
        """See Source."""
        motion = self._motion
        if motion is None:
            return
        match seen.fact:
            case BlockJoined() as fact if motion.proposal.id.hex() in fact.transactions:
                motion.height = fact.height
            case Confirmed(height=height, final=True) if 0 < motion.height <= height:
                motion.final = True
            case SetConfirmed(set=number, seats=seats) if number > self._set_id:
                self._set_id = number
                self._take_over(seats)
            case _:
                pass

    def _propose(self, slot: int) -> tuple[int, Transaction]:
        goes, comes = next_change(self._number, self._seated, self._outside)
        change = ChangeAuthorities(tuple(sorted(goes)), tuple(sorted(comes)))
        until = slot + EXPIRY_SLOTS
        speaker = self._dids.index(self._seated[0])
        proposal = self._senders[speaker].sign_body(Propose(change, until, RATIONALE), until)
        self._motion = _Motion(change, proposal)
        return speaker, proposal

    def _votes(self, motion: _Motion, slot: int) -> Iterator[tuple[int, Transaction]]:
        vote = CastVote(motion.proposal.id, arguments_hash(motion.change), True)
        for did in self._seated[: len(self._seated) * 2 // 3 + 1]:
            client = self._dids.index(did)
            yield client, self._senders[client].sign_body(vote, slot + EXPIRY_SLOTS)

    def _take_over(self, seats: tuple[str, ...]) -> None:
        gone = [did for did in self._seated if did.hex() not in seats]
        come = [did for did in self._outside if did.hex() in seats]
        self._seated = [did for did in self._seated if did not in gone] + come
        self._outside = [did for did in self._outside if did not in come] + gone
        self._number += 1
        self._motion = None
