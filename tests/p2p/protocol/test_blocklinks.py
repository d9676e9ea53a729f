"""Whose blocks are wanted at once."""

from p2p.peers.peer import PeerId
from p2p.protocol.blocklinks import PREFERRED, BlockLinks
from p2p.protocol.effects import Effect, Send
from p2p.wire.messages import PreferBlocks

A, B, C, D, E = (PeerId(bytes([number]) * 32) for number in range(5))


def told(effects: list[Effect]) -> dict[PeerId, bool]:
    """Who is told what."""
    return {
        effect.peer: effect.message.preferred
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, PreferBlocks)
    }


def links(*dialled: PeerId) -> BlockLinks:
    made = BlockLinks()
    for peer in (A, B, C, D):
        made.connected(peer, outbound=peer in dialled)
    return made


def test_the_first_peers_are_preferred_until_others_are_better() -> None:
    made = BlockLinks()
    assert [told(made.connected(peer, outbound=True)) for peer in (B, C, D)] == [
        {B: True},
        {C: True},
        {D: True},
    ]
    assert PREFERRED == 3
    assert told(made.connected(A, outbound=True)) == {}
    assert told(made.first(A)) == {}
    assert told(made.first(A)) == {A: True, D: False}


def test_one_that_we_dialled_is_among_them() -> None:
    made = links(D)
    assert told(made.first(A)) == told(made.first(B)) == told(made.first(C)) == {}
    strangers = BlockLinks()
    for peer in (A, B, C):
        strangers.connected(peer, outbound=False)
    assert told(strangers.connected(D, outbound=True)) == {D: True, C: False}


def test_who_failed_begins_again_below_those_who_have_not() -> None:
    made = links(A, B, C, D)
    for _ in range(9):
        made.first(A)
    assert told(made.failed(A)) == {A: False, D: True}
    assert told(made.first(A)) == {}
    assert made.failed(E) == made.first(E) == []


def test_another_takes_the_place_of_who_has_left() -> None:
    made = links(A, B, C, D)
    assert told(made.disconnected(B)) == {D: True}
    assert told(made.connected(B, outbound=True)) == {}


def test_blocks_go_to_those_that_said_so() -> None:
    made = links()
    made.told(A, preferred=True)
    made.told(B, preferred=True)
    made.told(B, preferred=False)
    made.told(C, preferred=False)
    assert [made.wants_blocks(peer) for peer in (A, B, C, D)] == [True, False, False, False]
    made.disconnected(A)
    made.connected(A, outbound=True)
    assert not made.wants_blocks(A)
