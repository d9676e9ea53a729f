"""Where the laboratory keeps things."""

from pathlib import Path

import pytest

from testnet.campaign.places import refuse_unwritable, runs_root
from testnet.errors import Unfit


def test_runs_are_kept_in_the_home(tmp_path: Path) -> None:
    assert runs_root({"CORNERSTONE_HOME": str(tmp_path)}) == tmp_path / "runs"


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    refuse_unwritable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_what_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unfit, match=r"into .*file/runs: Not a directory; name another folder"):
        refuse_unwritable(tmp_path / "file" / "runs")
