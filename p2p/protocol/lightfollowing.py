"""A light client's conversation: asks one peer after the other what has become final.

Rules:
- One question at a time, to each peer in turn, every POLL_S; at once while an answer brought a
  handover, for more may follow. *Why in turn:* a peer can keep news back but not forge it; one
  honest peer among them is enough to learn them.
- What does not verify ends the connection; two final headers that contradict each other are told
  as an alarm, and the first is kept. *Why:* then a third of the authorities lie, and no program
  can say on which side.
- A final header alone, of a later set, says that no handover leads there: the network was recovered
  by hand. It is told as a need for a checkpoint, and followed no further. *Why not believed:* any
  peer can say so; *why not blamed:* behind a recovery an honest one can say nothing else.
- A peer that is silent for ANSWER_S is left.
Bounds: one question open; an answer within the limits of its message.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chain.finalproof import FinalHeader, check_chain, decode_handover
from chain.lightclient import LightClient
from chain.primitives.errors import Invalid, Malformed
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Count, Disconnect, Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.fields import REQUEST_MAX
from p2p.wire.messages import Final, GetFinal

POLL_S = 30.0  # news within half a minute; with three links some five megabytes a day
ANSWER_S = 20.0
CONFLICT = "conflicting-final"


@dataclass(frozen=True, slots=True)
class _Question:
    peer: PeerId
    request: int
    deadline_s: float


class LightFollower:
    """One client and its peers."""

    def __init__(self, client: LightClient) -> None:
        self.client = client
        self.alarm = ""
        self.stranded = ""  # why only a checkpoint leads on, as a peer has it
        self._peers: list[PeerId] = []  # whose turn is next stands first
        self._question: _Question | None = None
        self._next_s: float | None = None
        self._requests = 0

    @property
    def peers(self) -> Sequence[PeerId]:
        """The connected peers."""
        return tuple(self._peers)

    def connected(self, peer: PeerId, now: Now) -> list[Effect]:
        """A peer passed the hello: it is asked next, and at once if nobody is being asked."""
        self._peers.insert(0, peer)
        self._next_s = now.s
        return self.tick(now)

    def disconnected(self, peer: PeerId, now: Now) -> list[Effect]:
        """A peer's connection ended."""
        self._peers.remove(peer)
        if self._question is not None and self._question.peer == peer:
            self._question, self._next_s = None, now.s
        return self.tick(now)

    def deadline_s(self) -> float | None:
        """When `tick` is next needed."""
        if self._question is not None:
            return self._question.deadline_s
        return self._next_s if self._peers else None

    def tick(self, now: Now) -> list[Effect]:
        """Ask whoever is next, if it is time; leave whoever does not answer."""
        question = self._question
        if question is not None:
            if now.s < question.deadline_s:
                return []
            self._question, self._next_s = None, now.s
            reason = f"no answer within {ANSWER_S:.0f} s"
            return [Disconnect(question.peer, "slow-answer", reason)]
        if not self._peers or self._next_s is None or now.s < self._next_s:
            return []
        peer = self._peers.pop(0)
        self._peers.append(peer)
        self._requests = self._requests % REQUEST_MAX + 1
        self._question = _Question(peer, self._requests, now.s + ANSWER_S)
        client = self.client
        return [Send(peer, GetFinal(self._requests, client.authorities.id, client.height))]

    def receive(self, peer: PeerId, message: Final, now: Now) -> list[Effect]:
        """An answer: everything in it is verified."""
        question = self._question
        if question is None or (peer, message.request) != (question.peer, question.request):
            return [Count("ignored", "final")]
        self._question, self._next_s = None, now.s + POLL_S
        try:
            news = self._follow(message)
        except (Malformed, Invalid) as refusal:
            if refusal.code == CONFLICT:
                self.alarm = refusal.reason
            return [Disconnect(peer, refusal.code, refusal.reason), Count("refused", refusal.code)]
        if message.handovers:
            self._next_s = now.s
        return [Count("light", "final" if news else "nothing-new"), *self.tick(now)]

    def _follow(self, message: Final) -> bool:
        news = bool(message.handovers)
        for handover in message.handovers:
            self.client.hand_over(decode_handover(handover))
        if message.header:
            final = FinalHeader.from_values(message.header, message.certificate)
            followed, named = self.client.authorities.id, final.header.set_id
            if named > followed and not news:
                check_chain(final.header, self.client.chain)
                self.stranded = stranded(followed, named)
                return False
            news = self.client.finalize(final)
        if news:
            self.stranded = ""
        return news


def stranded(followed: int, named: int) -> str:
    """Why a client gets no further, and what helps."""
    return (
        f"a peer says that authority set {named} is in force, and has no handover that leads there "
        f"from set {followed}, which is followed here: the network was recovered by hand, and "
        "only a checkpoint from behind that leads on. Stop this node, put what /v1/checkpoint of "
        "a node you trust gives (compare several) into its folder as `checkpoint`, start it again"
    )
