"""Sessions: which of two connections stays, and who makes way when all inbound slots are taken."""

from dataclasses import dataclass
from typing import Any

from p2p.peers.peer import PeerId
from p2p.peers.usefulness import Use, Usefulness
from p2p.sessions import Newcomer, Session, Sessions

SELF = PeerId(bytes(32))
SLOTS = 8


def peer(number: int) -> PeerId:
    return PeerId(number.to_bytes(32, "big"))


@dataclass
class Quiet:
    """Of a connection, what sessions look at."""

    latency_ms: float | None = None


def session(number: int, group: str, *, outbound: bool = False) -> Session:
    connection: Any = Quiet()
    return Session(peer(number), connection, f"ws://{group}:1", group, outbound, float(number))


def full(uses: Usefulness, group: str = "66.6") -> Sessions:
    sessions = Sessions(SELF, SLOTS, uses, bytes(32))
    for number in range(1, SLOTS + 1):
        uses.connected(peer(number))
        sessions.add(session(number, group))
    return sessions


def test_a_free_slot_is_anybodys() -> None:
    sessions = Sessions(SELF, 1, Usefulness(), bytes(32))
    assert sessions.judge(Newcomer(peer(1), "66.6", False)).welcome
    sessions.add(session(1, "66.6"))
    refused = sessions.judge(Newcomer(peer(2), "66.6", False))
    assert (refused.code, refused.reason) == ("full", "1 of 1 inbound slots are in use")
    assert sessions.judge(Newcomer(peer(2), "66.6", True)).welcome


def test_a_newcomer_of_another_network_takes_the_youngest_place_of_the_crowd() -> None:
    admission = full(Usefulness()).judge(Newcomer(peer(100), "10.1", False))
    assert admission.evicts
    assert admission.replaces is not None
    assert admission.replaces.peer == peer(SLOTS)


def test_who_brought_a_block_is_not_evicted_though_it_is_the_youngest() -> None:
    uses = Usefulness()
    sessions = full(uses)
    uses.credit(peer(SLOTS), Use.BLOCK, 5.0)
    admission = sessions.judge(Newcomer(peer(100), "10.1", False))
    assert admission.replaces is not None
    assert admission.replaces.peer == peer(SLOTS - 1)


def test_outbound_peers_are_never_evicted() -> None:
    sessions = Sessions(SELF, 1, Usefulness(), bytes(32))
    sessions.add(session(1, "66.6", outbound=True))
    assert not sessions.judge(Newcomer(peer(2), "10.1", False)).evicts
    sessions.add(session(2, "10.1"))
    assert sessions.judge(Newcomer(peer(3), "10.2", False)).code == "full"


def test_a_peer_that_is_connected_replaces_itself_and_nobody_else() -> None:
    sessions = full(Usefulness())
    again = sessions.judge(Newcomer(peer(3), "10.1", False))
    assert again.welcome
    assert not again.evicts
    assert again.replaces is sessions.get(peer(3))
    assert sessions.judge(Newcomer(SELF, "10.1", True)).code == "self"
