"""The bootstrap addresses: which of them may be dialled, and who has been found there.

Rules:
- One is not dialled while whoever answered at it is connected, or it is being dialled. *Why only
  who answered:* where a peer says that it is proves nothing, and whoever claims the addresses of
  all seeds would keep us from the one way out of his company.
- Our own address is none, once we have met ourselves there.
"""

import random
from collections.abc import Container

from p2p.peers.backoff import Backoff
from p2p.peers.peer import PeerId
from p2p.protocol.instant import Now


class Seeds:
    """As many as the operator has configured."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._backoffs = {address: Backoff() for address in addresses}
        self._found: dict[str, PeerId] = {}

    def backoff(self, address: str) -> Backoff | None:
        """The record of attempts at an address; None where it is no seed."""
        return self._backoffs.get(address)

    def failed(self, address: str, now: Now, rng: random.Random) -> None:
        """Nobody answered, or not as a node."""
        if address in self._backoffs:
            self._backoffs[address].failed(now.s, rng)

    def reached(self, address: str, peer: PeerId, now: Now) -> None:
        """This peer answered."""
        if address in self._backoffs:
            self._backoffs[address].succeeded(now.s)
            self._found[address] = peer

    def met_ourselves(self, address: str) -> None:
        """We answered."""
        self._backoffs.pop(address, None)

    def due_s(self, connected: Container[PeerId], dialled: Container[str]) -> dict[str, float]:
        """When each may be dialled at which nobody is whom we have, or are about to."""
        return {
            address: backoff.next_s
            for address, backoff in self._backoffs.items()
            if address not in dialled and self._found.get(address) not in connected
        }
