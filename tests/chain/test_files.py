"""What a disk refuses is told with the file."""

import errno
from pathlib import Path

import pytest

from chain.files import naming


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as told, naming(tmp_path / "ledger"):
        Path("/dev/full").write_text("much")
    assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(tmp_path / "ledger"))


def test_what_names_a_file_already_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as told, naming(tmp_path):
        (tmp_path / "folder" / "file").read_bytes()
    assert told.value.filename == str(tmp_path / "folder" / "file")
