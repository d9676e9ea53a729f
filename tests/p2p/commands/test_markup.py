"""What commands print stands there as it is: names of files and accounts are no markup."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

from p2p.api.client import Client
from p2p.api.governance_views import (
    ActionView,
    AuthoritiesView,
    BallotView,
    ParameterView,
    ProposalView,
    SeatView,
    SetView,
)
from p2p.commands import gov_look
from p2p.commands.node import app
from p2p.commands.options import Session, console
from p2p.commands.publish import show
from p2p.commands.verify import matched
from p2p.profile import own_profile
from p2p.publishing import Published, Verdict
from p2p.vault import VaultRecord
from tests.p2p.founding import found

NAMES = ("[red]x[/red]", "[/]", "a\\", "[link=a]b", "a\x1b[2J\udcff")
SHOWN = (*NAMES[:4], "a\\x1b[2J\\udcff")
each_name = pytest.mark.parametrize(("name", "shown"), [*zip(NAMES, SHOWN, strict=True)])


class Node:
    """Says what it likes."""

    url = "http://node:1"

    def __init__(self, said: str) -> None:
        seats = (SeatView("did:x", said, voice=True),)
        self._set = SetView(0, said, seats)
        action = ActionView(said, said, parameter=said, value=1)
        ballot = BallotView(said, True, said, 1, counts=True)
        self._proposal = ProposalView(
            id=said,
            status=said,
            proposer=said,
            action=action,
            until=1,
            rationale=said,
            slot=1,
            set_id=0,
            closed=None,
            yes=0,
            no=0,
            needed=1,
            ballots=(ballot,),
        )
        self._said = said

    def genesis(self) -> bytes:
        return found(authorities=1).genesis.encode()

    def proposals(self) -> tuple[ProposalView, ...]:
        return (self._proposal,)

    def proposal(self, _: str) -> ProposalView:
        return self._proposal

    def authorities(self) -> AuthoritiesView:
        return AuthoritiesView(self._set, self._set)

    def parameters(self) -> tuple[ParameterView, ...]:
        return (ParameterView(self._said, 1, 0, 2),)


def session(folder: Path, said: str = "") -> Session:
    return Session(own_profile(folder, ()), cast(Client, Node(said)))


@each_name
def test_a_published_file(name: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    record = VaultRecord(name, "5f", "", "", "", "", "", "", 0, "", 0)
    published = Published(Path(name), record, found(authorities=1).transfer(0))
    show([published], [], as_json=False)
    assert capsys.readouterr().out == f"{shown} 5f sent\n"


@each_name
def test_a_verified_file(
    name: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Verdict(True, "5f", "did:x", 3, "", "", "", "", "", "")
    console.print(matched(session(tmp_path), Path(name), verdict), soft_wrap=True)
    assert f"match {shown} is dataset 5f" in capsys.readouterr().out


@each_name
@pytest.mark.parametrize(
    "look",
    [
        gov_look.show_open,
        lambda: gov_look.show("5f"),
        gov_look.authorities,
        gov_look.parameters,
    ],
)
def test_governance_as_a_liar_tells_it(
    name: str,
    shown: str,
    look: Callable[[], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = session(tmp_path, name)
    monkeypatch.setattr(gov_look, "open_session", lambda *_: nullcontext(opened))
    look()
    assert shown in capsys.readouterr().out


def test_a_folder_of_a_node(tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.cbor"
    genesis.write_bytes(found(authorities=1).genesis.encode())
    folder = tmp_path / "[red]x[/red]"
    words = ["init", str(folder), "--genesis", str(genesis), "--name", "n1"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert f"in {folder}, id " in done.stdout
