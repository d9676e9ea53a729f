"""What light clients are told: handovers from their set on, and the newest final header.

Rules:
- A peer with the capability `light/1` and without `blocks/1` is a light client: it is served, and
  told of nothing else. *Why:* it cannot judge transactions and blocks, and pays for its bytes.
- An answer stands in one message and carries a bounded number of handovers; the header comes with
  the last. *Why:* what a client cannot verify yet is of no use to it.
- Where a recovery by hand is ahead, handovers end before it; who has those is sent the newest final
  header alone. *Why:* it cannot be verified from there, but says that only a checkpoint helps.
Bounds: REQUESTS_RATE for each peer; beyond it nothing is answered.
"""

from chain.finalproof import Handover
from chain.ledger import Ledger
from chain.primitives.errors import Declined
from chain.receipts.making import recovered_sets
from p2p.peers.bucket import TokenBucket
from p2p.peers.peer import PeerId
from p2p.protocol.effects import Count, Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.messages import HANDOVERS_SENT_MAX, Final, GetFinal, Hello

LIGHT = "light/1"
FULL = "blocks/1"
REQUESTS_RATE = 1.0  # a second and peer: a block a second, and no client asks for each
REQUESTS_BURST = 130.0  # a client that follows a thousand handovers at once
Answer = tuple[list[Handover], bytes, bytes]


def is_light(hello: Hello) -> bool:
    """Whether a peer follows finality only."""
    return LIGHT in hello.capabilities and FULL not in hello.capabilities


class LightServer:
    """Answers from one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._budgets: dict[PeerId, TokenBucket] = {}

    def connected(self, peer: PeerId, now: Now) -> None:
        """A peer that may ask."""
        self._budgets[peer] = TokenBucket(REQUESTS_RATE, REQUESTS_BURST, now.s)

    def disconnected(self, peer: PeerId) -> None:
        """It asks no more."""
        del self._budgets[peer]

    def receive(self, peer: PeerId, message: GetFinal, now: Now) -> list[Effect]:
        """What has become final since."""
        if not self._budgets[peer].take(1, now.s):
            return [Count("unserved", "final")]
        try:
            handovers, header, certificate = self._answer(message)
        except Declined as refusal:
            return [
                Send(peer, Final(message.request, (), b"", b"")),
                Count("unserved", refusal.code),
            ]
        encoded = tuple(handover.encode() for handover in handovers)
        return [Send(peer, Final(message.request, encoded, header, certificate))]

    def _answer(self, asked: GetFinal) -> Answer:
        """Raises Declined for a handover that is not here."""
        finality = self._ledger.finality
        proof = finality.closure.proof
        if proof is None:
            return [], b"", b""
        last = proof.vote.set_id
        ahead = [each for each in recovered_sets(self._ledger) if asked.set_id < each <= last]
        led = ahead[0] - 1 if ahead else last
        until = min(led, asked.set_id + HANDOVERS_SENT_MAX)
        handovers = self._ledger.handovers.between(asked.set_id, until)
        header = self._ledger.header(proof.vote.source.block)
        newer = header is not None and header.height > asked.height
        useful = not handovers if ahead else newer or handovers
        if until < led or asked.set_id > last or header is None or not useful:
            return handovers, b"", b""
        return handovers, header.raw, proof.encode()
