"""Where dishonest blocks are sealed: at once where a signature does it, else bite by bite."""

from collections.abc import Callable
from dataclasses import dataclass

from chain.block import Block, Header
from chain.consensus.engine import Author, Engine
from p2p.protocol.instant import Now
from p2p.protocol.production import MINE_ATTEMPTS, MINE_PAUSE_S

Then = Callable[[Block], None]


@dataclass(slots=True)
class _Piece:
    header: Header
    target: int
    raws: tuple[bytes, ...]
    then: Then
    attempts: int = 0


class Anvil:
    """Seals headers for one author, with as much work at a time as an honest producer spends.

    Only the newest is worked on. *Why:* an older one stands on a head that is gone.
    """

    def __init__(self, engine: Engine, author: Author) -> None:
        self._engine = engine
        self._author = author
        self._piece: _Piece | None = None
        self._next_s: float | None = None

    def put(
        self, header: Header, target: int, raws: tuple[bytes, ...], then: Then, now: Now
    ) -> None:
        """Seal this block; `then` gets it, now or on a later tick."""
        piece = _Piece(header, target, raws, then)
        if self._engine.exclusive:
            self._strike(piece, 1)
        else:
            self._piece = piece
            self._next_s = now.s

    def deadline_s(self) -> float | None:
        """When to tick next."""
        return self._next_s

    def tick(self, now: Now) -> None:
        """One bite at the newest piece, when it is time."""
        if self._next_s is None or now.s < self._next_s:
            return
        piece = self._piece
        self._next_s = now.s + MINE_PAUSE_S
        if piece is not None and self._strike(piece, MINE_ATTEMPTS) and self._piece is piece:
            self._piece = self._next_s = None

    def _strike(self, piece: _Piece, attempts: int) -> bool:
        tried = range(piece.attempts, piece.attempts + attempts)
        piece.attempts += attempts
        seal = self._engine.seal(piece.header, self._author, piece.target, tried)
        if seal is None:
            return False
        piece.then(Block(piece.header, seal, (), piece.raws))
        return True
