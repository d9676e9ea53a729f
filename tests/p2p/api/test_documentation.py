"""docs/api.md, which is all that many a client has, says what there is."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest
from trio.testing import MockClock

from chain.consensus.finality.certificate import Certificate
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    BlockFinalized,
    BlockJustified,
    CertificateFound,
    EvidenceFound,
    FinalityAlarm,
    HeadChanged,
    TransactionAdded,
    TransactionDropped,
)
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash
from chain.state import paths
from p2p.api.event_routes import KINDS, event_json
from p2p.events import NodeEvent, PeerConnected, PeerDisconnected, SubscriptionDropped
from p2p.peers.peer import PeerId
from tests.chain.consensus.finality.world import LINK
from tests.fuzz.bodies import double_vote
from tests.p2p.api.serving import serve
from tests.p2p.founding import found

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
ID, PEER = Hash(b"i" * 32), PeerId(b"p" * 32)
EVENTS: tuple[NodeEvent, ...] = (
    BlockConnected(ID, 1, 1, bytes(32), (ID,)),
    BlockDisconnected(ID, 1),
    HeadChanged(ID, ID, 1, 0),
    TransactionAdded(ID),
    TransactionDropped(ID, "c", "r"),
    BlockJustified(ID, 1, 1, 0),
    BlockFinalized(ID, 1, 1, 0),
    CertificateFound(Certificate(LINK, b"", ())),
    EvidenceFound(double_vote()),
    FinalityAlarm("c", "r"),
    PeerConnected(PEER, "ws://a:1", True),
    PeerDisconnected(PEER, "r"),
    SubscriptionDropped(1, "r"),
)


def test_every_event_is_there_with_its_fields() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    said = {kind: re.findall(r"`([a-z]+)`", fields) for kind, fields in rows}
    genesis = found(authorities=1).genesis
    shown = [event_json(event, genesis) for event in EVENTS]
    assert said == {str(each.pop("event")): list(each) for each in shown}
    assert list(said) == [*KINDS, "subscription-dropped"]


async def test_every_endpoint_is_there(autojump_clock: MockClock) -> None:
    async with serve() as served:
        described = await served.get("/openapi.json")
    assert isinstance(described["paths"], dict)
    said = re.findall(r"^\| `(GET|POST) ([^`?]*)", PAGE, re.MULTILINE)
    named = {(method, re.sub(r"\{.*?\}", "{}", path)) for method, path in said}
    there = {
        (method.upper(), re.sub(r"\{.*?\}", "{}", path))
        for path, methods in described["paths"].items()
        if isinstance(methods, dict)
        for method in methods
    }
    assert named == {*there, ("GET", "/v1/events")}


async def test_every_status_is_there(autojump_clock: MockClock) -> None:
    async with serve() as served:
        described = str(await served.get("/openapi.json"))
    answered = {int(status) for status in re.findall(r"'([45]\d\d)': \{'description'", described)}
    # What the routing and the event stream refuse is not described.
    answered |= {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.FORBIDDEN}
    said = {int(status) for status in re.findall(r"\b([45]\d\d): ", PAGE.replace("\n", " "))}
    assert said == answered


def test_every_form_of_a_path_is_there() -> None:
    did = found(authorities=1).genesis.did(ID)
    forms = re.findall(r"`([a-z]+/[A-Za-z/]+)`", PAGE.split("`{path}` is")[1].split("\n\n")[0])
    for form in forms:
        text = form.replace("DID", did).replace("LANE", "3").replace("CODE", "CNY")
        text = text.replace("ID", ID.hex()).replace("NAME", "block_bytes_max")
        assert paths.format_path(paths.parse_path(text, "test"), "test") == text
    with pytest.raises(Malformed) as refused:
        paths.parse_path("", "test")
    known = refused.value.reason.partition("use ")[2].replace("<64 hex digits>", "ID")
    known = re.sub(r"<([a-z]+)[^>]*>", lambda name: name[1].upper(), known)
    assert forms == re.split(", | or ", known)
