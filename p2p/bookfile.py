"""The file in which a node keeps what it remembers of its peers; see `p2p.peers.remembered`.

- It is replaced in one step, and is on the disk before it takes the old one's place. *Why:* a node
  that is killed while saving, or whose machine loses power, has the old book or the new one.
- A file that cannot be read costs what is in it and nothing else: the node says why and starts with
  an empty book.
"""

import os
from pathlib import Path

from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from p2p.observer import Observer
from p2p.peers.remembered import NOTHING, Remembered, decode_remembered, encode_remembered


class BookFile:
    """One node's `peers` file."""

    def __init__(self, path: Path, chain: Hash, observer: Observer) -> None:
        self._path = path
        self._chain = chain
        self._observer = observer

    def load(self) -> Remembered:
        """What the last run has kept; nothing where there is no file that can be used."""
        try:
            return decode_remembered(self._path.read_bytes(), self._chain)
        except FileNotFoundError:
            return NOTHING
        except OSError as error:
            self._lost("unreadable", str(error))
        except Refusal as refusal:
            self._lost(refusal.code, refusal.reason)
        return NOTHING

    def save(self, remembered: Remembered) -> None:
        """Replace the file; a disk that refuses is told of, and the old file stays."""
        draft = self._path.with_suffix(".new")
        try:
            with draft.open("wb") as file:
                file.write(encode_remembered(remembered, self._chain))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            self._observer.count("address-book", "not-saved")
            self._observer.log("warning", "address-book-not-saved", why=str(error))

    def _lost(self, code: str, reason: str) -> None:
        self._observer.count("address-book", code)
        self._observer.log(
            "warning",
            "address-book-lost",
            code=code,
            why=f"{self._path}: {reason}; starting with an empty address book",
        )
