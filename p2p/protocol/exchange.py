"""Peer exchange: asking peers for others, telling those that ask, and what is learnt of it.

Rules:
- Records are only taken from answers that we asked for, SAMPLE_MAX of each, and from hellos. *Why:*
  how much a peer may tell us is our choice.
- Whoever asks gets a sample of the book, at most PEX_RATE times a second. *Why:* the book is
  private, and answering costs more than asking.
- Learnt is who is somewhere else than we are, and at an address that reaches as far as ours does.
- The source of what is learnt is the network group that the teller's link comes from, not what it
  says of itself. *Why:* the buckets of the book hold one network's word apart from another's.
- Whatever becomes of a record is counted by reason.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from chain.primitives.errors import Refusal
from p2p.peers.addressbook import SAMPLE_MAX, AddressBook, Learnt
from p2p.peers.bucket import TokenBucket
from p2p.peers.contact import Contact, Reach, reach_of
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_MALFORMED, POINTS_UNREQUESTED
from p2p.protocol.effects import Count, Effect, Penalize, Send
from p2p.protocol.instant import Now
from p2p.wire.discovery import GetPeers, Peers

PEX_RATE = 0.5
PEX_BURST = 8
OWN_ADDRESSES_MAX = 16  # at which we have met ourselves


@dataclass(frozen=True, slots=True)
class Teacher:
    """A connected peer that may tell of others, and the network group it is connected from."""

    peer: PeerId
    group: str


class _Link:
    __slots__ = ("budget", "request", "teacher")

    def __init__(self, teacher: Teacher, now: Now) -> None:
        self.teacher = teacher
        self.request = 0
        self.budget = TokenBucket(PEX_RATE, PEX_BURST, now.s)


class PeerExchange:
    """What is said about others. `parse` verifies a record and gives its contact, or refuses."""

    def __init__(self, book: AddressBook, parse: Callable[[bytes], Contact], reach: Reach) -> None:
        self._book = book
        self._parse = parse
        self._reach = reach
        self._links: dict[PeerId, _Link] = {}
        self._own: dict[str, None] = {}
        self._last_request = 0

    def connected(self, teacher: Teacher, records: tuple[bytes, ...], now: Now) -> list[Effect]:
        """A peer comes with its own record, and is asked and answered from now on."""
        self._links[teacher.peer] = _Link(teacher, now)
        return self._learn(teacher, records, now)

    def disconnected(self, peer: PeerId) -> None:
        """An answer cannot come any more."""
        self._links.pop(peer, None)

    def met_ourselves(self, address: str) -> None:
        """The address is our own: nobody else is there, whoever says so."""
        if len(self._own) < OWN_ADDRESSES_MAX:
            self._own[address] = None

    def ask(self, peer: PeerId) -> Send:
        """Ask a connected peer; an earlier question is forgotten."""
        self._last_request += 1
        self._links[peer].request = self._last_request
        return Send(peer, GetPeers(self._last_request))

    def asked(self, peer: PeerId, message: GetPeers, rng: random.Random, now: Now) -> Effect:
        """Answer with a sample, if not too often."""
        if not self._links[peer].budget.take(1, now.s):
            return Count("refused", "peer-exchange-rate")
        return Send(peer, Peers(message.request, self._book.sample(now.s, rng)))

    def answered(self, peer: PeerId, message: Peers, now: Now) -> list[Effect]:
        """Learn from an answer, if it is one."""
        link = self._links[peer]
        if not link.request or message.request != link.request:
            if 0 < message.request <= self._last_request:
                return [Count("late", "peers")]
            reason = f"peers for request {message.request}, asked {link.request}"
            return [Penalize(peer, POINTS_UNREQUESTED, "unrequested", reason)]
        link.request = 0
        effects = self._learn(link.teacher, message.records[:SAMPLE_MAX], now)
        beyond = len(message.records) - SAMPLE_MAX
        if beyond > 0:
            effects.append(Count("addresses", "beyond-sample", beyond))
        return effects

    def _learn(self, teacher: Teacher, records: tuple[bytes, ...], now: Now) -> list[Effect]:
        counts: dict[str, int] = {}
        for record in records:
            if self._book.has_record(record):
                learnt = self._book.heard_again(record, teacher.group, now.s)
                counts[learnt.value] = counts.get(learnt.value, 0) + 1
                continue
            try:
                contact = self._parse(record)
            except Refusal as refusal:
                return [Penalize(teacher.peer, POINTS_MALFORMED, refusal.code, refusal.reason)]
            reason = self._judge(contact, teacher, now)
            counts[reason] = counts.get(reason, 0) + 1
        return [Count("addresses", reason, count) for reason, count in counts.items()]

    def _judge(self, contact: Contact, teacher: Teacher, now: Now) -> str:
        address = contact.addresses[0] if contact.addresses else ""
        if address in self._own:
            return Learnt.SELF.value
        reach = reach_of(address)
        if address and reach < self._reach:
            return "unroutable" if reach is Reach.NOWHERE else "out-of-reach"
        return self._book.add(contact, teacher.group, now.s).value
