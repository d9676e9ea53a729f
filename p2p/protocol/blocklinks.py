"""Which links new blocks come by at once and unasked: whom we prefer, and who prefers us.

Rules (after BIP152's high-bandwidth mode):
- PREFERRED peers are told that their blocks are wanted at once: those that were lately first with
  blocks that proved good. A first counts 1 and fades by FADING with every block; who is preferred
  keeps its place until another is ahead by STICKINESS. *Why:* nearness is measured for free by who
  is first; and a place that changes with every block is worth nothing.
- One of them is a peer that we dialled, where there is one. *Why:* who comes to us may have come to
  surround us.
- Who brought a block and then withheld parts of it, or brought a bad one, begins again below those
  of whom nothing is known, and loses its place if there are any.
- Any peer may prefer us; there are no more of them than there are connections.
"""

from p2p.peers.peer import PeerId
from p2p.protocol.effects import Effect, Send
from p2p.wire.messages import PreferBlocks

PREFERRED = 3  # BIP152's number
FADING = 0.9  # ten blocks are remembered, about
STICKINESS = 1.0


class BlockLinks:
    """Scores of peers, and who has been told what."""

    def __init__(self) -> None:
        self._scores: dict[PeerId, float] = {}
        self._dialled: dict[PeerId, None] = {}
        self._preferred: dict[PeerId, None] = {}
        self._eager: dict[PeerId, None] = {}

    def connected(self, peer: PeerId, *, outbound: bool) -> list[Effect]:
        """A new peer; the first few are preferred until others are better."""
        self._scores[peer] = 0.0
        if outbound:
            self._dialled[peer] = None
        return self._plan()

    def disconnected(self, peer: PeerId) -> list[Effect]:
        """Another takes its place."""
        del self._scores[peer]
        for places in (self._dialled, self._preferred, self._eager):
            places.pop(peer, None)
        return self._plan()

    def first(self, peer: PeerId) -> list[Effect]:
        """A block that this peer was the first to show has proved good."""
        if peer not in self._scores:
            return []
        for other in self._scores:
            self._scores[other] *= FADING
        self._scores[peer] += 1.0
        return self._plan()

    def failed(self, peer: PeerId) -> list[Effect]:
        """A block from this peer could not be completed in time, or proved bad."""
        if peer not in self._scores:
            return []
        self._scores[peer] = -2 * STICKINESS
        return self._plan()

    def told(self, peer: PeerId, *, preferred: bool) -> None:
        """A peer says whether it wants our blocks at once."""
        if preferred:
            self._eager[peer] = None
        else:
            self._eager.pop(peer, None)

    def wants_blocks(self, peer: PeerId) -> bool:
        """Whether new blocks go to this peer at once."""
        return peer in self._eager

    def _plan(self) -> list[Effect]:
        ranked = sorted(self._scores, key=self._rank)
        chosen = ranked[:PREFERRED]
        if not any(peer in self._dialled for peer in chosen):
            dialled = [peer for peer in ranked if peer in self._dialled]
            chosen = [*chosen[: PREFERRED - 1], *dialled[:1]] if dialled else chosen
        effects: list[Effect] = [
            Send(peer, PreferBlocks(False)) for peer in self._preferred if peer not in chosen
        ]
        effects += [
            Send(peer, PreferBlocks(True)) for peer in chosen if peer not in self._preferred
        ]
        self._preferred = dict.fromkeys(chosen)
        return effects

    def _rank(self, peer: PeerId) -> tuple[float, bool, PeerId]:
        keeps = peer in self._preferred
        return -self._scores[peer] - STICKINESS * keeps, not keeps, peer
