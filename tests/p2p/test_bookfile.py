"""The address book's file: replaced whole, and no reason to stop when it is broken."""

from pathlib import Path

import pytest

from chain.primitives.hashing import sha256
from p2p.bookfile import BookFile
from p2p.observer import Observer
from p2p.peers.peer import PeerId
from p2p.peers.remembered import NOTHING, Remembered

CHAIN = sha256(b"chain")
KEPT = Remembered(bytes(range(32)), (), (PeerId(bytes(32)),))


@pytest.fixture
def observer() -> Observer:
    return Observer("n1")


def test_what_was_saved_is_loaded(tmp_path: Path, observer: Observer) -> None:
    file = BookFile(tmp_path / "peers", CHAIN, observer)
    assert file.load() == NOTHING
    file.save(KEPT)
    assert file.load() == KEPT
    assert [path.name for path in tmp_path.iterdir()] == ["peers"]
    assert observer.totals() == {}


def test_a_kill_while_saving_leaves_the_old_book(tmp_path: Path, observer: Observer) -> None:
    file = BookFile(tmp_path / "peers", CHAIN, observer)
    file.save(KEPT)
    (tmp_path / "peers.new").write_bytes(b"half a bo")
    assert file.load() == KEPT
    file.save(KEPT)
    assert file.load() == KEPT


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-address-book"),
        (b"a2fe\nb3\n", "no-address-book"),
        (b"cornerstone peers\nhalf", "torn-address-book"),
    ],
)
def test_a_broken_file_is_told_of_and_costs_only_itself(
    tmp_path: Path, content: bytes, code: str
) -> None:
    lines: list[str] = []
    observer = Observer("n1", hears=lambda level, event, fields: lines.append(str(fields["why"])))
    (tmp_path / "peers").write_bytes(content)
    assert BookFile(tmp_path / "peers", CHAIN, observer).load() == NOTHING
    assert observer.total("address-book", code) == 1
    assert lines[0].endswith("starting with an empty address book")


def test_a_disk_that_refuses_is_told_of(tmp_path: Path, observer: Observer) -> None:
    (tmp_path / "peers").mkdir()
    file = BookFile(tmp_path / "peers", CHAIN, observer)
    assert file.load() == NOTHING
    assert observer.total("address-book", "unreadable") == 1
    file.save(KEPT)
    assert observer.total("address-book", "not-saved") == 1
